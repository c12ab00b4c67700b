import { resolve } from 'node:path'
import type { Interface, Machine } from '../backend/machine.ts'
import { Unending } from '../backend/unending.ts'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import { readDataPlane } from '../compiler/compile.ts'
import type { Look } from '../compiler/look.ts'
import type { Generation } from '../compiler/marked.ts'
import type { Catalogue, CubeFolder } from '../cube/catalogue.ts'
import { isActive } from '../cube/control.ts'
import { type AttachPoint, type HookPoint, hookAt } from '../isa/program.ts'
import type { TraceSite } from '../isa/trace.ts'
import { apply, type Conversions, forget } from './apply.ts'
import { type AssemblyOptions, type InterfaceFacts, pastOf } from './assemblies.ts'
import { copiesPath, mayCopy } from './copies.ts'
import { slotsOf } from './counted.ts'
import { cubesOf } from './cubes.ts'
import { fingerprint } from './fingerprint.ts'
import { type GraphControl, planControl } from './gate-plan.ts'
import { type Graph, type GraphFile, type Instance, type InterfaceName, interfaceText } from './graph.ts'
import { isHere } from './home.ts'
import { abandon, type Changed, type Changing, change, finish } from './journal.ts'
import { isCurrent, madeOf } from './made.ts'
import { topology } from './nodes.ts'
import { checkInterfaces, there, unsupported } from './on-host.ts'
import { deviceOf } from './own-links.ts'
import { placed, RefusedPart } from './owner.ts'
import { asideFolders, isLinkPath } from './paths.ts'
import { type Action, observe, plan } from './plan.ts'
import { interfacesOf } from './ports.ts'
import {
  type Numbering,
  numberPorts,
  type Records,
  type Running,
  readable,
  recordedMap,
  recordMaps,
  VERSION,
} from './records.ts'
import { conversionsAgain, keepState } from './state.ts'
import { type GraphStatus, type InstanceStatus, instanceStatus } from './status.ts'
import { nothing, stitch, type Wanted } from './stitch.ts'
import { watchInterfaces } from './watch.ts'

export interface EngineParts {
  readonly machine: Machine
  readonly records: Records
  readonly catalogue: Catalogue
  /** Keeps others from changing graphs until disposed. */
  readonly lock: () => Promise<Disposable>
  /** Another one for another compiler, so that what it made need not be made again; unless given, everything is. */
  readonly build?: (() => string) | undefined
  /** Whether somebody looks at a graph now. */
  readonly isLookedAt?: ((name: string) => boolean) | undefined
  /** Runs a step of a change, for whoever wants to know how long it takes. */
  readonly measure?: Measure | undefined
  /** `cell`: data planes read the time from a map, which tests write. */
  readonly clock?: 'kernel' | 'cell'
  /** Where programs of graphs go that do not say it: to TC ingress, unless said here. */
  readonly at?: HookPoint | undefined
}

export type Measure = <T>(step: 'compile' | 'apply', run: () => T) => T

/** A change that has been worked out and not begun. */
export interface Change {
  readonly running: Running
  readonly wanted: Wanted
  readonly actions: readonly Action[]
  readonly conversions: Conversions
}

/** A change that has been made. */
export type Applied = Change & Changed

/** A graph that somebody looks at, and what the events of its programs mean. */
export interface Looked {
  readonly running: Running
  readonly sites: ReadonlyMap<number, TraceSite>
}

function sitesOf({ attachments, slots }: Wanted): ReadonlyMap<number, TraceSite> {
  const programs = [...Object.values(attachments), ...Object.values(slots).flat()].map(({ program }) => program)
  return new Map(programs.flatMap(({ sites = [] }) => sites).map((site) => [site.id, site]))
}

/** How the programs of a graph are compiled, besides what its file says. */
type Making = Pick<AssemblyOptions, 'look'> & {
  readonly comparisons?: 'hidden' | undefined
  /** The graph's own interface is made where programs want its number. */
  readonly createsDevice?: boolean
  /** Interfaces that are not there, or have a program of somebody else, are left out. */
  readonly late?: boolean
}

/** Graphs on one machine: graph → plan → apply, and back to nothing. */
export class Engine {
  private readonly parts: EngineParts

  constructor(parts: EngineParts) {
    this.parts = parts
  }

  private measured<T>(step: 'compile' | 'apply', run: () => T): T {
    const { measure } = this.parts
    return measure === undefined ? run() : measure(step, run)
  }

  /** Works out how to get from what runs to `file`. Changes nothing; a Refusal names every reason why it cannot be. */
  plan(file: GraphFile): Promise<Change> {
    return placed(file, this.planAs(file, { comparisons: this.parts.records.read(file.graph.name)?.comparisons }))
  }

  private async planAs(file: GraphFile, making: Making): Promise<Change> {
    const { machine, records } = this.parts
    const { graph } = file
    this.mustBeOfThisVersion()
    const before = this.before(graph.name)
    const point = this.pointOf(graph)
    const wrong = [...unsupported(file, point), ...checkInterfaces(machine, records, file, point, making.late)]
    if (wrong.length > 0) throw new Refusal(wrong)
    return this.planFor(file, before, point, (wanted) => (making.late === true ? this.present(wanted) : wanted), making)
  }

  /** What runs by this name. A Refusal where that is on interfaces of another network namespace, unless these are gone. */
  private before(name: string): Running | undefined {
    const { machine, records } = this.parts
    const found = records.read(name)
    if (found === undefined || isHere(machine, found)) return found
    // The pins of attachments whose interfaces are gone go when somebody looks.
    observe(machine, nothing(name))
    if (!machine.pinned(name).some(isLinkPath)) return found
    throw refusal(
      `there is a graph ${name} already, on interfaces of another network namespace (${found.namespace})`,
      `give this one another name, or run tessera delete ${name} first`,
    )
  }

  /** `narrow` gives what of it is to be on this host. */
  private async planFor(
    file: GraphFile,
    before: Running | undefined,
    point: AttachPoint,
    narrow: (wanted: Wanted) => Wanted,
    making: Making,
  ): Promise<Change> {
    const generation = before?.generation ?? 0
    const made = await this.planOf(generation, file, before, point, narrow, making)
    // Whose copies are on their way needs what hands them out.
    const isOvertaken = made.actions.some(
      (action) => action.do === 'replace' && action.path === copiesPath(file.graph.name, generation),
    )
    return isOvertaken ? this.planOf(generation === 0 ? 1 : 0, file, before, point, narrow, making) : made
  }

  private async planOf(
    generation: Generation,
    file: GraphFile,
    before: Running | undefined,
    point: AttachPoint,
    narrow: (wanted: Wanted) => Wanted,
    making: Making,
  ): Promise<Change> {
    const numbering = numberPorts(file.graph, before?.numbering)
    const { createsDevice } = making
    const options = await this.stitching(file.graph, numbering, point, file.cubes, generation, before, createsDevice)
    return this.parts.machine.inBulk(() => {
      const wanted = narrow(this.measured('compile', () => stitch({ ...options, ...making })))
      return this.planTo(wanted, file, before, options, making)
    })
  }

  /** How to get from what is there to what shall be pinned. */
  private planTo(
    wanted: Wanted,
    file: GraphFile,
    before: Running | undefined,
    { numbering, point, generation, past }: AssemblyOptions,
    making: Making,
  ): Change {
    const { machine } = this.parts
    const { graph } = file
    // Of a change that was not finished, nobody knows which programs are the old ones.
    const known = before?.state === 'applied' ? before : undefined
    const { programs, structure } = known ?? {}
    const met = known &&
      structure && { structure, hook: hookAt(known.point), topology: topology(known.graph, known.point) }
    const recorded = (path: string) => recordedMap(before, path)
    const slots = slotsOf(graph, file.cubes)
    const recordedSlots = before?.slots ?? {}
    const found = observe(machine, wanted, recorded)
    const isRenamed = (path: string) => path in recordedSlots && String(recordedSlots[path]) !== String(slots[path])
    const seen = { ...found, sameMaps: new Set([...found.sameMaps].filter((path) => !isRenamed(path))) }
    const changed = seen.paths.filter((path) => path in wanted.maps && !seen.sameMaps.has(path))
    const { kept, conversions, diagnostics } = keepState(file, changed, recorded)
    if (diagnostics.length > 0) throw new Refusal(diagnostics)
    const counters = changed.flatMap((path) => {
      const [from, slots] = [recorded(path), recordedSlots[path]]
      return from === undefined || slots === undefined ? [] : [{ path, from, slots }]
    })
    const made = madeOf(this.parts, graph, file.cubes)
    const fingerprints = Object.entries(wanted.attachments).map(([path, { program }]) => [path, fingerprint(program)])
    const running: Running = {
      version: VERSION,
      state: 'applied',
      file: resolve(file.file),
      namespace: machine.namespace,
      graph,
      numbering,
      point,
      programs: Object.fromEntries(fingerprints) as Record<string, string>,
      maps: recordMaps(wanted.maps),
      ...(making.look === undefined ? {} : { look: true }),
      ...(making.comparisons === undefined ? {} : { comparisons: making.comparisons }),
      ...(made === undefined ? {} : { made }),
      ...(wanted.met === undefined ? {} : { structure: wanted.met.structure }),
      ...(generation === 0 ? {} : { generation }),
      ...(past === undefined ? {} : { past }),
      slots,
      counted: Object.fromEntries(Object.entries(before?.counted ?? {}).filter(([path]) => path in wanted.maps)),
    }
    return { running, wanted, actions: plan({ ...seen, programs, met, kept, counters }, wanted), conversions }
  }

  /** Plans and carries out. Nothing has changed when it throws. */
  async apply(file: GraphFile): Promise<Applied> {
    using _held = await this.parts.lock()
    await this.recoverAll(this.only(file.graph.name))
    return await placed(file, this.change(file))
  }

  /** As {@link apply}, with the interfaces that are there: {@link repair} attaches it to others when they come. */
  async bringUp(file: GraphFile): Promise<Applied> {
    using _held = await this.parts.lock()
    await this.recoverAll(this.only(file.graph.name))
    return await placed(file, this.change(file, { late: true }))
  }

  /** Whether {@link apply} would have nothing to do, as far as that can be told without compiling. */
  isApplied(file: GraphFile): boolean {
    return isCurrent(this.parts, { ...file, file: resolve(file.file) })
  }

  /**
   * The graph as it runs, with programs that tell what `make` asks for; without it, with the plain ones again. A change like any
   * other: each packet meets the ones or the others.
   */
  async look(name: string, make?: (running: Running) => Look): Promise<Looked> {
    using _held = await this.parts.lock()
    await this.recoverAll(this.only(name))
    return await this.lookAt(name, make)
  }

  private async lookAt(name: string, make?: (running: Running) => Look): Promise<Looked> {
    const running = this.running(name)
    const cubes = await cubesOf(running.graph, running.file, this.parts.catalogue)
    const { file, graph } = running
    const made = await this.change(
      { file, graph, cubes, place: () => undefined },
      { look: make?.(running), late: true },
    )
    return { running: made.running, sites: sitesOf(made.wanted) }
  }

  /** With the lock held. */
  private async change(file: GraphFile, how: Pick<Making, 'look' | 'late'> = {}): Promise<Applied> {
    const { machine } = this.parts
    const { name } = file.graph
    const before = this.before(name)
    const carryOut = async (making: Making): Promise<Applied> => {
      for (const folder of asideFolders(name)) forget(machine, machine.pinned(folder))
      const made = await this.planAs(file, making)
      const changed = this.measured('apply', () =>
        change(this.parts, before, made.running, made.wanted, made.actions, made.conversions),
      )
      return { ...made, ...changed }
    }
    const making = { ...how, createsDevice: true }
    try {
      return await carryOut({ ...making, comparisons: before?.comparisons })
    } catch (error) {
      const isUnending = error instanceof RefusedPart && error.cause instanceof Unending
      if (!isUnending || before?.comparisons === 'hidden') throw error
      return await carryOut({ ...making, comparisons: 'hidden' })
    } finally {
      this.tidyDevice(file.graph, before?.graph)
    }
  }

  /** What of it is on interfaces that are there, and nobody else's. */
  private present(wanted: Wanted): Wanted {
    const { machine } = this.parts
    const isFree = (on: string, point: AttachPoint): boolean => {
      const target = machine.interface(on)
      return target !== undefined && machine.foreign(target, point).length === 0
    }
    return machine.inBulk(() => onInterfaces(wanted, isFree))
  }

  /**
   * Has a graph that runs use the interfaces that are there now: those that came back, perhaps with another number, are attached
   * again, and nothing is sent any more to those that went. Those with a program of somebody else are left alone.
   */
  async repair(name: string): Promise<Change | undefined> {
    const { machine, records, catalogue, lock } = this.parts
    using _held = await lock()
    await this.recoverAll(this.only(name))
    const before = records.read(name)
    if (before?.version !== VERSION || !isHere(machine, before)) return undefined
    const { graph, file } = before
    const cubes = await cubesOf(graph, file, catalogue)
    const made = await this.planFor(
      { file, graph, cubes, place: () => undefined },
      before,
      this.pointOf(graph),
      (wanted) => this.present(wanted),
      { comparisons: before.comparisons },
    )
    if (made.actions.length > 0) change(this.parts, before, made.running, made.wanted, made.actions, made.conversions)
    return made
  }

  /** {@link repair} of every graph whenever interfaces come or go, until disposed. `tell` hears of what was done, or why it was not. */
  watch(tell: (graph: string, done: readonly Action[] | Error) => void): Disposable {
    return watchInterfaces(this.parts, (name) => this.repair(name), tell)
  }

  /**
   * Finishes what processes began and were killed in the middle of, or undoes it where packets have seen nothing of it. What runs
   * goes on to run. Each graph by itself: `failed` hears of those where that cannot be.
   */
  async recover(failed: Failed): Promise<void> {
    const { records, lock } = this.parts
    if (this.left().length === 0 && records.isTidy()) return
    using _held = await lock()
    records.tidy()
    await this.recoverAll(failed)
  }

  /** Graphs with something that was not finished. Those on other interfaces are for whoever sees these. */
  private left(): readonly string[] {
    const { records, machine } = this.parts
    return records.names().filter((name) => {
      const found = readable(records, name)
      if (found === undefined || found.version !== VERSION || !isHere(machine, found)) return false
      return found.state !== 'applied' || this.isLeftLooking(found)
    })
  }

  /** Whether it has programs for somebody who was killed. */
  private isLeftLooking({ look, graph }: Running): boolean {
    const { isLookedAt = () => true } = this.parts
    return look === true && !isLookedAt(graph.name)
  }

  /** The interface of a graph's own goes where no program is on it. What cannot be removed now goes with the graph. */
  private tidyDevice(...graphs: readonly (Graph | undefined)[]): void {
    const { machine } = this.parts
    const name = graphs.find((graph) => graph !== undefined && mayCopy(graph))?.name
    try {
      const device = name === undefined ? '' : deviceOf(name, machine.tessera)
      if (name === undefined || machine.interface(device) === undefined) return
      const pinned = machine.pinned(name)
      if (!pinned.includes(copiesPath(name, 0)) && !pinned.includes(copiesPath(name, 1))) machine.removeDevice(device)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
  }

  /** With the lock held. */
  private async recoverAll(failed: Failed): Promise<void> {
    for (const name of this.left()) {
      try {
        await this.recoverOne(name)
      } catch (error) {
        failed(name, error)
      }
    }
  }

  private async recoverOne(name: string): Promise<void> {
    const { records } = this.parts
    const found = records.read(name)
    if (found?.state === 'deleting') this.remove(name)
    else if (found?.state === 'applying' && isChanging(found)) abandon(this.parts, found)
    else if (found !== undefined && isChanging(found)) await this.finish(found)
    this.tidyDevice(found?.graph)
    const now = records.read(name)
    if (now !== undefined && this.isLeftLooking(now)) await this.lookAt(name)
  }

  /** What is left of others is no matter of whoever asks about one, and programs for somebody who looked go with its next change. */
  private only(asked: string): Failed {
    return (name, error) => {
      if (name === asked && readable(this.parts.records, name)?.state !== 'applied') throw error
    }
  }

  private async finish(changing: Changing): Promise<void> {
    const { graph, file, change } = changing
    const needsCubes = change.steps.some((step) => step.do === 'copy again')
    const cubes = needsCubes ? await cubesOf(graph, file, this.parts.catalogue) : new Map<string, CubeFolder>()
    finish(this.parts, changing, conversionsAgain(graph, cubes, change.steps))
  }

  /** All programs of a graph go to points of one kind: what one of them redirects, another one's interface must take. */
  private pointOf(graph: Graph): AttachPoint {
    const { machine, at = 'tc ingress' } = this.parts
    const { attach = at } = graph
    if (attach !== 'xdp') return attach
    return machine.xdpPoint(interfacesOf(graph).flatMap((one) => there(machine, one) ?? []))
  }

  /** What shall be compiled for a graph. */
  private async stitching(
    graph: Graph,
    numbering: Numbering,
    point: AttachPoint,
    cubes: ReadonlyMap<string, CubeFolder>,
    generation: Generation,
    before: Running | undefined,
    createsDevice = false,
  ): Promise<AssemblyOptions> {
    const { machine, clock = 'kernel' } = this.parts
    const sources = new Map<string, Awaited<ReturnType<typeof readDataPlane>>>()
    for (const [name, { dataplane }] of cubes) sources.set(name, await readDataPlane(dataplane))
    const known = new Map<string, InterfaceFacts>()
    const { tessera } = machine
    const device = deviceOf(graph.name, tessera)
    const find = (text: string) =>
      createsDevice && text === device ? machine.createDevice(device) : machine.interface(text)
    const facts = (name: InterfaceName): InterfaceFacts => {
      const text = interfaceText(name)
      const found = known.get(text) ?? factsOf(name, find(text))
      known.set(text, found)
      return found
    }
    const nodes = new Map(Object.entries(before?.structure?.numbers ?? {}))
    const past = before && pastOf(graph, before)
    const isPlaneOf = ({ cube }: Instance) => {
      const folder = cubes.get(cube)
      return folder !== undefined && isActive(folder.control)
    }
    const active = new Set(graph.instances.filter(isPlaneOf).map(({ name }) => name))
    return {
      graph,
      numbering,
      sources,
      facts,
      point,
      clock,
      tessera,
      cpus: machine.cpus,
      generation,
      nodes,
      past,
      active,
    }
  }

  /** The control planes of a graph that runs, and their way into it. */
  async control(name: string): Promise<GraphControl> {
    this.mustExist(name)
    const { records, catalogue } = this.parts
    const running = records.read(name)
    if (running === undefined) throw refusal(`nothing is known of the graph ${name}`, 'run tessera apply again')
    const { graph, numbering, point, file, generation = 0 } = running
    const cubes = await cubesOf(graph, file, catalogue)
    return planControl(await this.stitching(graph, numbering, point, cubes, generation, running), cubes)
  }

  /** What deleting would do. */
  planDeletion(name: string): readonly Action[] {
    this.mustExist(name)
    return this.atHome(name, () => this.removal(name))
  }

  private removal(name: string): readonly Action[] {
    return plan(observe(this.parts.machine, nothing(name)), nothing(name))
  }

  private remove(name: string): readonly Action[] {
    const { machine, records } = this.parts
    return this.atHome(name, () => {
      const actions = this.removal(name)
      apply(machine, nothing(name), actions)
      const graph = records.read(name)?.graph
      records.remove(name)
      this.tidyDevice(graph)
      return actions
    })
  }

  /** Runs where the interfaces of a graph are: filters and interfaces are asked after where one is. */
  private atHome<T>(name: string, run: () => T): T {
    const { machine, records } = this.parts
    const running = records.read(name)
    return running === undefined || isHere(machine, running) ? run() : machine.within(running.namespace, run)
  }

  /** Removes all that a graph has on this machine, whole or half-done. */
  async delete(name: string): Promise<readonly Action[]> {
    const { records, lock } = this.parts
    using _held = await lock()
    this.mustExist(name)
    const running = records.read(name)
    if (running !== undefined) records.write({ ...running, state: 'deleting' })
    return this.remove(name)
  }

  /** Graphs that run, or were left half-done. */
  names(): string[] {
    const { machine, records } = this.parts
    return [...new Set([...records.names(), ...machine.pinFolders()])].sort()
  }

  /** What is known of a graph that runs; undefined where that is nothing. Nobody looks whether it is still pinned. */
  find(name: string): Running | undefined {
    this.mustBeOfThisVersion(name)
    return this.parts.records.read(name)
  }

  /** What is known of a graph that runs. */
  running(name: string): Running {
    this.mustExist(name)
    this.mustBeOfThisVersion(name)
    const running = this.parts.records.read(name)
    if (running !== undefined) return running
    throw refusal(
      `something of a graph ${name} is pinned, but nothing else is known of it`,
      `remove it with tessera delete ${name}`,
    )
  }

  /** Whether it is on interfaces of another network namespace. */
  isElsewhere(name: string): boolean {
    const { records, machine } = this.parts
    const running = records.read(name)
    return running !== undefined && !isHere(machine, running)
  }

  async status(name: string): Promise<GraphStatus> {
    await this.recover(this.only(name))
    const { catalogue, machine } = this.parts
    const running = this.running(name)
    const { graph, file, state, point } = running
    const cubes = await cubesOf(graph, file, catalogue)
    const statusOf = (instance: Instance): InstanceStatus[] => {
      const folder = cubes.get(instance.cube)
      return folder === undefined ? [] : [instanceStatus(machine, running, instance, folder)]
    }
    const instances = machine.inBulk(() => graph.instances.flatMap(statusOf))
    return { name, state, file, point, ...(this.isElsewhere(name) ? { isElsewhere: true } : {}), instances }
  }

  /** All graphs, for they share this host; or one. */
  private mustBeOfThisVersion(only?: string): void {
    const { records } = this.parts
    for (const name of only === undefined ? records.names() : [only]) {
      const found = only === undefined ? readable(records, name) : records.read(name)
      if (found !== undefined && found.version !== VERSION)
        throw refusal(
          `the graph ${name} was applied by another version of Tessera, which kept its things in another way`,
          `run tessera delete ${name}, and apply its file again (${found.file})`,
        )
    }
  }

  private mustExist(name: string): void {
    const names = this.names()
    if (!names.includes(name)) throw refusal(`there is no graph ${name} here`, suggestion(name, names))
  }
}

/** Hears why a graph could not be recovered. */
export type Failed = (graph: string, error: unknown) => void

const isChanging = (running: Running): running is Changing => running.change !== undefined

const factsOf = (name: InterfaceName, found: Interface | undefined): InterfaceFacts => ({
  name: found?.name ?? interfaceText(name),
  index: found?.index ?? 0,
  peer: name.namespace !== undefined,
})

const onInterfaces = (wanted: Wanted, can: (name: string, point: AttachPoint) => boolean): Wanted => ({
  ...wanted,
  attachments: Object.fromEntries(
    Object.entries(wanted.attachments).filter(([, { interface: on, point }]) => can(on, point)),
  ),
})
