/** A clock that only moves when it is told to: time is a parameter of a test, never slept for. */
export class SimulatedClock {
  #now: bigint
  /** The lower and upper halves of {@link now}. */
  low = 0
  high = 0

  constructor(start: bigint) {
    this.#now = start
    this.#split()
  }

  /** Nanoseconds. */
  now(): bigint {
    return this.#now
  }

  advance(nanoseconds: bigint): void {
    if (nanoseconds < 0n) throw new RangeError('a monotonic clock does not go back')
    this.#now += nanoseconds
    this.#split()
  }

  #split(): void {
    this.low = Number(BigInt.asIntN(32, this.#now))
    this.high = Number(BigInt.asIntN(32, this.#now >> 32n))
  }
}
