/** The time by which credentials are judged: what has expired stays so, whatever becomes of the clock of the host. */
import { closeSync, openSync, statSync, utimesSync } from 'node:fs'

/**
 * Where the clock of the host goes back, this one goes on, for as long as the process lives, and from `seen` on. A jump forward that is
 * taken back is over with it, and makes nothing expire for good. All in milliseconds since 1970.
 */
export function steadyClock(
  wall: () => number = Date.now,
  elapsed: () => number = () => performance.now(),
  seen = 0,
): () => number {
  const began = Math.max(wall(), seen) - elapsed()
  return () => Math.max(wall(), began + elapsed())
}

/** Milliseconds between looks at the clock. */
const LOOK = 60_000

export interface KeptClock extends Disposable {
  readonly now: () => number
}

/**
 * The same over restarts: the time of a file (mtime) is the latest that there was, a minute ago at most. What the clock says has to stand
 * for as long before it is kept. `log` hears where it is behind, and where it cannot be kept.
 */
export function keepClock(file: string, log: (line: string) => void): KeptClock {
  const seen = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const wall = Date.now()
  if (wall < seen)
    log(
      `the clock says ${timeText(wall)}, and it was ${timeText(seen)} before: credentials are judged by the later one; remove ${file} if that is wrong`,
    )
  const now = steadyClock(Date.now, () => performance.now(), seen)
  let before = now()
  let isSaid = false
  const look = setInterval(() => {
    const time = now()
    try {
      keep(file, Math.min(time, before + LOOK))
    } catch (error) {
      if (!isSaid) log(`what time it is cannot be kept: ${error instanceof Error ? error.message : error}`)
      isSaid = true
    }
    before = time
  }, LOOK)
  look.unref()
  return { now, [Symbol.dispose]: () => clearInterval(look) }
}

const timeText = (time: number): string => new Date(time).toISOString()

function keep(file: string, time: number): void {
  closeSync(openSync(file, 'a', 0o600))
  utimesSync(file, time / 1000, time / 1000)
}
