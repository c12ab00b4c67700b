/** What comes by itself, for whoever asks for one after the other. */

export interface PushOptions {
  /** Nobody reads any more. */
  readonly signal: AbortSignal
  /** There is room for so many that wait. */
  readonly most: number
}

export interface Push<T> {
  /** Nobody reads any more: it is to end. */
  readonly signal: AbortSignal
  put(item: T): void
  hasRoom(): boolean
}

/** Runs `run` at once, and gives what it puts until it ends; what it throws is thrown then. */
export function pushed<T>({ signal, most }: PushOptions, run: (push: Push<T>) => Promise<void>): AsyncIterable<T> {
  const items: T[] = []
  let isOver = false
  let wake = () => {}
  const put = (item: T): void => {
    items.push(item)
    wake()
  }
  const end = new AbortController()
  signal.addEventListener('abort', () => end.abort(), { once: true })
  if (signal.aborted) end.abort()
  const running = run({ signal: end.signal, put, hasRoom: () => items.length < most }).finally(() => {
    isOver = true
    wake()
  })
  // It is heard of below, or by nobody.
  running.catch(() => {})
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const next = items.shift()
          if (next !== undefined) yield next
          else if (isOver) return void (await running)
          else await new Promise<void>((resolve) => (wake = resolve))
        }
      } finally {
        end.abort()
      }
    },
  }
}
