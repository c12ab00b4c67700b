/**
 * The graphs that are wanted, in the store, and what runs, in the engine. A change is first an intent in the store, then made, then
 * acknowledged in one transaction that takes the intent away: so whoever comes after a process that was killed knows of both. What
 * runs as was intended is acknowledged then, and everything else is as it was acknowledged last.
 */
import { refuse } from '../../api/problem.ts'
import { type Diagnostic, Refusal, refusal } from '../../base/diagnostic.ts'
import { Turns } from '../../base/turns.ts'
import type { GraphDocument } from '../../cube/document.ts'
import type { GraphFile } from '../../engine/graph/graph.ts'
import { otherCubes } from '../../engine/plan/cubes.ts'
import { readDocument } from '../../engine/read/read.ts'
import { Occupied } from '../../kernel/lock.ts'
import { Conflict, type Entry, NoRoom, type Operation, type Store } from '../../store/store.ts'
import type { Host } from '../host.ts'
import { mustBeAsExpected } from './expected.ts'
import { type GraphState, GraphStates, type Happened } from './graph-states.ts'
import { patience } from './patience.ts'
import type { Expected, Made, Wanted, WantedGraph } from './wanted.ts'

export interface WantedParts {
  readonly host: Host
  readonly store: Store
  /** Where cubes that are named by a folder are looked for. */
  readonly folder: string
  readonly tell?: (happened: Happened) => void
}

const GRAPHS = 'graphs/'
const INTENTS = 'intents/'

/** A change that was begun, and not acknowledged. */
interface Intent {
  /** Null: it is to be deleted. */
  readonly document: GraphDocument | null
  /** Something of this name ran before, wanted or not. */
  readonly ran: boolean
}

export class WantedGraphs implements Wanted {
  readonly #parts: WantedParts
  readonly #turns = new Turns()
  readonly #states: GraphStates
  #isReconciled = false
  #isDown = false

  private constructor(parts: WantedParts) {
    this.#parts = parts
    this.#states = new GraphStates(parts.host.machine, parts.tell)
  }

  /** Knows at once what is wanted; {@link reconcile} makes it so. */
  static async open(parts: WantedParts): Promise<WantedGraphs> {
    const wanted = new WantedGraphs(parts)
    for (const { name } of await wanted.list()) wanted.#states.unseen(name)
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
    return this.#states.of(name)
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
        this.#states.applied(file.graph, made.revision)
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
        this.#states.gone(name, `${name} is gone`)
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
          this.#states.gone(name, `${name} was taken down`)
          if ((await this.get(name)) !== undefined) this.#states.down(name)
        } catch (error) {
          if (!(error instanceof Error)) throw error
          this.#states.failed(name, error.message)
          this.#states.triedWith(name, this.#states.interfacesOf(name))
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
      if (done instanceof Error) return this.#states.failed(name, done.message)
      this.#states.repaired(name)
      void this.#turns.take(async () => {
        if (this.#states.hasFailed(name)) await this.#bring(name)
      })
    })
    let isLate = false
    const changes = machine.watchInterfaces(() => {
      if (isLate) return
      isLate = true
      void this.#turns.take(async () => {
        isLate = false
        for (const name of this.#states.names())
          if (!this.#states.hasFailed(name)) this.#states.lookAgain(name)
          else if (this.#states.isWorthTrying(name)) await this.#bring(name)
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
    const intent: Intent = { document, ran: this.#isOnHost(name) }
    await this.#commit(name, [
      { put: INTENTS + name, value: JSON.stringify(intent) },
      { check: GRAPHS + name, expected: before?.revision ?? 0 },
    ])
    const asBefore = this.#states.changing(name)
    try {
      return await make()
    } catch (error) {
      asBefore()
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
      this.#states.tellFailure(graph, error.message)
    })
    for (const { key, value } of (await store.list(INTENTS)).entries) {
      const name = key.slice(INTENTS.length)
      try {
        await this.#settleOne(name, JSON.parse(value) as Intent)
      } catch (error) {
        // The intent stays for the next start, and what was acknowledged last is what runs.
        if (!(error instanceof NoRoom)) throw error
        this.#states.tellFailure(name, error.message)
      }
      if ((await store.get(GRAPHS + name)) === undefined) this.#states.forget(name)
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
      this.#states.read(file.graph)
      // Those that come or go from here on are others.
      interfaces = this.#states.interfacesOf(name)
      if (engine.isApplied(file)) return this.#states.runs(file.graph)
      using _patience = patience(file.graph.instances.length)
      await engine.bringUp(file)
      this.#states.applied(file.graph, found.revision)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const because =
        changed.length === 0 ? '' : `runs as it did, for ${changed.join(', ')} has changed since, and is refused: `
      this.#states.failed(name, because + error.message)
      this.#states.triedWith(name, error instanceof Occupied ? undefined : interfaces)
    }
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
