/**
 * The graphs that are wanted, in the store, and what runs, in the engine. A change is first an intent in the store, then made, then
 * acknowledged in one transaction that takes the intent away: so whoever comes after a process that was killed knows of both. What
 * runs as was intended is acknowledged then, and everything else is as it was acknowledged last.
 */
import { refuse } from '../../api/problem.ts'
import { type Diagnostic, Refusal, refusal } from '../../base/diagnostic.ts'
import { Turns } from '../../base/turns.ts'
import type { GraphDocument } from '../../cube/document.ts'
import { otherCubes } from '../../engine/cubes.ts'
import { type Graph, type GraphFile, interfaceText } from '../../engine/graph.ts'
import { numbersOf } from '../../engine/made.ts'
import { there } from '../../engine/on-host.ts'
import { interfacesOf } from '../../engine/ports.ts'
import { readDocument } from '../../engine/read.ts'
import { Occupied } from '../../kernel/lock.ts'
import { Conflict, type Entry, NoRoom, type Operation, type Store } from '../../store/store.ts'
import type { Host } from '../host.ts'
import { mustBeAsExpected } from './expected.ts'
import { patience } from './patience.ts'
import type { Expected, Made, Wanted, WantedGraph } from './wanted.ts'

export interface WantedParts {
  readonly host: Host
  readonly store: Store
  /** Where cubes that are named by a folder are looked for. */
  readonly folder: string
  readonly tell?: (happened: Happened) => void
}

/** What became of a graph, whoever wanted that. */
export interface Happened {
  readonly kind: 'graph.applied' | 'graph.deleted' | 'graph.waiting' | 'graph.failed' | 'graph.repaired'
  readonly graph: string
  readonly revision?: string
  readonly text: string
}

export type GraphState = NonNullable<ReturnType<Wanted['state']>>

const GRAPHS = 'graphs/'
const INTENTS = 'intents/'

/** A change that was begun, and not acknowledged. */
interface Intent {
  /** Null: it is to be deleted. */
  readonly document: GraphDocument | null
  /** Something of this name ran before, wanted or not. */
  readonly ran: boolean
}

const UNSEEN: GraphState = { state: 'waiting', reason: 'nobody has looked at it yet since the daemon was started' }
const RUNNING: GraphState = { state: 'running' }
const CHANGING: GraphState = { state: 'changing' }
const DOWN: GraphState = { state: 'waiting', reason: 'it was taken down' }

export class WantedGraphs implements Wanted {
  readonly #parts: WantedParts
  readonly #turns = new Turns()
  readonly #states = new Map<string, GraphState>()
  /** As they are wanted, and were read. */
  readonly #graphs = new Map<string, Graph>()
  /** Which interfaces there were when those that failed were tried, unless another try may do without other ones. */
  readonly #failedWith = new Map<string, string>()
  #isReconciled = false
  #isDown = false

  private constructor(parts: WantedParts) {
    this.#parts = parts
  }

  /** Knows at once what is wanted; {@link reconcile} makes it so. */
  static async open(parts: WantedParts): Promise<WantedGraphs> {
    const wanted = new WantedGraphs(parts)
    for (const { name } of await wanted.list()) wanted.#states.set(name, UNSEEN)
    return wanted
  }

  /** Whether everything that is wanted was looked at since the start. */
  get isReconciled(): boolean {
    return this.#isReconciled
  }

  async list(): Promise<readonly WantedGraph[]> {
    return (await this.#parts.store.list(GRAPHS)).entries.map(wantedOf)
  }

  async get(name: string): Promise<WantedGraph | undefined> {
    const entry = await this.#parts.store.get(GRAPHS + name)
    return entry && wantedOf(entry)
  }

  state(name: string): GraphState | undefined {
    return this.#states.get(name)
  }

  async plan(name: string, document: GraphDocument, expected: Expected): Promise<Made> {
    const before = await this.#expected(name, expected)
    const { actions } = await this.#parts.host.engine.plan(await this.#read(name, document))
    return { actions, revision: before && String(before.revision), lost: 0 }
  }

  put(name: string, document: GraphDocument, expected: Expected, refused = () => {}): Promise<Made> {
    return this.#turns.take(async () => {
      const { engine } = this.#parts.host
      this.#mustBeUp()
      const before = await this.#expected(name, expected)
      const file = await this.#read(name, document)
      const value = JSON.stringify(document)
      const apply = async () => {
        using _patience = patience(file.graph.instances.length)
        const { actions, lost, left } = await engine.apply(file)
        // What is wanted already is no other revision.
        const isSame = before?.value === value
        const revision = await this.#acknowledge(name, isSame ? [] : [{ put: GRAPHS + name, value }])
        const made = { actions, lost, left, revision: String(isSame ? before.revision : revision) }
        this.#runs(file.graph, 'graph.applied', made.revision, `${name} runs as it is wanted`)
        return made
      }
      return this.#change(name, before, document, apply, refused)
    })
  }

  async planDeletion(name: string, expected: Expected): Promise<Made> {
    const before = await this.#expected(name, expected)
    this.#mustBeThere(name, before)
    const actions = this.#isOnHost(name) ? this.#parts.host.engine.planDeletion(name) : []
    return { actions, revision: before && String(before.revision), lost: 0 }
  }

  delete(name: string, expected: Expected): Promise<Made> {
    return this.#turns.take(async () => {
      this.#mustBeUp()
      const before = await this.#expected(name, expected)
      this.#mustBeThere(name, before)
      return this.#change(name, before, null, async () => {
        const actions = this.#isOnHost(name) ? await this.#parts.host.engine.delete(name) : []
        await this.#acknowledge(name, [{ delete: GRAPHS + name }])
        this.#forget(name, `${name} is gone`)
        return { actions, revision: undefined, lost: 0 }
      })
    })
  }

  /** After a start: what is wanted runs, or {@link state} tells why not. One graph after the other, so that others have their turn. */
  async reconcile(signal?: AbortSignal): Promise<void> {
    await this.#turns.take(() => this.#settle())
    for (const { name } of await this.list()) {
      if (signal?.aborted === true) return
      await this.#turns.take(() => this.#bring(name))
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#isReconciled = true
  }

  /**
   * Removes all graphs from this host; what is wanted stays known, and nothing is made any more, whoever waits for that. Gives their names.
   * A Refusal where one could not be removed: all others are, and then changes are made again.
   */
  down(): Promise<string[]> {
    return this.#turns.take(async () => {
      const { engine } = this.#parts.host
      const names = engine.names().filter((name) => this.#isOnHost(name))
      const failures: Diagnostic[] = []
      for (const name of names) {
        try {
          await engine.delete(name)
          this.#forget(name, `${name} was taken down`)
          if ((await this.get(name)) !== undefined) this.#states.set(name, DOWN)
        } catch (error) {
          if (!(error instanceof Error)) throw error
          this.#failed(name, error)
          this.#triedWith(name, this.#interfacesOf(name))
          failures.push({ message: `the graph ${name} could not be removed: ${error.message}` })
        }
      }
      if (failures.length > 0) throw new Refusal(failures)
      this.#isDown = true
      return names
    })
  }

  /** When what was begun has ended. */
  async idle(): Promise<void> {
    await this.#turns.take(async () => {})
  }

  /** Attaches graphs to interfaces that come, and tells of what waits for them, until disposed. */
  watch(): Disposable {
    const { machine, engine } = this.#parts.host
    const repairs = engine.watch((name, done) => {
      if (done instanceof Error) return this.#failed(name, done)
      this.#tell({ kind: 'graph.repaired', graph: name, text: `${name} is on the interfaces that are there now` })
      void this.#turns.take(async () => {
        if (this.#states.get(name)?.state === 'failed') await this.#bring(name)
      })
    })
    let isLate = false
    const changes = machine.watchInterfaces(() => {
      if (isLate) return
      isLate = true
      void this.#turns.take(async () => {
        isLate = false
        for (const [name, { state }] of this.#states)
          if (state === 'failed') await this.#bringAgain(name)
          else this.#lookAgain(name)
      })
    })
    return {
      [Symbol.dispose]() {
        repairs[Symbol.dispose]()
        changes[Symbol.dispose]()
      },
    }
  }

  /** With the intent in the store while `make` is at work. What fails is taken back. */
  async #change(
    name: string,
    before: Entry | undefined,
    document: GraphDocument | null,
    make: () => Promise<Made>,
    refused = () => {},
  ): Promise<Made> {
    const state = this.#states.get(name)
    const intent: Intent = { document, ran: this.#isOnHost(name) }
    await this.#commit(name, [
      { put: INTENTS + name, value: JSON.stringify(intent) },
      { check: GRAPHS + name, expected: before?.revision ?? 0 },
    ])
    this.#states.set(name, CHANGING)
    try {
      return await make()
    } catch (error) {
      if (state === undefined) this.#states.delete(name)
      else this.#states.set(name, state)
      refused()
      await this.#takeBack(name, intent)
      throw error
    }
  }

  /** What is acknowledged is as `changes` say, and the intent is over. */
  #acknowledge(name: string, changes: readonly Operation[]): Promise<number> {
    return this.#commit(name, [...changes, { delete: INTENTS + name }])
  }

  async #takeBack(name: string, { ran }: Intent): Promise<void> {
    try {
      if ((await this.#parts.store.get(GRAPHS + name)) !== undefined) await this.#bring(name, true)
      else if (!ran && this.#isOnHost(name)) await this.#parts.host.engine.delete(name)
      await this.#acknowledge(name, [])
    } catch {
      // The disk is full, say. As long as the intent is there, it is looked at again at the next start.
    }
  }

  /** What a process was killed in the middle of is acknowledged where it runs, and taken back where it does not. */
  async #settle(): Promise<void> {
    const { store, host } = this.#parts
    await host.engine.recover((graph, error) => {
      if (!(error instanceof Error)) throw error
      this.#tell({ kind: 'graph.failed', graph, text: error.message })
    })
    for (const { key, value } of (await store.list(INTENTS)).entries) {
      const name = key.slice(INTENTS.length)
      try {
        await this.#settleOne(name, JSON.parse(value) as Intent)
      } catch (error) {
        // The intent stays for the next start, and what was acknowledged last is what runs.
        if (!(error instanceof NoRoom)) throw error
        this.#tell({ kind: 'graph.failed', graph: name, text: error.message })
      }
      if ((await store.get(GRAPHS + name)) === undefined) this.#states.delete(name)
    }
  }

  async #settleOne(name: string, intent: Intent): Promise<void> {
    const { document } = intent
    if (!(await this.#isDone(name, intent))) await this.#takeBack(name, intent)
    else if (document === null) await this.#acknowledge(name, [{ delete: GRAPHS + name }])
    else await this.#acknowledge(name, [{ put: GRAPHS + name, value: JSON.stringify(document) }])
  }

  async #isDone(name: string, { document }: Intent): Promise<boolean> {
    if (document === null) return !this.#isOnHost(name)
    if (!this.#isOnHost(name)) return false
    try {
      const { graph } = await this.#read(name, document)
      return JSON.stringify(this.#parts.host.engine.running(name).graph) === JSON.stringify(graph)
    } catch (error) {
      if (error instanceof Refusal) return false
      throw error
    }
  }

  /**
   * A graph that is wanted is made to run with the interfaces that are there; `again`, of cubes as they were when what runs was made. What
   * runs already costs nothing.
   */
  async #bring(name: string, again = false): Promise<void> {
    const { engine, catalogue } = this.#parts.host
    let interfaces: string | undefined
    let changed: readonly string[] = []
    try {
      const found = await this.get(name)
      if (found === undefined || this.#isDown) return
      const versions = engine.versions(name)
      const file = await this.#read(name, found.document, again ? catalogue.as(versions) : catalogue)
      changed = otherCubes(versions, file.cubes)
      this.#graphs.set(name, file.graph)
      // Those that come or go from here on are others.
      interfaces = this.#interfacesOf(name)
      if (engine.isApplied(file)) return this.#look(name, file.graph)
      using _patience = patience(file.graph.instances.length)
      await engine.bringUp(file)
      this.#runs(file.graph, 'graph.applied', found.revision, `${name} runs as it is wanted`)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const because =
        changed.length === 0 ? '' : `runs as it did, for ${changed.join(', ')} has changed since, and is refused: `
      this.#failed(name, error, because)
      this.#triedWith(name, error instanceof Occupied ? undefined : interfaces)
    }
  }

  /** Where it has other interfaces now: that it is tried makes and removes some as well, and must not be why it is tried again. */
  async #bringAgain(name: string): Promise<void> {
    const before = this.#failedWith.get(name)
    if (before === undefined || before !== this.#interfacesOf(name)) await this.#bring(name)
  }

  /** Undefined of a graph that could not be read. */
  #interfacesOf(name: string): string | undefined {
    const graph = this.#graphs.get(name)
    return graph && numbersOf(this.#parts.host.machine, graph)
  }

  #runs(graph: Graph, kind: Happened['kind'], revision: string | undefined, text: string): void {
    this.#tell({ kind, graph: graph.name, ...(revision === undefined ? {} : { revision }), text })
    this.#look(graph.name, graph)
  }

  #failed(name: string, error: Error, because = ''): void {
    const reason = because + error.message
    this.#states.set(name, { state: 'failed', reason })
    this.#tell({ kind: 'graph.failed', graph: name, text: reason })
  }

  #triedWith(name: string, interfaces: string | undefined): void {
    if (interfaces === undefined) this.#failedWith.delete(name)
    else this.#failedWith.set(name, interfaces)
  }

  #forget(name: string, text: string): void {
    this.#graphs.delete(name)
    this.#failedWith.delete(name)
    this.#states.delete(name)
    this.#tell({ kind: 'graph.deleted', graph: name, text })
  }

  /** Whether a graph that runs waits for interfaces. */
  #look(name: string, graph: Graph): void {
    this.#graphs.set(name, graph)
    this.#failedWith.delete(name)
    const before = this.#states.get(name)
    const missing = interfacesOf(graph)
      .filter((one) => there(this.#parts.host.machine, one) === undefined)
      .map(interfaceText)
    if (missing.length === 0) return void this.#states.set(name, RUNNING)
    const reason = `waits for ${missing.join(', ')}`
    this.#states.set(name, { state: 'waiting', reason })
    if (before?.reason !== reason) this.#tell({ kind: 'graph.waiting', graph: name, text: `${name} ${reason}` })
  }

  #lookAgain(name: string): void {
    const graph = this.#graphs.get(name)
    if (graph !== undefined) this.#look(name, graph)
  }

  #tell(happened: Happened): void {
    this.#parts.tell?.(happened)
  }

  #read(name: string, document: GraphDocument, catalogue = this.#parts.host.catalogue): Promise<GraphFile> {
    const { folder } = this.#parts
    if (document.graph !== name)
      throw new Refusal([
        {
          message: `the document is of the graph ${document.graph}, and not of ${name}`,
          path: ['graph'],
          remedy: `write ${name}, or ask for ${document.graph}`,
        },
      ])
    return readDocument(`${folder}/${name}`, document, catalogue)
  }

  async #expected(name: string, expected: Expected): Promise<Entry | undefined> {
    const { store } = this.#parts
    const entry = await store.get(GRAPHS + name)
    await mustBeAsExpected(store, GRAPHS + name, name, entry, expected)
    return entry
  }

  #mustBeUp(): void {
    if (this.#isDown) throw refuse(503, 'all graphs were taken down, and the daemon ends', 'start it again')
  }

  #mustBeThere(name: string, entry: Entry | undefined): void {
    if (entry === undefined && !this.#isOnHost(name)) throw refuse(404, `there is no graph ${name}`)
  }

  /** Graphs of other network namespaces are for whoever sees their interfaces. */
  #isOnHost(name: string): boolean {
    const { engine } = this.#parts.host
    return engine.names().includes(name) && !engine.isElsewhere(name)
  }

  async #commit(name: string, operations: readonly Operation[]): Promise<number> {
    try {
      return await this.#parts.store.commit(operations)
    } catch (error) {
      if (error instanceof Conflict) throw refuse(409, `the graph ${name} was changed meanwhile`)
      throw error
    }
  }
}

function wantedOf({ key, value, revision }: Entry): WantedGraph {
  const name = key.slice(GRAPHS.length)
  try {
    return { name, document: JSON.parse(value) as GraphDocument, revision: String(revision) }
  } catch (error) {
    throw refusal(`what the store has of the graph ${name} cannot be read`, undefined, undefined, error)
  }
}
