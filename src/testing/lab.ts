/** One instance of a cube on one machine, with a wire at every port that a test holds the other end of. */
import type { z } from 'zod'
import type { Machine } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import type { View } from '../cube/control.ts'
import type { Cube } from '../cube/define.ts'
import type { PortCounters } from '../engine/control/tables.ts'
import type { Change } from '../engine/plan/planner.ts'
import type { HookPoint } from '../isa/program.ts'
import type { ControlTableOf, PuntedPacket, Table } from '../lang/index.ts'
import { catalogue, OpenGraphLab, type Output } from './graph-lab.ts'
import type { MachineName } from './wires.ts'

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

type TableOf<T extends Table> = ControlTableOf<T>

/** Its {@link Output} is by port, not by interface. */
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

/** Opens a lab. A Refusal where the cube or its configuration is wrong, as for a graph file. */
export async function openLab<C extends Cube = Cube>(
  machine: MachineName,
  options: LabOptions<C>,
  at: HookPoint = 'tc ingress',
): Promise<Lab<C>> {
  const lab = new OpenLab<C>(OpenGraphLab.open(machine, at, options.linear), options)
  try {
    await lab.apply({})
    return lab
  } catch (error) {
    lab[Symbol.dispose]()
    throw error
  }
}

class OpenLab<C extends Cube> implements Lab<C> {
  readonly #lab: OpenGraphLab
  /** Interface names are too short for the names of ports. */
  readonly #interfaces = new Map<string, string>()
  #options: LabOptions<C>

  constructor(lab: OpenGraphLab, options: LabOptions<C>) {
    this.#lab = lab
    this.#options = options
  }

  get machine(): Machine {
    return this.#lab.machine
  }

  get clock(): Lab['clock'] {
    return this.#lab.clock
  }

  async apply(changes: Partial<Omit<LabOptions<C>, 'cube'>>): Promise<Change> {
    const { cube, ports, config = {} } = { ...this.#options, ...changes }
    const { name, shape } = (await catalogue.find(cube, '/')).cube
    if (shape === 'transparent')
      throw refusal(
        `${name} is transparent: a lab of it alone has no ports to send by`,
        'put it on the way of a port of another cube, in a graph: graphsOnEveryMachine, or openGraphLab',
      )
    const entries = Object.entries(ports).map(([port, settings]) => {
      const name = this.#interfaces.get(port) ?? `port${this.#interfaces.size}`
      this.#interfaces.set(port, name)
      return [port, { ...(settings as object), interface: name }]
    })
    const instances = { [INSTANCE]: { cube, config, ports: Object.fromEntries(entries) } }
    const change = await this.#lab.applyDocument({ graph: INSTANCE, instances })
    this.#options = { ...this.#options, ...changes }
    return change
  }

  send(port: string, frame: Uint8Array): Output {
    return this.#byPort(this.#lab.send(this.#interfaceOf(port), frame))
  }

  transmit(port: string, frame: Uint8Array): Output {
    return this.#byPort(this.#lab.transmit(this.#interfaceOf(port), frame))
  }

  table<K extends keyof C['state'] & string>(name: K): TableOf<C['state'][K]> {
    return this.#lab.table<C['state'][K]>(INSTANCE, name)
  }

  punts(): readonly PuntedPacket<NonNullable<C['punts']>>[] {
    return this.#lab.punts<NonNullable<C['punts']>>(INSTANCE)
  }

  counters(port: string): PortCounters {
    this.#interfaceOf(port)
    return this.#lab.counters(INSTANCE, port)
  }

  view(title: string): Promise<View> {
    return this.#lab.view(INSTANCE, title)
  }

  [Symbol.dispose](): void {
    this.#lab[Symbol.dispose]()
  }

  #interfaceOf(port: string): string {
    const name = this.#interfaces.get(port)
    if (name === undefined || !Object.hasOwn(this.#options.ports, port))
      throw new RangeError(`there is no port ${port} now: ${suggestion(port, Object.keys(this.#options.ports))}`)
    return name
  }

  #byPort(output: Output): Output {
    const ports = new Map([...this.#interfaces].map(([port, name]) => [name, port]))
    return Object.fromEntries(Object.entries(output).map(([name, frames]) => [ports.get(name) ?? name, frames]))
  }
}
