import type { Timers } from '../engine/control/control-plane.ts'

/** Milliseconds. What Node is told to wait for longer, it does at once. */
const LONGEST = 2 ** 31 - 1

/** Those of this process. */
export const timers: Timers = {
  after(nanoseconds, work) {
    let timer: NodeJS.Timeout
    const wait = (milliseconds: number) => {
      const rest = milliseconds - LONGEST
      timer = rest > 0 ? setTimeout(wait, LONGEST, rest) : setTimeout(work, milliseconds)
    }
    wait(Number(nanoseconds / 1_000_000n))
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}
