/** What is wanted, as long as the process lives: for tests, and for graphs of this process alone. */
import { ProblemError, problem } from '../../api/problem.ts'
import type { GraphDocument } from '../../cube/document.ts'
import { readDocument } from '../../engine/read.ts'
import type { Host } from '../host.ts'
import type { EventLog } from './event-log.ts'
import type { Expected, Made, Wanted, WantedGraph } from './wanted.ts'

type Parts = Pick<Host, 'engine' | 'catalogue'> & { readonly events: EventLog }

export class MemoryWanted implements Wanted {
  private readonly parts: Parts
  private readonly graphs = new Map<string, WantedGraph>()
  private last = 0
  /** One change at a time. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.parts = parts
  }

  async list(): Promise<readonly WantedGraph[]> {
    return [...this.graphs.values()]
  }

  async get(name: string): Promise<WantedGraph | undefined> {
    return this.graphs.get(name)
  }

  state(name: string): { readonly state: 'running' } | undefined {
    return this.graphs.has(name) ? { state: 'running' } : undefined
  }

  plan(name: string, document: GraphDocument, expected: Expected): Promise<Made> {
    return this.inTurn(async () => {
      const before = this.check(name, expected)
      const { actions } = await this.parts.engine.plan(await this.read(document))
      return { actions, revision: before?.revision, lost: 0 }
    })
  }

  put(name: string, document: GraphDocument, expected: Expected): Promise<Made> {
    return this.inTurn(async () => {
      this.check(name, expected)
      const { actions, lost } = await this.parts.engine.apply(await this.read(document))
      const revision = String(++this.last)
      this.graphs.set(name, { name, document, revision })
      this.parts.events.tell({ kind: 'graph.applied', graph: name, revision, text: `graph ${name} was applied` })
      return { actions, revision, lost }
    })
  }

  planDeletion(name: string, expected: Expected): Promise<Made> {
    return this.inTurn(async () => {
      const before = this.check(name, expected)
      return { actions: this.parts.engine.planDeletion(name), revision: before?.revision, lost: 0 }
    })
  }

  delete(name: string, expected: Expected): Promise<Made> {
    return this.inTurn(async () => {
      this.check(name, expected)
      const actions = await this.parts.engine.delete(name)
      this.graphs.delete(name)
      this.parts.events.tell({ kind: 'graph.deleted', graph: name, text: `graph ${name} was deleted` })
      return { actions, revision: undefined, lost: 0 }
    })
  }

  private read(document: GraphDocument) {
    return readDocument('/graph.json', document, this.parts.catalogue)
  }

  private check(name: string, { revision, none }: Expected): WantedGraph | undefined {
    const found = this.graphs.get(name)
    const isOther = revision !== undefined && (revision === '*' ? found === undefined : found?.revision !== revision)
    if (!isOther && !(none === true && found !== undefined)) return found
    const detail =
      found === undefined ? `there is no graph ${name}` : `the graph ${name} is at revision ${found.revision}`
    throw new ProblemError(problem(412, detail, found === undefined ? {} : { revision: found.revision }))
  }

  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.turn.then(run)
    this.turn = result.catch(() => {})
    return result
  }
}
