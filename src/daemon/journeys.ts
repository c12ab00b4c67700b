/** Packets that are traced, each with what happened to it: the two come by different rings, and are put together here. */
import type { Sighting, TraceEvent } from '../engine/look/sights.ts'
import { follow } from './follow.ts'
import type { Looking } from './looking.ts'
import { hasEnd, type Journey } from './trace.ts'

/** Milliseconds in which a program has told all of a packet, all copies included. */
const WHOLE = 20
/**
 * Milliseconds in which even those have that were held up: a CPU of a virtual machine may stand still while it writes a record, and nobody
 * reads that ring any further until it goes on. The other one is read meanwhile.
 */
const PATIENCE = 500
/** Packets whose events wait for them. */
const MOST = 10_000

interface Pending {
  readonly events: TraceEvent[]
  /** In milliseconds, as all times here. */
  readonly since: number
}

export class Journeys {
  readonly #waiting: (Pending & { readonly head: Sighting })[] = []
  readonly #known = new Map<bigint, Pending>()
  /** Events of packets that were not seen yet, or are lost, or too many. */
  readonly #early = new Map<bigint, Pending>()

  see(head: Sighting, now: number): void {
    const { trace } = head
    const one = { head, events: this.#early.get(trace)?.events ?? [], since: now }
    this.#early.delete(trace)
    this.#known.set(trace, one)
    this.#waiting.push(one)
  }

  hear(events: readonly TraceEvent[], now: number): void {
    for (const event of events) {
      const found = this.#known.get(event.trace) ?? this.#early.get(event.trace)
      if (found !== undefined) found.events.push(event)
      else this.#early.set(event.trace, { events: [event], since: now })
    }
    for (const [trace, { since }] of this.#early) {
      if (now - since < PATIENCE && this.#early.size <= MOST) break
      this.#early.delete(trace)
    }
  }

  /** Those of which all is told, in their order. */
  take(now: number): readonly Journey[] {
    const first = this.#waiting.findIndex(({ events, since }) => now - since < (hasEnd(events) ? WHOLE : PATIENCE))
    return this.#told(first === -1 ? this.#waiting.length : first)
  }

  /** All that there are. */
  end(): readonly Journey[] {
    return this.#told(this.#waiting.length)
  }

  #told(count: number): readonly Journey[] {
    const told = this.#waiting.splice(0, count)
    for (const { head } of told) this.#known.delete(head.trace)
    return told
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }
}

export interface JourneyOptions {
  /** So many packets are enough. */
  readonly count: number
  readonly tell: (journey: Journey) => void
  /** The graph was changed, and is traced as it is now. */
  readonly changed: () => void
  readonly signal: AbortSignal
}

/** Tells of each packet when it is at its end, until there were enough, or the signal comes. As {@link follow} refuses. */
export async function followJourneys(
  looking: Looking,
  { count, tell, changed, signal }: JourneyOptions,
): Promise<void> {
  const journeys = new Journeys()
  let seen = 0
  let timer: NodeJS.Timeout | undefined
  const take = (head: Sighting): boolean => {
    if (seen >= count) return false
    seen++
    journeys.see(head, performance.now())
    timer ??= setTimeout(flush, WHOLE)
    return seen < count
  }
  const flush = (): void => {
    timer = undefined
    journeys.hear(looking.takeEvents(), performance.now())
    journeys.take(performance.now()).forEach(tell)
    if (!journeys.isEmpty) timer = setTimeout(flush, WHOLE)
  }
  try {
    await follow(looking, { take, changed, signal })
    clearTimeout(timer)
    // What it has begun to tell, it tells to its end.
    await new Promise((resolve) => setTimeout(resolve, WHOLE))
    journeys.hear(looking.takeEvents(), performance.now())
    journeys.end().forEach(tell)
  } finally {
    clearTimeout(timer)
  }
}
