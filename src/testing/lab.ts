/** One instance of a cube on one machine, with a wire at every port that a test holds the other end of. */
import type { z } from 'zod'
import type { Machine } from '../backend/machine.ts'
import { Held } from '../base/held.ts'
import { clockMap, MAP } from '../compiler/wiring.ts'
import type { CubeFolder } from '../cube/catalogue.ts'
import type { View } from '../cube/control.ts'
import type { Cube } from '../cube/define.ts'
import { builtinCubes } from '../daemon/host.ts'
import { apply } from '../engine/apply.ts'
import { type Change, Engine } from '../engine/engine.ts'
import { observe, plan } from '../engine/plan.ts'
import { decodePunt } from '../engine/punts.ts'
import { readGraph } from '../engine/read.ts'
import { capacityOf, type InstanceNumbers, MemoryRecords } from '../engine/records.ts'
import { mapPath, nothing } from '../engine/stitch.ts'
import { controlTable, type PortCounters, readCounters } from '../engine/tables.ts'
import type { HookPoint } from '../isa/program.ts'
import {
  array,
  type ControlTableOf,
  describe as describeTable,
  type PuntedPacket,
  puntsMap,
  struct,
  type Table,
  u64,
} from '../lang/index.ts'
import { openKernelWires } from './kernel-wires.ts'
import { through } from './through.ts'
import { openVirtualWires } from './virtual-wires.ts'
import type { Arrival, MachineName, Wires } from './wires.ts'

/** Port by port, how each is configured. */
export type PortSettings<C extends Cube> = Readonly<Record<string, z.input<C['ports']>>>

export interface LabOptions<C extends Cube> {
  /** By name, or the absolute path of its folder. */
  readonly cube: string
  readonly ports: PortSettings<C>
  readonly config?: z.input<C['config']>
  /** Of the virtual machine: packets of more bytes are in several parts, as the kernel's may be. */
  readonly linear?: number
}

/** Frames by the port that they came out of; ports where nothing came out are left out. */
export type Output = Readonly<Record<string, readonly Uint8Array[]>>

/** Packets, of all ports. */
interface Totals {
  readonly received: number
  readonly sent: number
  readonly drops: number
}

type TableOf<T extends Table> = ControlTableOf<T>

export interface Lab<C extends Cube = Cube> extends Disposable {
  readonly machine: Machine
  /** The time of both planes. It stands still but for this. */
  readonly clock: { now(): bigint; advance(nanoseconds: bigint): void }
  /** A frame arrives at a port. Returns when everything that follows from it has happened. */
  send(port: string, frame: Uint8Array): Output
  /** The host's own stack sends a frame by the interface of a port. For labs at TC egress. */
  transmit(port: string, frame: Uint8Array): Output
  table<K extends keyof C['state'] & string>(name: K): TableOf<C['state'][K]>
  counters(port: string): PortCounters
  /** The packets that wait for the control plane, taken out. */
  punts(): readonly PuntedPacket<NonNullable<C['punts']>>[]
  /** A view of the control plane, as `tessera show` has it. */
  view(title: string): Promise<View>
  /** Another configuration, or other ports, under the running instance. What is not given stays as it is. */
  apply(changes: Partial<Omit<LabOptions<C>, 'cube'>>): Promise<Change>
}

const INSTANCE = 'lab'
const START = 1_000_000_000_000n

/** Of the kernel's clock: until then everything must have come out. Only a failure takes that long. */
const PATIENCE = 5_000

const time = struct('clock', { nanoseconds: u64 })
const cell = array({ value: time.fields, entries: 1 })

const WIRES: Readonly<Record<MachineName, (linear: number | undefined) => Wires>> = {
  vm: openVirtualWires,
  kernel: openKernelWires,
}

/** Opens a lab. A Refusal where the cube or its configuration is wrong, as for a graph file. */
export async function openLab<C extends Cube = Cube>(
  machine: MachineName,
  options: LabOptions<C>,
  at: HookPoint = 'tc ingress',
): Promise<Lab<C>> {
  const catalogue = builtinCubes()
  const folder = await catalogue.find(options.cube, '/')
  const lab = new OpenLab<C>(WIRES[machine](options.linear), folder, options, at)
  try {
    await lab.apply({})
    return lab
  } catch (error) {
    lab[Symbol.dispose]()
    throw error
  }
}

class OpenLab<C extends Cube> implements Lab<C> {
  readonly machine: Machine
  readonly clock
  readonly #wires: Wires
  readonly #graph: string
  readonly #folder: CubeFolder
  readonly #engine: Engine
  readonly #records = new MemoryRecords()
  #options: LabOptions<C>
  #now = START

  constructor(wires: Wires, folder: CubeFolder, options: LabOptions<C>, at: HookPoint) {
    this.#wires = wires
    this.#graph = wires.name
    this.#folder = folder
    this.#options = options
    // The control plane asks the machine for the time; data planes read it from the map of the clock.
    this.machine = through(wires.machine, <T>(operation: string, run: () => T) =>
      operation === 'now' ? (this.#now as T) : run(),
    )
    this.clock = {
      now: () => this.#now,
      advance: (nanoseconds: bigint) => {
        if (nanoseconds < 0n) throw new RangeError('a monotonic clock does not go back')
        this.#now += nanoseconds
        wires.advance(nanoseconds)
        this.#writeClock()
      },
    }
    const lock = async () => new Held()
    const catalogue = builtinCubes()
    this.#engine = new Engine({ machine: this.machine, catalogue, records: this.#records, lock, clock: 'cell', at })
  }

  async apply(changes: Partial<Omit<LabOptions<C>, 'cube'>>): Promise<Change> {
    const { cube, ports, config = {} } = { ...this.#options, ...changes }
    for (const port of Object.keys(ports)) this.#wires.add(port)
    const entries = Object.entries(ports).map(([port, settings]) => [
      port,
      { ...(settings as object), interface: this.#wires.interface(port) },
    ])
    const instances = { [INSTANCE]: { cube, config, ports: Object.fromEntries(entries) } }
    // JSON is YAML (RFC 9512 section 3.1), so this is the way that a file of a user takes.
    const text = JSON.stringify({ graph: this.#graph, instances }, undefined, 1)
    const change = await this.#engine.apply(await readGraph('/lab.yaml', text, builtinCubes()))
    this.#options = { ...this.#options, ...changes }
    this.#writeClock()
    return change
  }

  send(port: string, frame: Uint8Array): Output {
    return this.#exchange(
      port,
      () => this.#wires.send(port, frame),
      ({ sent }) => sent,
    )
  }

  transmit(port: string, frame: Uint8Array): Output {
    // What its program does not drop comes out, and is not counted.
    return this.#exchange(
      port,
      () => this.#wires.transmit(port, frame),
      ({ received, drops }) => received - drops,
    )
  }

  #exchange(port: string, start: () => void, expected: (totals: Totals) => number): Output {
    if (this.#numbers().ids[port] === undefined) throw new RangeError(`there is no port ${port} now`)
    const late = this.#wires.receive()
    if (late.length > 0) throw new Error(`more came out than was counted: ${late.map((one) => one.port).join(', ')}`)
    const output: Record<string, Uint8Array[]> = {}
    for (const arrival of this.#deliver(port, start, expected)) {
      output[arrival.port] ??= []
      output[arrival.port]?.push(arrival.frame)
    }
    return output
  }

  table<K extends keyof C['state'] & string>(name: K): TableOf<C['state'][K]> {
    const table = this.#folder.cube.state[name]
    if (table === undefined) throw new RangeError(`${this.#folder.cube.name} has no table ${name}`)
    const map = this.machine.openMap(mapPath(this.#graph, INSTANCE, name), describeTable(table))
    if (map === undefined) throw new Error(`the table ${name} is not there`)
    return controlTable(table, map) as TableOf<C['state'][K]>
  }

  punts(): readonly PuntedPacket<NonNullable<C['punts']>>[] {
    const punts = (this.#folder.cube as C).punts ?? {}
    using map = this.machine.openMap(mapPath(this.#graph, INSTANCE, MAP.punts), puntsMap())
    if (map === undefined) throw new RangeError(`${this.#folder.cube.name} leaves no packets to its control plane`)
    return map.consume().map((record) => decodePunt<NonNullable<C['punts']>>(punts, record))
  }

  counters(port: string): PortCounters {
    const id = this.#numbers().ids[port]
    if (id === undefined) throw new RangeError(`there is no port ${port} now`)
    using held = new Held()
    return this.#readCounters(held)(id)
  }

  async view(title: string): Promise<View> {
    const { instances } = await this.#engine.status(this.#graph)
    const view = instances[0]?.views[title]
    if (view === undefined) throw new RangeError(`${this.#folder.cube.name} has no view ${title}`)
    return view
  }

  [Symbol.dispose](): void {
    try {
      const none = nothing(this.#graph)
      apply(this.machine, none, plan(observe(this.machine, none), none))
    } finally {
      this.#wires[Symbol.dispose]()
    }
  }

  #numbers(): InstanceNumbers {
    return this.#records.read(this.#graph)?.numbering[INSTANCE] ?? { ids: {}, next: 0 }
  }

  #readCounters(held: Held): (port: number) => PortCounters {
    return readCounters(this.machine, this.#graph, INSTANCE, this.#folder.cube, capacityOf(this.#numbers()), held)
  }

  #deliver(port: string, start: () => void, expected: (totals: Totals) => number): readonly Arrival[] {
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
      const final = last.received > before.received && now.sent === last.sent && now.drops === last.drops
      if (final && arrived.length >= sent) return arrived
      if (performance.now() > deadline)
        throw new Error(
          now.received === before.received
            ? `the program of port ${port} did not see the frame within ${PATIENCE} ms`
            : `${sent} frames should have come out, but ${arrived.length} came out within ${PATIENCE} ms`,
        )
      if (final || now.received === before.received) this.#wires.wait(10)
      last = now
    }
  }

  #totals(): Totals {
    using held = new Held()
    const counters = Object.values(this.#numbers().ids).map(this.#readCounters(held))
    const sum = (counts: readonly { packets: bigint }[]) =>
      counts.reduce((all, { packets }) => all + Number(packets), 0)
    return {
      received: sum(counters.map(({ received }) => received)),
      sent: sum(counters.map(({ sent }) => sent)),
      drops: sum(counters.flatMap(({ drops }) => Object.values(drops))),
    }
  }

  #writeClock(): void {
    using map = this.machine.openMap(mapPath(this.#graph, INSTANCE, MAP.clock), clockMap)
    if (map !== undefined) controlTable(cell, map).set({ index: 0 }, { nanoseconds: this.#now })
  }
}
