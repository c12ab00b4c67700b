/** Processes that a thread has begun which is no more: nobody else waits for them. */
import { wait } from './ffi.ts'

/** sys/wait.h */
const WNOHANG = 1

/** Milliseconds between two looks, and looks. */
const PAUSE = 10
const LOOKS = 100

/** Ends it, if it is there still; its number is not given to another before that is known here. */
export function endChild(pid: number): void {
  for (let look = 0; look < LOOKS && wait(pid, WNOHANG) === 0; look++) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended; or it is another user's, and ends with the thread that began it.
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE)
  }
}
