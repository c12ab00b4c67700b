/** A whole graph on one machine, with a wire at every interface it names that a test holds the other end of. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Machine } from '../backend/machine.ts'
import { Held } from '../base/held.ts'
import { suggestion } from '../base/suggest.ts'
import { clockMap, MAP, ROW_OF } from '../compiler/wiring.ts'
import type { CubeFolder } from '../cube/catalogue.ts'
import type { View } from '../cube/control.ts'
import type { Cube } from '../cube/define.ts'
import { type ControlOptions, ControlPlanes } from '../daemon/control-planes.ts'
import { builtinCubes } from '../daemon/host.ts'
import { apply } from '../engine/apply/apply.ts'
import { type Injected, OpenControlPlane } from '../engine/control/control-plane.ts'
import { into, OpenGate } from '../engine/control/gate.ts'
import { decodePunt } from '../engine/control/punts.ts'
import { controlTable, type PortCounters, readCounters } from '../engine/control/tables.ts'
import { type Applied, Engine } from '../engine/engine.ts'
import type { Graph, GraphFile, InterfaceName, Link } from '../engine/graph/graph.ts'
import { capacityOf } from '../engine/graph/numbering.ts'
import { clockPath, mapPath } from '../engine/graph/paths.ts'
import { interfacesOf } from '../engine/graph/ports.ts'
import { sized } from '../engine/graph/sized.ts'
import { observe, plan } from '../engine/plan/plan.ts'
import { MemoryRecords } from '../engine/plan/records.ts'
import { readDocument, readGraph } from '../engine/read/read.ts'
import { nothing } from '../engine/stitch/stitch.ts'
import type { HookPoint } from '../isa/program.ts'
import {
  array,
  type ControlTableOf,
  describe as describeTable,
  type PuntedPacket,
  type Punts,
  puntsMap,
  struct,
  type Table,
  u64,
} from '../lang/index.ts'
import { openKernelWires } from './kernel-wires.ts'
import { through } from './through.ts'
import { LabTimers } from './timers.ts'
import { openVirtualWires } from './virtual-wires.ts'
import type { Arrival, MachineName, Wires } from './wires.ts'

export interface GraphLabOptions {
  /** The text of a graph file. Its name is not used: a lab has one of its own. */
  readonly graph: string
  /** Where cubes that are named by folder are: those for tests, unless said otherwise. */
  readonly folder?: string
  /** Of the virtual machine: packets of more bytes are in several parts, as the kernel's may be. */
  readonly linear?: number | undefined
}

/**
 * Frames by the interface that they came out of, `eth0` or `blue/eth0`; and what the stack got by interfaces that the graph has links
 * to the stack of, or transparent cubes on: `host eth0`. What nothing came out of is left out.
 */
export type Output = Readonly<Record<string, readonly Uint8Array[]>>

/** Packets, of all ports. */
interface Totals {
  readonly received: number
  /** Out of interfaces. */
  readonly sent: number
  readonly drops: number
  /** Of everything: whether something happened meanwhile. */
  readonly all: number
}

export interface GraphLab extends Disposable {
  readonly machine: Machine
  readonly engine: Engine
  /** Of the graph, on this host. */
  readonly name: string
  /** The time of both planes. It stands still but for this. */
  readonly clock: { now(): bigint; advance(nanoseconds: bigint): void }
  /** A frame arrives at an interface. Returns when everything that follows from it has happened. */
  send(name: string, frame: Uint8Array): Output
  /** The host's own stack sends a frame by an interface. */
  transmit(name: string, frame: Uint8Array): Output
  table<T extends Table>(instance: string, name: string): ControlTableOf<T>
  /** Of a transparent instance, its directions are its ports: `ingress` and `egress`. */
  counters(instance: string, port: string): PortCounters
  /** The packets that wait for the control plane of an instance, taken out. */
  punts<P extends Punts = Punts>(instance: string): readonly PuntedPacket<P>[]
  /** Control planes handle what waits for them, here and now, until nothing does. What comes of it comes out. */
  deliver(): Promise<Output>
  /** What comes out while nobody waits for it, as soon as there are so many frames. */
  receive(frames: number): Promise<Output>
  /** The control planes in threads of their own, of a lab on the kernel. */
  control(options?: ControlOptions): Promise<ControlPlanes>
  /** A view of the control plane, as `tessera show` has it. */
  view(instance: string, title: string): Promise<View>
  /** Another graph in the place of the one that runs. `meanwhile` is called whenever the machine has done a part of it. */
  apply(graph: string, meanwhile?: () => void): Promise<Applied>
}

const START = 1_000_000_000_000n

/** Of the kernel's clock: until then everything must have come out. Only a failure takes that long. */
const PATIENCE = 30_000

const time = struct('clock', { nanoseconds: u64 })
const cell = array({ value: time.fields, entries: 1 })

const WIRES: Readonly<Record<MachineName, (linear: number | undefined) => Wires>> = {
  vm: openVirtualWires,
  kernel: openKernelWires,
}

/** Opens a lab. A Refusal where the graph is wrong, as for a graph file. */
export async function openGraphLab(
  machine: MachineName,
  { graph, folder, linear }: GraphLabOptions,
  at: HookPoint = 'tc ingress',
): Promise<GraphLab> {
  const lab = new OpenGraphLab(WIRES[machine](linear), at, folder)
  try {
    await lab.apply(graph)
    return lab
  } catch (error) {
    lab[Symbol.dispose]()
    throw error
  }
}

/** One for all labs of a process, which imports each module once. */
export const catalogue = builtinCubes()

/** Where a graph of a lab would be written. */
const FILE = 'lab.yaml'

export class OpenGraphLab implements GraphLab {
  readonly machine: Machine
  readonly engine: Engine
  readonly clock
  readonly #wires: Wires
  readonly #at: HookPoint
  readonly #folder: string
  readonly #records = new MemoryRecords()
  /** Control planes, and their way into the graph. */
  readonly #held = new Held()
  readonly #timers = new LabTimers()
  #planes: readonly OpenControlPlane[] | undefined
  #injected = 0
  #cubes: ReadonlyMap<string, CubeFolder> = new Map()
  #now = START
  #meanwhile: (() => void) | undefined

  constructor(wires: Wires, at: HookPoint, folder = join(import.meta.dirname, 'cubes')) {
    this.#wires = wires
    this.#at = at
    this.#folder = folder
    // The control plane asks the machine for the time; data planes read it from the map of the clock.
    this.machine = through(wires.machine, <T>(operation: string, run: () => T) => {
      if (operation === 'now') return this.#now as T
      const result = run()
      this.#pause()
      return result
    })
    this.clock = {
      now: () => this.#now,
      advance: (nanoseconds: bigint) => {
        if (nanoseconds < 0n) throw new RangeError('a monotonic clock does not go back')
        this.#now += nanoseconds
        wires.advance(nanoseconds)
        this.#writeClock()
        this.#timers.advance(nanoseconds)
      },
    }
    const lock = async () => new Held()
    this.engine = new Engine({ machine: this.machine, catalogue, records: this.#records, lock, clock: 'cell', at })
  }

  static open(machine: MachineName, at: HookPoint, linear?: number): OpenGraphLab {
    return new OpenGraphLab(WIRES[machine](linear), at)
  }

  get name(): string {
    return this.#wires.name
  }

  async apply(text: string, meanwhile?: () => void): Promise<Applied> {
    return this.#apply(await readGraph(join(this.#folder, FILE), text, catalogue), meanwhile)
  }

  /** What the text of a graph file would say, as plain data. */
  async applyDocument(document: unknown): Promise<Applied> {
    return this.#apply(await readDocument(join(this.#folder, FILE), document, catalogue))
  }

  async #apply(given: GraphFile, meanwhile?: () => void): Promise<Applied> {
    const file = this.#onThisHost(given)
    this.#meanwhile = meanwhile
    const change = await this.engine.apply(file).finally(() => {
      this.#meanwhile = undefined
    })
    this.#cubes = file.cubes
    this.#held[Symbol.dispose]()
    this.#planes = undefined
    this.#writeClock()
    return change
  }

  /** What is done now asks the machine as well. */
  #pause(): void {
    const meanwhile = this.#meanwhile
    this.#meanwhile = undefined
    meanwhile?.()
    this.#meanwhile = meanwhile
  }

  send(name: string, frame: Uint8Array): Output {
    return this.#exchange(
      name,
      () => this.#wires.send(name, frame),
      ({ sent }) => sent,
    )
  }

  transmit(name: string, frame: Uint8Array): Output {
    return this.#exchange(
      name,
      () => this.#wires.transmit(name, frame),
      // What a program at egress does not drop comes out, and is not counted.
      ({ sent, received, drops }) => (this.#at === 'tc egress' ? received - drops : sent),
    )
  }

  table<T extends Table>(instance: string, name: string): ControlTableOf<T> {
    const cube = this.#cubeOf(instance)
    const { entries } = this.#graph.instances.find((one) => one.name === instance) ?? {}
    const table = sized(cube, entries).state[name]
    if (table === undefined)
      throw new RangeError(`${cube.name} has no table ${name}: ${suggestion(name, Object.keys(cube.state))}`)
    const map = this.machine.openMap(mapPath(this.name, instance, name), describeTable(table))
    if (map === undefined) throw new Error(`the table ${name} is not there`)
    return controlTable(table, map) as ControlTableOf<T>
  }

  counters(instance: string, port: string): PortCounters {
    const ids = this.#idsOf(instance)
    const id = ids[port]
    if (id === undefined) throw new RangeError(`there is no port ${port} now: ${suggestion(port, Object.keys(ids))}`)
    return this.#readCounters(instance)(id)
  }

  punts<P extends Punts>(instance: string): readonly PuntedPacket<P>[] {
    const { name, punts = {} } = this.#cubeOf(instance)
    const { queue } = this.#graph.instances.find((one) => one.name === instance) ?? {}
    using map = this.machine.openMap(mapPath(this.name, instance, MAP.punts), puntsMap(queue))
    if (map === undefined) throw new RangeError(`${name} leaves no packets to its control plane`)
    return map.consume().map((record) => decodePunt(punts as P, record))
  }

  async deliver(): Promise<Output> {
    const planes = await this.#planesHere()
    const all: Arrival[] = []
    for (let isDone = false; !isDone; ) {
      const before = this.#wires.synchronous ? undefined : this.#totals()
      this.#injected = 0
      // What they send may come back to them.
      isDone = planes.every((plane) => plane.deliver() === 0)
      all.push(...this.#comingOut(before))
    }
    return outputOf(all)
  }

  /** All that comes of what was injected, which is counted at least once each. */
  #comingOut(before: Totals | undefined): readonly Arrival[] {
    const arrived = [...this.#wires.receive()]
    if (before === undefined) return arrived
    const deadline = performance.now() + PATIENCE
    for (let last = before; ; ) {
      const now = this.#totals()
      arrived.push(...this.#wires.receive())
      const isCounted = now.all - before.all >= this.#injected && now.all === last.all
      if (isCounted && arrived.filter(({ at }) => at === 'wire').length >= now.sent - before.sent) return arrived
      if (performance.now() > deadline)
        throw new Error(`${this.#injected} packets of control planes should have been counted within ${PATIENCE} ms`)
      if (now.all === last.all) this.#wires.wait(10)
      last = now
    }
  }

  async receive(frames: number): Promise<Output> {
    const arrived: Arrival[] = []
    for (const deadline = performance.now() + PATIENCE; arrived.length < frames; await setTimeout(5)) {
      arrived.push(...this.#wires.receive())
      if (performance.now() > deadline) throw new Error(`${arrived.length} of ${frames} frames within ${PATIENCE} ms`)
    }
    return outputOf(arrived)
  }

  async control(options: ControlOptions = {}): Promise<ControlPlanes> {
    const planes = this.#held.use(new ControlPlanes({ ...options, inside: this.#wires.inside }))
    const control = await this.engine.control(this.name)
    planes.update(this.machine, control)
    return planes
  }

  /** Opened at first, and again when the graph has changed. */
  async #planesHere(): Promise<readonly OpenControlPlane[]> {
    if (this.#planes !== undefined) return this.#planes
    const { gate, planes } = await this.engine.control(this.name)
    this.#held.use(new OpenGate(this.machine, gate))
    const failed = (error: unknown): never => {
      throw error
    }
    const open = planes.map(({ folder, slots, ...parts }) => {
      const sender = this.machine.openGate(gate.name)
      if (sender === undefined) throw new Error('there is no gate')
      const put = into(this.#held.use(sender), slots, (lost) => failed(new Error(`${lost} packets were not sent`)))
      const inject = (packets: readonly Injected[]): void => {
        this.#injected += packets.length
        put(packets)
      }
      const plane = this.#held.use(
        new OpenControlPlane({
          ...parts,
          machine: this.machine,
          plane: folder.control,
          timers: this.#timers,
          inject,
          log: () => {},
          failed,
        }),
      )
      plane.start()
      return plane
    })
    this.#planes = open
    return open
  }

  async view(instance: string, title: string): Promise<View> {
    const { instances } = await this.engine.status(this.name)
    const views = instances.find(({ name }) => name === instance)?.views ?? {}
    const view = views[title]
    if (view !== undefined) return view
    throw new RangeError(
      `${this.#cubeOf(instance).name} has no view ${title}: ${suggestion(title, Object.keys(views))}`,
    )
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]()
    try {
      const none = nothing(this.name)
      apply(this.machine, none, plan(observe(this.machine, none), none))
    } finally {
      this.#wires[Symbol.dispose]()
    }
  }

  /** The graph under the lab's name, with the names of namespaces that it has here, and all its interfaces there. */
  #onThisHost(file: GraphFile): GraphFile {
    const moved = <T extends InterfaceName>(one: T): T =>
      one.namespace === undefined ? one : { ...one, namespace: this.#wires.namespace(one.namespace) }
    const movedLink = (link: Link | undefined) => (link?.to === 'interface' ? moved(link) : link)
    const { graph } = file
    for (const one of interfacesOf(graph)) this.#wires.add(one)
    const watched = [
      ...graph.instances.flatMap(({ ports }) =>
        ports.flatMap(({ link }) => (link?.to === 'host' ? [link.interface] : [])),
      ),
      ...graph.interfaces.flatMap((one) => (one.namespace === undefined ? [one.interface] : [])),
    ]
    for (const name of watched) this.#wires.watchStack(name)
    const instances = graph.instances.map((instance) => ({
      ...instance,
      ports: instance.ports.map((port) => ({ ...port, link: movedLink(port.link) })),
    }))
    return { ...file, graph: { name: this.name, instances, interfaces: graph.interfaces.map(moved) } }
  }

  #exchange(name: string, start: () => void, expected: (totals: Totals) => number): Output {
    const late = this.#wires.receive()
    if (late.length > 0) throw new Error(`more came out than was counted: ${late.map(outputName).join(', ')}`)
    return outputOf(this.#deliver(name, start, expected))
  }

  get #graph(): Graph {
    return this.#records.read(this.name)?.graph ?? { name: this.name, instances: [], interfaces: [] }
  }

  #cubeOf(instance: string): Cube {
    const found = this.#graph.instances.find(({ name }) => name === instance)
    const cube = this.#cubes.get(found?.cube ?? '')?.cube
    if (cube === undefined) throw new RangeError(`there is no instance ${instance}`)
    return cube
  }

  #idsOf(instance: string): Readonly<Record<string, number>> {
    if (this.#cubeOf(instance).shape === 'transparent') return ROW_OF
    return this.#records.read(this.name)?.numbering[instance]?.ids ?? {}
  }

  #readCounters(instance: string): (port: number) => PortCounters {
    const numbers = { ids: this.#idsOf(instance), next: 0 }
    return readCounters(this.#wires.machine, this.name, instance, this.#cubeOf(instance), capacityOf(numbers))
  }

  #deliver(name: string, start: () => void, expected: (totals: Totals) => number): readonly Arrival[] {
    const before = this.#wires.synchronous ? undefined : this.#totals()
    start()
    const arrived = [...this.#wires.receive()]
    if (before === undefined) return arrived
    const deadline = performance.now() + PATIENCE
    for (let last = before; ; ) {
      const now = this.#totals()
      arrived.push(...this.#wires.receive())
      const sent = expected(now) - expected(before)
      // The counters of a run grow one after the other: what was seen twice is final.
      const final = last.received > before.received && now.all === last.all
      if (final && arrived.filter(({ at }) => at === 'wire').length >= sent) return arrived
      if (performance.now() > deadline)
        throw new Error(
          now.received === before.received
            ? `no program saw the frame at ${name} within ${PATIENCE} ms`
            : `${sent} frames should have come out, but ${arrived.length} came out within ${PATIENCE} ms`,
        )
      if (final || now.received === before.received) this.#wires.wait(10)
      last = now
    }
  }

  #totals(): Totals {
    const totals = { received: 0, sent: 0, drops: 0, all: 0 }
    const { instances } = this.#graph
    const wired = instances.flatMap(({ ports }) => ports.filter(({ link }) => link?.to === 'interface'))
    const guards = new Set(wired.flatMap((port) => port.through))
    for (const { name, ports } of instances) {
      const read = this.#readCounters(name)
      const ids = this.#idsOf(name)
      const transparent = this.#cubeOf(name).shape === 'transparent'
      for (const { id, leaves } of transparent
        ? Object.values(ROW_OF).map((id) => ({ id, leaves: false }))
        : ports.map((port) => ({ id: ids[port.name] ?? 0, leaves: port.link?.to === 'interface' }))) {
        const { received, sent, drops } = read(id)
        const dropped = Object.values(drops).reduce((all, { packets }) => all + Number(packets), 0)
        totals.received += Number(received.packets)
        if (leaves) totals.sent += Number(sent.packets)
        totals.drops += dropped
        if (id === ROW_OF.egress && guards.has(name)) totals.sent -= dropped
        totals.all += Number(received.packets) + Number(sent.packets) + dropped
      }
    }
    return totals
  }

  #writeClock(): void {
    using map = this.#wires.machine.openMap(clockPath(this.name), clockMap)
    if (map !== undefined) controlTable(cell, map).set({ index: 0 }, { nanoseconds: this.#now })
  }
}

function outputOf(arrivals: readonly Arrival[]): Output {
  const output: Record<string, Uint8Array[]> = {}
  for (const arrival of arrivals) {
    const to = outputName(arrival)
    output[to] ??= []
    output[to]?.push(arrival.frame)
  }
  return output
}

const outputName = ({ interface: name, at }: Arrival): string => (at === 'stack' ? `host ${name}` : name)
