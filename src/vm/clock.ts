/** A clock that only moves when it is told to: time is a parameter of a test, never slept for. */
export class SimulatedClock {
  #now: bigint

  constructor(start: bigint) {
    this.#now = start
  }

  /** Nanoseconds. */
  now(): bigint {
    return this.#now
  }

  advance(nanoseconds: bigint): void {
    if (nanoseconds < 0n) throw new RangeError('a monotonic clock does not go back')
    this.#now += nanoseconds
  }
}
