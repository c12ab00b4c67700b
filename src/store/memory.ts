import {
  type Commit,
  changesOf,
  type Entry,
  HISTORY,
  type HistoryBound,
  type Listing,
  lengthOf,
  type Operation,
  type Page,
  type Store,
  type WatchOptions,
} from './store.ts'
import { type Past, Watchers } from './watchers.ts'

/** A store that lives as long as the process: for tests, and for graphs of this process alone. */
export class MemoryStore implements Store {
  readonly #bound: HistoryBound
  readonly #entries = new Map<string, Entry>()
  readonly #history: Commit[] = []
  #revision = 0
  /** Of the history. */
  #characters = 0
  #isOpen = true
  readonly #watchers: Watchers

  constructor(bound: HistoryBound = HISTORY) {
    this.#bound = bound
    this.#watchers = new Watchers(this.#past())
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#mustBeOpen()
    return this.#entries.get(key)
  }

  async list(prefix: string, { after, limit, descending = false }: Page = {}): Promise<Listing> {
    this.#mustBeOpen()
    const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix)).sort()
    if (descending) keys.reverse()
    const rest = after === undefined ? keys : keys.filter((key) => (descending ? key < after : key > after))
    return { revision: this.#revision, entries: rest.slice(0, limit).flatMap((key) => this.#entries.get(key) ?? []) }
  }

  async commit(operations: readonly Operation[]): Promise<number> {
    this.#mustBeOpen()
    const changes = changesOf(operations, (key) => this.#entries.get(key))
    if (changes.length === 0) return this.#revision
    const revision = ++this.#revision
    for (const { key, value } of changes)
      if (value === undefined) this.#entries.delete(key)
      else this.#entries.set(key, { key, value, revision })
    this.#remember({ revision, changes })
    this.#watchers.wake()
    return revision
  }

  watch(prefix: string, { after, signal }: WatchOptions = {}): AsyncIterable<Commit> {
    this.#mustBeOpen()
    return this.#watchers.watch(prefix, after, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false
    this.#watchers.end()
  }

  #remember(commit: Commit): void {
    this.#history.push(commit)
    this.#characters += lengthOf(commit)
    const { commits, characters } = this.#bound
    while (this.#history.length > Math.max(1, commits) || (this.#history.length > 1 && this.#characters > characters)) {
      const gone = this.#history.shift()
      if (gone !== undefined) this.#characters -= lengthOf(gone)
    }
  }

  #past(): Past {
    const revision = () => this.#revision
    const history = () => this.#history
    return {
      get revision() {
        return revision()
      },
      get oldest() {
        return (history()[0]?.revision ?? revision() + 1) - 1
      },
      next: (from) => history()[from + 1 - (history()[0]?.revision ?? 0)],
    }
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw new Error('the store is closed')
  }
}
