/** Processes that a thread has begun which is no more: nobody else waits for them. */
import { ERRNO } from './errno.ts'
import { wait } from './ffi.ts'

/** sys/wait.h */
const WNOHANG = 1

/** Ends it, if it is there still; its number is not given to another before that is known here. */
export function endChild(pid: number): void {
  if (wait(pid, WNOHANG) !== 0) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
  while (wait(pid, 0) === -ERRNO.EINTR);
}
