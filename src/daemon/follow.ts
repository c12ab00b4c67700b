/** Whatever is seen of a graph, as it comes, until somebody has seen enough. */
import type { Sighting } from '../engine/look/sights.ts'
import type { Looking } from './looking.ts'

/** Milliseconds between two looks whether the graph is still the same. */
const PATIENCE = 50

export interface FollowOptions {
  /** False: that is enough. */
  readonly take: (sighting: Sighting) => boolean
  /** The graph was changed, and is looked at as it is now. */
  readonly changed: () => void
  readonly signal: AbortSignal
}

/** Ends when enough was seen, or at the signal. A Refusal where the graph is gone, or its ports are. */
export async function follow(looking: Looking, { take, changed, signal }: FollowOptions): Promise<void> {
  while (!signal.aborted) {
    const isEnough = await untilChanged(looking, take, signal)
    if (isEnough || signal.aborted) return
    changed()
    // What was seen until it was.
    if (!looking.take().every(take)) return
  }
}

/** True where enough was seen, or the signal came; false where the graph has changed. */
function untilChanged(looking: Looking, take: FollowOptions['take'], signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      watch[Symbol.dispose]()
      clearInterval(timer)
      signal.removeEventListener('abort', stop)
      settle()
    }
    const stop = (): void => end(() => resolve(true))
    const drain = (): void => {
      try {
        if (!looking.take().every(take)) stop()
      } catch (error) {
        end(() => reject(error))
      }
    }
    const look = async (): Promise<void> => {
      try {
        if (looking.isSame()) return
        clearInterval(timer)
        watch[Symbol.dispose]()
        await looking.again()
        end(() => resolve(false))
      } catch (error) {
        end(() => reject(error))
      }
    }
    const watch = looking.watch(drain)
    const timer = setInterval(() => void look(), PATIENCE)
    signal.addEventListener('abort', stop)
  })
}
