import { resolve } from 'node:path'
import type { Machine } from '../backend/machine.ts'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { Held } from '../base/held.ts'
import { suggestion } from '../base/suggest.ts'
import { readDataPlane } from '../compiler/compile.ts'
import { MAP } from '../compiler/wiring.ts'
import type { Catalogue, CubeFolder } from '../cube/catalogue.ts'
import type { View } from '../cube/control.ts'
import type { AttachPoint, HookPoint } from '../isa/program.ts'
import { apply } from './apply.ts'
import { cubesOf, type Graph, type GraphFile, interfaceText, linkText, type Port } from './graph.ts'
import { checkInterfaces, unsupported } from './on-host.ts'
import { type Action, fingerprint, lostMaps, observe, plan } from './plan.ts'
import { interfacesOf } from './ports.ts'
import { capacityOf, type Numbering, numberPorts, type Records, type Running } from './records.ts'
import { linkPath, nothing, stitch, type Wanted } from './stitch.ts'
import { openTables, type PortCounters, readCounters } from './tables.ts'

export interface EngineParts {
  readonly machine: Machine
  readonly records: Records
  readonly catalogue: Catalogue
  /** Keeps others from changing graphs until disposed. */
  readonly lock: () => Promise<Disposable>
  /** `cell`: data planes read the time from a map, which tests write. */
  readonly clock?: 'kernel' | 'cell'
  /** Where programs go. Unless said, where those of the graph are now; at first, to TC ingress. */
  readonly at?: HookPoint | undefined
}

/** A change that has been worked out and not begun. */
export interface Change {
  readonly running: Running
  readonly wanted: Wanted
  readonly actions: readonly Action[]
}

/** What an instance looks like now. */
export interface InstanceStatus {
  readonly name: string
  readonly cube: string
  readonly summary: string
  readonly ports: readonly PortStatus[]
  readonly views: Readonly<Record<string, View>>
}

export interface PortStatus extends PortCounters {
  readonly name: string
  /** What it leads to: `eth0`, `blue/eth0`, `host eth0`, `router.lan`, `nothing`. */
  readonly to: string
  /** Whether packets flow: the program is on the interface, and the interface is up; always, where none is needed. */
  readonly state: 'up' | 'down' | 'detached'
}

export interface GraphStatus {
  readonly name: string
  readonly state: Running['state']
  readonly file: string
  readonly point: AttachPoint
  readonly instances: readonly InstanceStatus[]
}

/** Graphs on one machine: graph → plan → apply, and back to nothing. */
export class Engine {
  private readonly parts: EngineParts

  constructor(parts: EngineParts) {
    this.parts = parts
  }

  /** Works out how to get from what runs to `file`. Changes nothing; a Refusal names every reason why it cannot be. */
  async plan(file: GraphFile): Promise<Change> {
    const { machine, records } = this.parts
    const { graph } = file
    const before = records.read(graph.name)
    const point = this.pointOf(graph, before)
    const wrong = [...unsupported(file), ...checkInterfaces(machine, records, file, point)]
    if (wrong.length > 0) throw new Refusal(wrong)
    const numbering = numberPorts(graph, before?.numbering)
    const wanted = await this.wanted(graph, numbering, point, file.cubes)
    // Of a change that was not finished, nobody knows which programs are the old ones.
    const programs = before?.state === 'applied' ? before.programs : undefined
    const present = { ...observe(machine, wanted), programs }
    const [lost] = lostMaps(present, wanted, (path) => !path.endsWith(`/${MAP.counters}`))
    if (lost !== undefined)
      throw refusal(
        `the table ${lost} has another layout than the one that runs`,
        `its entries would be lost: run tessera delete ${graph.name} first`,
      )
    const fingerprints = Object.entries(wanted.attachments).map(([path, { program }]) => [path, fingerprint(program)])
    const running: Running = {
      state: 'applied',
      file: resolve(file.file),
      graph,
      numbering,
      point,
      programs: Object.fromEntries(fingerprints) as Record<string, string>,
    }
    return { running, wanted, actions: plan(present, wanted) }
  }

  /** Plans and carries out. Nothing has changed when it throws. */
  async apply(file: GraphFile): Promise<Change> {
    const { machine, records, lock } = this.parts
    using _held = await lock()
    const change = await this.plan(file)
    const before = records.read(file.graph.name)
    records.write({ ...change.running, state: 'applying' })
    try {
      apply(machine, change.wanted, change.actions)
    } catch (error) {
      if (before === undefined) {
        const none = nothing(file.graph.name)
        apply(machine, none, plan(observe(machine, none), none))
        records.remove(file.graph.name)
      } else await this.restore(before)
      throw error
    }
    records.write(change.running)
    return change
  }

  /** All programs of a graph go to points of one kind: what one of them redirects, another one's interface must take. */
  private pointOf(graph: Graph, before: Running | undefined): AttachPoint {
    const { machine, at } = this.parts
    if (at === undefined) return before?.point ?? 'tc ingress'
    if (at !== 'xdp') return at
    const names = interfacesOf(graph).map(interfaceText)
    return machine.xdpPoint(names.flatMap((name) => machine.interface(name) ?? []))
  }

  /** What shall be pinned for a graph. */
  private async wanted(
    graph: Graph,
    numbering: Numbering,
    point: AttachPoint,
    cubes: ReadonlyMap<string, CubeFolder>,
  ): Promise<Wanted> {
    const { machine, clock = 'kernel' } = this.parts
    const sources = new Map<string, Awaited<ReturnType<typeof readDataPlane>>>()
    for (const [name, { dataplane }] of cubes) sources.set(name, await readDataPlane(dataplane))
    const ifindex = (name: string): number => machine.interface(name)?.index ?? 0
    return stitch({ graph, numbering, sources, ifindex, point, clock })
  }

  /** Back to what ran before a change that failed: some programs may be new already, and some ports gone. */
  private async restore(before: Running): Promise<void> {
    const { machine, records, catalogue } = this.parts
    const { graph, numbering, point, file } = before
    try {
      const wanted = await this.wanted(graph, numbering, point, await cubesOf(graph, file, catalogue))
      apply(machine, wanted, plan(observe(machine, wanted), wanted))
      records.write(before)
    } catch {
      // The machine is in no state to be changed. The record still says `applying`, and the first error says why.
    }
  }

  /** What deleting would do. */
  planDeletion(name: string): readonly Action[] {
    const { machine } = this.parts
    this.mustExist(name)
    return plan(observe(machine, nothing(name)), nothing(name))
  }

  /** Removes all that a graph has on this machine, whole or half-done. */
  async delete(name: string): Promise<readonly Action[]> {
    const { machine, records, lock } = this.parts
    using _held = await lock()
    const actions = this.planDeletion(name)
    const running = records.read(name)
    if (running !== undefined) records.write({ ...running, state: 'deleting' })
    apply(machine, nothing(name), actions)
    records.remove(name)
    return actions
  }

  /** Graphs that run, or were left half-done. */
  names(): string[] {
    const { machine, records } = this.parts
    const pinned = machine.pinned('').map((path) => path.split('/')[0] ?? '')
    return [...new Set([...records.names(), ...pinned])].filter((name) => name !== '').sort()
  }

  async status(name: string): Promise<GraphStatus> {
    this.mustExist(name)
    const { records, catalogue } = this.parts
    const running = records.read(name)
    if (running === undefined)
      throw refusal(
        `something of a graph ${name} is pinned, but nothing else is known of it`,
        `remove it with tessera delete ${name}`,
      )
    const { graph, file, state, point } = running
    const cubes = await cubesOf(graph, file, catalogue)
    const instances = graph.instances.flatMap((instance) => {
      const folder = cubes.get(instance.cube)
      return folder === undefined ? [] : [this.instanceStatus(running, instance, folder)]
    })
    return { name, state, file, point, instances }
  }

  private instanceStatus(running: Running, instance: Graph['instances'][number], folder: CubeFolder): InstanceStatus {
    const { machine } = this.parts
    const { graph, numbering, point } = running
    const { cube, control } = folder
    const numbers = numbering[instance.name] ?? { ids: {}, next: 0 }
    using held = new Held()
    const counters = readCounters(machine, graph.name, instance.name, cube, capacityOf(numbers), held)
    const attached = observe(machine, nothing(graph.name)).attachments
    const stateOf = ({ name, link }: Port): PortStatus['state'] => {
      if (link?.to !== 'interface') return 'up'
      const on = interfaceText(link)
      if (attached.get(linkPath(graph.name, instance.name, name, point))?.interface !== on) return 'detached'
      return machine.interface(on)?.up ? 'up' : 'down'
    }
    const ports = instance.ports.map(
      (port): PortStatus => ({
        name: port.name,
        to: linkText(port.link),
        state: stateOf(port),
        ...counters(numbers.ids[port.name] ?? 0),
      }),
    )
    const tables = openTables(machine, graph.name, instance.name, cube, held)
    const complete = Object.keys(cube.state).every((name) => name in tables)
    const context = {
      state: tables,
      config: instance.config,
      portName: (id: number) => Object.entries(numbers.ids).find(([, number]) => number === id)?.[0],
      now: () => machine.now(),
    }
    const views = complete
      ? Object.fromEntries(Object.entries(control.views).map(([title, view]) => [title, view(context)]))
      : {}
    return { name: instance.name, cube: cube.name, summary: cube.summary, ports, views }
  }

  private mustExist(name: string): void {
    const names = this.names()
    if (!names.includes(name)) throw refusal(`there is no graph ${name} here`, suggestion(name, names))
  }
}
