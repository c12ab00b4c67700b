import { resolve } from 'node:path'
import { Unending } from '../backend/unending.ts'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import { type Comparisons, comparisonsAfter } from '../compiler/assembly.ts'
import { LOOK_MAP, type Look, lookMaps } from '../compiler/look.ts'
import type { CubeFolder } from '../cube/catalogue.ts'
import type { Program } from '../isa/program.ts'
import type { TraceSite } from '../isa/trace.ts'
import { apply, forget } from './apply/apply.ts'
import { abandon, type Changed, type Changing, change, finish } from './apply/journal.ts'
import { type GraphControl, planControl } from './control/gate-plan.ts'
import type { Graph, GraphFile, Instance } from './graph/graph.ts'
import { isHere } from './graph/home.ts'
import { asideFolders, lookPath } from './graph/paths.ts'
import { type GraphStatus, type InstanceStatus, instanceStatus } from './look/status.ts'
import { cubesOf, cubesToShow, sameCubes } from './plan/cubes.ts'
import { isCurrent } from './plan/made.ts'
import { type EngineParts, measured } from './plan/parts.ts'
import { type Action, observe, plan } from './plan/plan.ts'
import { type Change, type Making, Planner } from './plan/planner.ts'
import { mustBeOfThisVersion, type Running, readable, VERSION } from './plan/records.ts'
import { conversionsAgain } from './plan/state.ts'
import { Beginning } from './stitch/beginning.ts'
import { copiesPath, mayCopy } from './stitch/copies.ts'
import { deviceOf, gateOf } from './stitch/own-links.ts'
import { placed, RefusedPart } from './stitch/owner.ts'
import { nothing } from './stitch/stitch.ts'
import { watchInterfaces } from './watch.ts'

/** A change that has been made. */
export type Applied = Change & Changed

/** A graph that somebody looks at, and what the events of its programs mean. */
export interface Looked {
  readonly running: Running
  readonly sites: ReadonlyMap<number, TraceSite>
}

const sitesOf = (programs: readonly Program[]): ReadonlyMap<number, TraceSite> =>
  new Map(programs.flatMap(({ sites = [] }) => sites).map((site) => [site.id, site]))

/** Graphs on one machine: graph → plan → apply, and back to nothing. */
export class Engine {
  private readonly parts: EngineParts
  private readonly planner: Planner

  constructor(parts: EngineParts) {
    this.parts = parts
    this.planner = new Planner(parts)
  }

  /** Works out how to get from what runs to `file`. Changes nothing; a Refusal names every reason why it cannot be. */
  plan(file: GraphFile): Promise<Change> {
    return placed(
      file,
      this.planner.planAs(file, { comparisons: this.parts.records.read(file.graph.name)?.comparisons }),
    )
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
    const cubes = await sameCubes(running, this.parts.catalogue)
    const { file, graph } = running
    const made = await this.change(
      { file, graph, cubes, place: () => undefined },
      { look: make?.(running), late: true },
    )
    const { attachments, slots } = made.wanted
    const programs = [...Object.values(attachments), ...Object.values(slots).flat()].map(({ program }) => program)
    if (made.running.look?.trace !== true) return { running: made.running, sites: sitesOf(programs) }
    const { gate } = await this.controlOf(made.running, cubes)
    return { running: made.running, sites: sitesOf([...programs, ...gate.entries, ...gate.others.values()]) }
  }

  /** With the lock held. */
  private async change(file: GraphFile, how: Pick<Making, 'look' | 'late'> = {}): Promise<Applied> {
    const { machine } = this.parts
    const { name } = file.graph
    const before = this.planner.before(name)
    const carryOut = async (making: Making): Promise<Applied> => {
      for (const folder of asideFolders(name)) forget(machine, machine.pinned(folder))
      using beginning = new Beginning(machine)
      const made = await this.planner.planAs(file, { ...making, beginning })
      const changed = measured(this.parts, 'apply', () =>
        change(this.parts, before, made.running, made.wanted, made.actions, made.conversions, beginning),
      )
      return { ...made, ...changed }
    }
    const carryOutAs = async (comparisons: Comparisons | undefined): Promise<Applied> => {
      try {
        return await carryOut({ ...how, createsDevice: true, comparisons })
      } catch (error) {
        const isUnending = error instanceof RefusedPart && error.cause instanceof Unending
        const next = isUnending ? comparisonsAfter(comparisons, machine.hasBudgets) : undefined
        if (next === undefined) throw error
        return await carryOutAs(next)
      }
    }
    try {
      return await carryOutAs(before?.comparisons)
    } finally {
      this.tidyDevice(file.graph, before?.graph)
    }
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
    const cubes = await sameCubes(before, catalogue)
    const made = await this.planner.planFor({
      file: { file, graph, cubes, place: () => undefined },
      before,
      point: this.planner.pointOf(graph),
      narrow: (wanted) => this.planner.present(wanted),
      making: { comparisons: before.comparisons },
    })
    if (made.actions.length === 0) return made
    using beginning = new Beginning(machine)
    change(this.parts, before, made.running, made.wanted, made.actions, made.conversions, beginning)
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
    return look !== undefined && !isLookedAt(graph.name)
  }

  /** The interface of a graph's own goes where no program is on it. What cannot be removed now goes with the graph. */
  private tidyDevice(...graphs: readonly (Graph | undefined)[]): void {
    const { machine } = this.parts
    const name = graphs.find((graph) => graph !== undefined && mayCopy(graph))?.name
    try {
      const device = name === undefined ? '' : deviceOf(name, machine.tessera)
      if (name === undefined || machine.interface(device) === undefined) return
      const isUsed = ([0, 1] as const).some((one) => machine.pinned(copiesPath(name, one)).length > 0)
      if (!isUsed) machine.removeDevice(device)
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
    const { graph, change } = changing
    const needsCubes = change.steps.some((step) => step.do === 'copy again')
    const cubes = needsCubes ? await cubesOf(changing, this.parts.catalogue) : new Map<string, CubeFolder>()
    finish(this.parts, changing, conversionsAgain(graph, cubes, change.steps))
  }

  /** The control planes of a graph that runs, and their way into it. */
  async control(name: string): Promise<GraphControl> {
    this.mustExist(name)
    const { records, catalogue } = this.parts
    const running = records.read(name)
    if (running === undefined) throw refusal(`nothing is known of the graph ${name}`, 'run tessera apply again')
    return await this.controlOf(running, await sameCubes(running, catalogue))
  }

  /** What control planes send is seen, too, by whoever looks at the graph. */
  private async controlOf(running: Running, cubes: ReadonlyMap<string, CubeFolder>): Promise<GraphControl> {
    const { graph, numbering, point, generation = 0, look } = running
    const options = await this.planner.stitching(graph, numbering, point, cubes, generation, running)
    return planControl(this.isSeen(running) ? { ...options, look } : options, cubes)
  }

  /** Whether there still is what programs tell: it goes with whoever looks. */
  private isSeen({ look, graph }: Running): boolean {
    const records = look && lookMaps(look)[LOOK_MAP.records]
    using found = records && this.parts.machine.openMap(lookPath(graph.name, LOOK_MAP.records), records)
    return found !== undefined
  }

  /** Takes away what processes that were killed have left of the ways in of control planes: for whoever is the only one to run these. */
  removeGates(): void {
    const { machine, records } = this.parts
    for (const name of this.names()) {
      const running = readable(records, name)
      if (running === undefined || isHere(machine, running)) machine.removeGate(gateOf(name, machine.tessera))
    }
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
      // Of a daemon that was killed.
      machine.removeGate(gateOf(name, machine.tessera))
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
    mustBeOfThisVersion(this.parts.records, name)
    return this.parts.records.read(name)
  }

  /** Another one whenever what is known of a graph was written since; undefined where that is nothing. */
  stamp(name: string): string | undefined {
    return this.parts.records.stamp(name)
  }

  /** The versions of the cubes that a graph which runs was made of, as far as that is known. */
  versions(name: string): Running['cubes'] {
    return readable(this.parts.records, name)?.cubes
  }

  /** What is known of a graph that runs. */
  running(name: string): Running {
    this.mustExist(name)
    mustBeOfThisVersion(this.parts.records, name)
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
    const cubes = await cubesToShow(running, catalogue)
    const statusOf = (instance: Instance): InstanceStatus[] => {
      const folder = cubes.get(instance.cube)
      return folder === undefined ? [] : [instanceStatus(machine, running, instance, folder)]
    }
    const instances = machine.inBulk(() => graph.instances.flatMap(statusOf))
    return { name, state, file, point, ...(this.isElsewhere(name) ? { isElsewhere: true } : {}), instances }
  }

  private mustExist(name: string): void {
    const names = this.names()
    if (!names.includes(name)) throw refusal(`there is no graph ${name} here`, suggestion(name, names))
  }
}

/** Hears why a graph could not be recovered. */
export type Failed = (graph: string, error: unknown) => void

const isChanging = (running: Running): running is Changing => running.change !== undefined
