import type { Attachment, Gate, GateSender, Interface, LoadedProgram, Machine, MachineMap } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import type { AttachPoint, MapDescription, Program } from '../isa/program.ts'
import { Link, VirtualAttachment } from './attachment.ts'
import { LONGEST_FRAME } from './buffer.ts'
import { SimulatedClock } from './clock.ts'
import { type Engine, translated } from './engine.ts'
import { VirtualGate } from './gate.ts'
import { VirtualMap } from './map.ts'
import { checkDescription, MapHandle, sameDescription } from './maphandle.ts'
import { type Counters, type Endpoint, Network, type PassedFrame, type VirtualInterface } from './network.ts'
import { type Pinnable, Pins } from './pins.ts'
import { VirtualProcessor } from './processor.ts'
import { loadedBehind, ProgramHandle, VirtualProgram } from './program.ts'

export interface VirtualMachineOptions {
  /** Instructions that one run of a program may take: a few more than the compiler lets through. */
  readonly budget?: number
  /** Frames that may arrive because of one before that counts as a loop. */
  readonly deliveries?: number
  /** Packets of more bytes than that are in several parts, as the kernel's may be: at TC, programs see the first one. */
  readonly linear?: number
  /** What get_prandom_u32 starts from. */
  readonly seed?: number
  /** Nanoseconds at which the clock starts. */
  readonly start?: bigint
  /** The host's own stack: gets what programs pass. Without it, those frames gather in `passed`. */
  readonly stack?: (passed: PassedFrame) => void
  /** What runs programs: translations to WebAssembly unless said otherwise. */
  readonly engine?: Engine
}

/** A machine in this process: no kernel, no root. Time stands still unless somebody advances its clock. */
export interface VirtualMachine extends Machine {
  readonly name: 'vm'
  readonly clock: SimulatedClock
  /** Frames that programs passed to the host's own stack; whoever looks may empty it. */
  readonly passed: PassedFrame[]

  /** A new interface, up unless said otherwise. Indices count from 1. */
  addInterface(name: string, options: { readonly mac: string; readonly up?: boolean }): Interface
  removeInterface(name: string): void
  renameInterface(name: string, to: string): void
  setUp(name: string, up: boolean): void
  counters(name: string): Readonly<Counters>
  /** Puts an endpoint at the other end of the interface's wire, in place of what was there. */
  plug(name: string, endpoint: Endpoint): void
  unplug(name: string): void
  /** A frame arrives at an interface. Returns when everything that follows from it has happened. */
  receive(name: string, frame: Uint8Array): void
  /** The host's own stack sends a frame out of an interface. */
  transmit(name: string, frame: Uint8Array): void
  /** Has {@link Machine.foreign} tell of a program that is not this project's. */
  addForeign(name: string, point: AttachPoint, description: string): void
}

export function openVirtualMachine(options: VirtualMachineOptions = {}): VirtualMachine {
  return new Virtual(options)
}

class Virtual implements VirtualMachine {
  readonly name = 'vm'
  readonly namespace = 'vm'
  readonly cpus = 1
  readonly hasBudgets = true
  readonly tessera = ''
  readonly clock: SimulatedClock
  readonly passed: PassedFrame[] = []
  readonly #processor: VirtualProcessor
  readonly #network: Network
  readonly #pins = new Pins()
  readonly #engine: Engine
  readonly #gates = new Map<string, VirtualGate>()

  constructor({
    budget = 5_000_000,
    deliveries = 10_000,
    seed = 1,
    linear = LONGEST_FRAME,
    start = 1_000_000_000_000n,
    stack,
    engine = translated,
  }: VirtualMachineOptions) {
    this.#engine = engine
    this.clock = new SimulatedClock(start)
    this.#processor = new VirtualProcessor(this.clock, budget, seed, linear)
    this.#network = new Network(this.#processor, deliveries, stack ?? ((frame) => void this.passed.push(frame)))
  }

  createMap(name: string, description: MapDescription): MachineMap {
    checkDescription(name, description)
    return new MapHandle(new VirtualMap(name, description, this.#processor.memory), this.#pins)
  }

  openMap(path: string, description: MapDescription): MachineMap | undefined {
    const pinned = this.#pins.get(path)
    if (!(pinned instanceof VirtualMap) || !sameDescription(pinned.description, description)) return undefined
    return new MapHandle(pinned, this.#pins)
  }

  load(program: Program, maps: Readonly<Record<string, MachineMap>>): LoadedProgram {
    const given = new Map<string, VirtualMap>()
    for (const [name, description] of Object.entries(program.maps)) {
      const handle = maps[name]
      if (!(handle instanceof MapHandle))
        throw refusal(`program "${program.name}" needs map "${name}", which was not given`)
      if (!sameDescription(handle.description, description))
        throw refusal(`program "${program.name}" describes map "${name}" otherwise than the map that was given`)
      given.set(name, handle.shared())
    }
    return new ProgramHandle(
      new VirtualProgram(program, given, this.#processor, this.#engine),
      this.#processor,
      this.#network.testClone,
      this.#pins,
    )
  }

  loadSoon(): Disposable {
    return { [Symbol.dispose]() {} }
  }

  attachSoon(): Disposable {
    return { [Symbol.dispose]() {} }
  }

  openProgram(path: string): LoadedProgram | undefined {
    const pinned = this.#pins.get(path)
    if (!(pinned instanceof VirtualProgram)) return undefined
    return new ProgramHandle(pinned, this.#processor, this.#network.testClone, this.#pins)
  }

  within<T>(_: string, run: () => T): T {
    return run()
  }

  interface(which: string | number): Interface | undefined {
    const found = this.#network.find(which)
    return found === undefined ? undefined : snapshot(found)
  }

  /** It has as many as interfaces are said to be in. */
  hasNamespace(name: string): boolean {
    return this.#network.names().some((one) => one.startsWith(`${name}/`))
  }

  inBulk<T>(run: () => T): T {
    return run()
  }

  watchInterfaces(changed: () => void): Disposable {
    return this.#network.watch(changed)
  }

  foreign(target: Interface, point: AttachPoint): readonly string[] {
    return [...(this.#present(target).foreign.get(point) ?? [])]
  }

  xdpPoint(): AttachPoint {
    return 'xdp native'
  }

  attach(program: LoadedProgram, target: Interface, path: string, point: AttachPoint): Attachment {
    const at = this.#present(target)
    const loaded = loadedBehind(program)
    this.#pins.check(path)
    const link = new Link(at, loaded, point)
    this.#pins.add(path, link)
    return new VirtualAttachment(link, snapshot(at), this.#pins, loadedBehind)
  }

  openAttachment(path: string): Attachment | undefined {
    const pinned: Pinnable | undefined = this.#pins.get(path)
    if (pinned instanceof VirtualMap)
      throw refusal(`what is pinned at "${path}" is a map and no attachment`, 'unpin it, or use another path')
    if (!(pinned instanceof Link) || !pinned.attached) return undefined
    return new VirtualAttachment(pinned, snapshot(pinned.target), this.#pins, loadedBehind)
  }

  pinned(prefix: string): readonly string[] {
    return this.#pins.under(prefix)
  }

  pinFolders(): readonly string[] {
    return [...new Set(this.#pins.under('').map((path) => path.split('/')[0] ?? ''))].sort()
  }

  unpin(path: string): void {
    this.#pins.remove(path)
  }

  forget(path: string): void {
    this.#pins.remove(path)
  }

  movePin(from: string, to: string): void {
    this.#pins.move(from, to)
  }

  /** A packet has been everywhere when whoever sent it goes on. */
  settle(): void {}

  createGate(name: string): Gate {
    this.#gates.get(name)?.[Symbol.dispose]()
    const gate = new VirtualGate(this.#network, name, () => this.#gates.delete(name))
    this.#gates.set(name, gate)
    return gate
  }

  removeGate(name: string): void {
    this.#gates.get(name)?.[Symbol.dispose]()
  }

  createDevice(name: string): Interface {
    return snapshot(this.#network.find(name) ?? this.#network.add(name, '06:00:00:00:ff:01', true))
  }

  removeDevice(name: string): void {
    if (this.#network.find(name) !== undefined) this.#network.remove(name)
  }

  openGate(name: string): GateSender | undefined {
    const gate = this.#gates.get(name)
    return gate && { send: (slot, frame) => gate.send(slot, frame), flush: () => 0, [Symbol.dispose]() {} }
  }

  now(): bigint {
    return this.clock.now()
  }

  addInterface(name: string, { mac, up = true }: { readonly mac: string; readonly up?: boolean }): Interface {
    return snapshot(this.#network.add(name, mac, up))
  }

  removeInterface(name: string): void {
    this.#network.remove(name)
  }

  renameInterface(name: string, to: string): void {
    this.#network.rename(name, to)
  }

  setUp(name: string, up: boolean): void {
    this.#network.setUp(name, up)
  }

  counters(name: string): Readonly<Counters> {
    return { ...this.#network.get(name).counters }
  }

  plug(name: string, endpoint: Endpoint): void {
    this.#network.plug(name, endpoint)
  }

  unplug(name: string): void {
    this.#network.plug(name, undefined)
  }

  receive(name: string, frame: Uint8Array): void {
    this.#network.send(this.#network.get(name), 'in', frame)
  }

  transmit(name: string, frame: Uint8Array): void {
    this.#network.send(this.#network.get(name), 'out', frame)
  }

  addForeign(name: string, point: AttachPoint, description: string): void {
    const { foreign } = this.#network.get(name)
    foreign.set(point, [...(foreign.get(point) ?? []), description])
  }

  [Symbol.dispose](): void {
    for (const path of this.#pins.under('')) this.#pins.remove(path)
  }

  #present({ name, index }: Interface): VirtualInterface {
    const found = this.#network.get(name)
    if (found.index !== index)
      throw refusal(`interface "${name}" is another one than it was: ${index} is now ${found.index}`)
    return found
  }
}

const snapshot = ({ name, index, up, mac }: VirtualInterface): Interface => ({ name, index, up, mac: mac.slice() })
