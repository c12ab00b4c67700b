import type { Timers } from '../engine/control/control-plane.ts'

interface Waiting {
  readonly at: bigint
  readonly work: () => void
}

/** They go off when a test moves the time, in their order. */
export class LabTimers implements Timers {
  #now = 0n
  readonly #waiting = new Set<Waiting>()

  after(nanoseconds: bigint, work: () => void): Disposable {
    const one = { at: this.#now + nanoseconds, work }
    this.#waiting.add(one)
    return { [Symbol.dispose]: () => void this.#waiting.delete(one) }
  }

  advance(nanoseconds: bigint): void {
    const end = this.#now + nanoseconds
    for (let next = this.#first(end); next !== undefined; next = this.#first(end)) {
      this.#now = next.at
      this.#waiting.delete(next)
      next.work()
    }
    this.#now = end
  }

  #first(end: bigint): Waiting | undefined {
    return [...this.#waiting].filter(({ at }) => at <= end).sort((a, b) => Number(a.at - b.at))[0]
  }
}
