/** What happened, told to whoever listens, and for a while to those who come later. */
import { randomBytes } from 'node:crypto'
import type { Output } from '../../api/routes.ts'

type Told<T> = T extends AsyncIterable<infer E> ? E : never
export type Event = Told<Output<'watchEvents'>>

export interface EventLogOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** So many events are remembered. */
  readonly room?: number
}

export class EventLog {
  private readonly now: () => number
  private readonly room: number
  private readonly events: { readonly number: number; readonly event: Event }[] = []
  private readonly listeners = new Set<() => void>()
  /** Of this process, so that ids of another one are known as such, whatever clocks say. */
  private readonly epoch: string
  private last = 0

  constructor({ now, room = 1_000 }: EventLogOptions) {
    this.now = now
    this.room = room
    this.epoch = randomBytes(6).toString('hex')
  }

  tell(event: Omit<Event, 'id' | 'time'>): void {
    const number = ++this.last
    this.events.push({ number, event: { id: this.idOf(number), time: this.time(), ...event } })
    if (this.events.length > this.room) this.events.shift()
    for (const listener of [...this.listeners]) listener()
  }

  /**
   * What comes after an event, and what is new without one, until `signal`. Where something in between is not remembered any more, the
   * first event says so.
   */
  async *follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<Event> {
    let seen = after === undefined ? this.last : this.numberOf(after)
    let wake = () => {}
    const listener = () => wake()
    this.listeners.add(listener)
    signal.addEventListener('abort', listener)
    try {
      while (!signal.aborted) {
        const next = this.events.find(({ number }) => number > (seen ?? 0))
        const missed = seen === undefined || (next !== undefined && next.number !== seen + 1)
        if (missed) {
          seen = (next?.number ?? this.last + 1) - 1
          const text = 'events were missed: what there is now has to be asked for'
          yield { id: this.idOf(seen), time: this.time(), kind: 'events.missed', text }
        } else if (next !== undefined) {
          seen = next.number
          yield next.event
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.listeners.delete(listener)
      signal.removeEventListener('abort', listener)
    }
  }

  private time(): string {
    return new Date(this.now()).toISOString()
  }

  private idOf(number: number): string {
    return `${this.epoch}-${number}`
  }

  /** Undefined: of another process. */
  private numberOf(id: string): number | undefined {
    const [epoch, number = ''] = id.split('-')
    return epoch === this.epoch && /^\d{1,15}$/.test(number) && Number(number) <= this.last ? Number(number) : undefined
  }
}
