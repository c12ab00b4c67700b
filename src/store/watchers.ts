import { type Commit, Compacted } from './store.ts'

/** The past of a store, as far as it is kept. */
export interface Past {
  readonly revision: number
  /** Commits after this revision are known. */
  readonly oldest: number
  /** The first one after a revision. */
  next(revision: number): Commit | undefined
}

/** Those who wait for the next commit. They read it from the past, so that a slow one costs nobody any memory. */
export class Watchers {
  readonly #past: Past
  readonly #waiting = new Set<() => void>()
  #isOver = false

  constructor(past: Past) {
    this.#past = past
  }

  /** There is a new commit. */
  wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const go of waiting) go()
  }

  end(): void {
    this.#isOver = true
    this.wake()
  }

  /** `from` is known when this is called, whenever the first is asked for. */
  watch(prefix: string, from = this.#past.revision, signal?: AbortSignal): AsyncIterable<Commit> {
    return this.#commits(prefix, from, signal)
  }

  async *#commits(prefix: string, from: number, signal?: AbortSignal): AsyncGenerator<Commit> {
    const past = this.#past
    const wake = () => this.wake()
    signal?.addEventListener('abort', wake)
    try {
      for (let seen = from; ; ) {
        if (signal?.aborted === true || this.#isOver) return
        if (seen < past.oldest || seen > past.revision) throw new Compacted(seen, past.oldest, past.revision)
        const next = past.next(seen)
        if (next === undefined) {
          await new Promise<void>((go) => void this.#waiting.add(go))
          continue
        }
        seen = next.revision
        const changes = next.changes.filter(({ key }) => key.startsWith(prefix))
        if (changes.length > 0) yield { revision: next.revision, changes }
      }
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }
}
