/** How the graphs that are wanted do, and who hears of it. */
import type { Machine } from '../../backend/machine.ts'
import { type Graph, interfaceText } from '../../engine/graph/graph.ts'
import { interfacesOf } from '../../engine/graph/ports.ts'
import { numbersOf } from '../../engine/plan/made.ts'
import { there } from '../../engine/plan/on-host.ts'
import type { Wanted } from './wanted.ts'

/** What became of a graph, whoever wanted that. */
export interface Happened {
  readonly kind: 'graph.applied' | 'graph.deleted' | 'graph.waiting' | 'graph.failed' | 'graph.repaired'
  readonly graph: string
  readonly revision?: string
  readonly text: string
}

export type GraphState = NonNullable<ReturnType<Wanted['state']>>

const UNSEEN: GraphState = { state: 'waiting', reason: 'nobody has looked at it yet since the daemon was started' }
const RUNNING: GraphState = { state: 'running' }
const CHANGING: GraphState = { state: 'changing' }
const DOWN: GraphState = { state: 'waiting', reason: 'it was taken down' }

export class GraphStates {
  readonly #machine: Machine
  readonly #tell: (happened: Happened) => void
  readonly #states = new Map<string, GraphState>()
  /** As they are wanted, and were read. */
  readonly #graphs = new Map<string, Graph>()
  /** Which interfaces there were when those that failed were tried, unless another try may do without other ones. */
  readonly #failedWith = new Map<string, string>()

  constructor(machine: Machine, tell: (happened: Happened) => void = () => {}) {
    this.#machine = machine
    this.#tell = tell
  }

  names(): readonly string[] {
    return [...this.#states.keys()]
  }

  of(name: string): GraphState | undefined {
    return this.#states.get(name)
  }

  hasFailed(name: string): boolean {
    return this.of(name)?.state === 'failed'
  }

  unseen(name: string): void {
    this.#states.set(name, UNSEEN)
  }

  /** Gives what has it do as before. */
  changing(name: string): () => void {
    const before = this.#states.get(name)
    this.#states.set(name, CHANGING)
    return () => {
      if (before === undefined) this.#states.delete(name)
      else this.#states.set(name, before)
    }
  }

  /** It is to be made so. */
  read(graph: Graph): void {
    this.#graphs.set(graph.name, graph)
  }

  applied(graph: Graph, revision: string): void {
    const { name } = graph
    this.#tell({ kind: 'graph.applied', graph: name, revision, text: `${name} runs as it is wanted` })
    this.runs(graph)
  }

  repaired(name: string): void {
    this.#tell({ kind: 'graph.repaired', graph: name, text: `${name} is on the interfaces that are there now` })
  }

  /** It may wait for interfaces. */
  runs(graph: Graph): void {
    const { name } = graph
    this.#graphs.set(name, graph)
    this.#failedWith.delete(name)
    const before = this.#states.get(name)
    const missing = interfacesOf(graph)
      .filter((one) => there(this.#machine, one) === undefined)
      .map(interfaceText)
    if (missing.length === 0) return void this.#states.set(name, RUNNING)
    const reason = `waits for ${missing.join(', ')}`
    this.#states.set(name, { state: 'waiting', reason })
    if (before?.reason !== reason) this.#tell({ kind: 'graph.waiting', graph: name, text: `${name} ${reason}` })
  }

  lookAgain(name: string): void {
    const graph = this.#graphs.get(name)
    if (graph !== undefined) this.runs(graph)
  }

  failed(name: string, reason: string): void {
    this.#states.set(name, { state: 'failed', reason })
    this.tellFailure(name, reason)
  }

  /** It is no state: what ran goes on. */
  tellFailure(name: string, text: string): void {
    this.#tell({ kind: 'graph.failed', graph: name, text })
  }

  /** `interfaces`: as {@link interfacesOf}. Undefined: it may be tried again with the same ones. */
  triedWith(name: string, interfaces: string | undefined): void {
    if (interfaces === undefined) this.#failedWith.delete(name)
    else this.#failedWith.set(name, interfaces)
  }

  /** Where it has other interfaces now: that it is tried makes and removes some as well, and must not be why it is tried again. */
  isWorthTrying(name: string): boolean {
    const before = this.#failedWith.get(name)
    return before === undefined || before !== this.interfacesOf(name)
  }

  /** Which interfaces it has now. Undefined of a graph that could not be read. */
  interfacesOf(name: string): string | undefined {
    const graph = this.#graphs.get(name)
    return graph && numbersOf(this.#machine, graph)
  }

  gone(name: string, text: string): void {
    this.#graphs.delete(name)
    this.#failedWith.delete(name)
    this.#states.delete(name)
    this.#tell({ kind: 'graph.deleted', graph: name, text })
  }

  /** It is still wanted. */
  down(name: string): void {
    this.#states.set(name, DOWN)
  }

  /** Nobody wants it. */
  forget(name: string): void {
    this.#states.delete(name)
  }
}
