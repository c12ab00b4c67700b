/**
 * The time by which credentials are judged. Where the clock of the host goes back, this one goes on: what has expired stays expired for
 * as long as the process lives. A jump forward that is taken back is over with it, and makes nothing expire for good.
 */
export function steadyClock(
  wall: () => number = Date.now,
  elapsed: () => number = () => performance.now(),
): () => number {
  const began = wall() - elapsed()
  return () => Math.max(wall(), began + elapsed())
}
