/**
 * One end of a TCP connection (RFC 9293), for a network that neither loses nor reorders what a data plane does not: nothing is sent
 * twice, there are no timers, and what is not next in sequence is only acknowledged.
 */
import { concat } from '../../base/bytes.ts'
import { advance, CONTROL, distance, type Segment, sendSegment, spanOf } from './segment.ts'
import type { Peer } from './stack.ts'

/** Section 3.3.2. */
export type ConnectionState =
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'close-wait'
  | 'closing'
  | 'last-ack'
  | 'time-wait'
  | 'closed'

/** What this end can take at once, always: whatever arrives is read immediately. */
const WINDOW = 65_535
/** What fits into a frame of 1,500 bytes behind the headers of IP and TCP; and what may be sent to who says nothing (section 3.7.1). */
const SEGMENT_SIZE = { 4: { own: 1460, unsaid: 536 }, 6: { own: 1440, unsaid: 1220 } } as const

const NOTHING = new Uint8Array(0)

export interface ConnectionOptions {
  readonly peer: Peer
  readonly port: number
  readonly peerPort: number
  /** The first sequence number of this end. */
  readonly initial: number
  /** The other end's SYN, where it was first. */
  readonly syn?: Segment | undefined
  /** Called with what has arrived, in order. */
  readonly onData?: ((connection: Connection, payload: Uint8Array) => void) | undefined
  /** Called when the other end will send no more. */
  readonly onEnd?: ((connection: Connection) => void) | undefined
}

export class Connection {
  state: ConnectionState
  /** Whether it ended by a reset: nobody listens there, or the other end has given it up. */
  isReset = false
  /** All that has arrived, in order. */
  received: Uint8Array = NOTHING
  readonly peer: Peer
  readonly port: number
  readonly peerPort: number
  readonly #onData: ConnectionOptions['onData']
  readonly #onEnd: ConnectionOptions['onEnd']
  /** SND.UNA, SND.NXT and RCV.NXT of section 3.3.1. */
  #unacknowledged: number
  #next: number
  #expected = 0
  /** What the other end was told of that last. */
  #acknowledged = 0
  #segmentSize: number
  /** SND.WND, and what waits for it to open; then a FIN, if `#isEnding`. */
  #window = 0
  #waiting: Uint8Array = NOTHING
  #isEnding = false

  constructor({ peer, port, peerPort, initial, syn, onData, onEnd }: ConnectionOptions) {
    this.peer = peer
    this.port = port
    this.peerPort = peerPort
    this.#onData = onData
    this.#onEnd = onEnd
    this.#unacknowledged = initial
    this.#next = initial
    this.#segmentSize = SEGMENT_SIZE[peer.version].unsaid
    this.state = syn === undefined ? 'syn-sent' : 'syn-received'
    if (syn !== undefined) this.#synchronise(syn)
  }

  /** Sends the first segment of this end. */
  open(): void {
    this.#send(this.state === 'syn-sent' ? CONTROL.syn : CONTROL.syn | CONTROL.ack)
  }

  /**
   * Sends bytes, in as many segments as it takes; what the other end's window has no room for leaves when it has. False where the
   * connection is not (or no more) open in this direction.
   */
  send(bytes: Uint8Array): boolean {
    if (this.#isEnding || !['syn-received', 'established', 'close-wait'].includes(this.state)) return false
    this.#waiting = concat(this.#waiting, bytes)
    this.#transmit()
    return true
  }

  /** Says that nothing more will be sent. What the other end sends still arrives. */
  close(): void {
    if (this.state === 'syn-sent') this.state = 'closed'
    this.#isEnding = true
    this.#transmit()
  }

  /** Gives the connection up at once, with a reset. */
  abort(): void {
    const isOpen = !['syn-sent', 'closed', 'time-wait'].includes(this.state)
    this.state = 'closed'
    if (isOpen) this.#send(CONTROL.rst | CONTROL.ack)
  }

  /** Section 3.10.7, in its order. */
  receive(segment: Segment): void {
    if (this.state === 'closed') return
    if (this.state === 'syn-sent') return this.#receiveFirst(segment)
    const { control, sequence, payload } = segment
    if (!this.#isAcceptable(segment)) {
      if ((control & CONTROL.rst) === 0) this.#acknowledge()
      return
    }
    if ((control & CONTROL.rst) !== 0) {
      if (sequence === this.#expected) this.#reset()
      else this.#acknowledge()
      return
    }
    // A SYN within the window is answered by an acknowledgment that lets an honest sender find out (RFC 5961 section 4).
    if ((control & CONTROL.syn) !== 0) return this.#acknowledge()
    if ((control & CONTROL.ack) === 0 || !this.#receiveAcknowledgment(segment)) return
    // What was there before is cut off; what is not next is waited for, and so the other end is told.
    const fresh = payload.subarray(Math.max(0, distance(sequence, this.#expected)))
    if (distance(this.#expected, sequence) > 0) return this.#acknowledge()
    const isOpen = ['established', 'fin-wait-1', 'fin-wait-2'].includes(this.state)
    const data = isOpen ? fresh : NOTHING
    const isEnd = isOpen && (control & CONTROL.fin) !== 0
    this.#expected = advance(this.#expected, data.length + (isEnd ? 1 : 0))
    this.received = concat(this.received, data)
    if (isEnd) this.#receiveEnd()
    if (data.length > 0) this.#onData?.(this, data)
    if (isEnd) this.#onEnd?.(this)
    this.#transmit()
    // What was sent just now may have said so already.
    if (spanOf(segment) > 0 && this.#acknowledged !== this.#expected) this.#acknowledge()
  }

  #transmit(): void {
    while (this.state === 'established' || this.state === 'close-wait') {
      const room = this.#window - distance(this.#unacknowledged, this.#next)
      const size = Math.min(this.#waiting.length, this.#segmentSize, room)
      if (size <= 0) break
      const payload = this.#waiting.slice(0, size)
      this.#waiting = this.#waiting.subarray(size)
      this.#send(CONTROL.ack | (this.#waiting.length === 0 ? CONTROL.psh : 0), payload)
    }
    if (!this.#isEnding || this.#waiting.length > 0) return
    if (this.state === 'established') this.#finish('fin-wait-1')
    else if (this.state === 'close-wait') this.#finish('last-ack')
  }

  #receiveFirst(segment: Segment): void {
    const { control, acknowledgment } = segment
    const acknowledges = (control & CONTROL.ack) !== 0
    if (acknowledges && acknowledgment !== this.#next) {
      if ((control & CONTROL.rst) === 0) this.#send(CONTROL.rst, NOTHING, acknowledgment)
      return
    }
    if ((control & CONTROL.rst) !== 0) {
      if (acknowledges) this.#reset()
      return
    }
    if ((control & CONTROL.syn) === 0) return
    this.#synchronise(segment)
    if (acknowledges) {
      this.#unacknowledged = acknowledgment
      this.#window = segment.window
      this.state = 'established'
      return this.#acknowledge()
    }
    // Both ends began at the same time (section 3.5): the SYN goes out again, with an acknowledgment.
    this.state = 'syn-received'
    this.#next = this.#unacknowledged
    this.#send(CONTROL.syn | CONTROL.ack)
  }

  /** False where the segment is not to be looked at any further. */
  #receiveAcknowledgment({ acknowledgment, window }: Segment): boolean {
    const isNew = distance(this.#unacknowledged, acknowledgment) > 0
    const isSent = distance(acknowledgment, this.#next) >= 0
    if (this.state === 'syn-received') {
      if (!isNew || !isSent) {
        this.#send(CONTROL.rst, NOTHING, acknowledgment)
        return false
      }
      this.state = 'established'
    }
    if (!isSent) {
      this.#acknowledge()
      return false
    }
    if (isNew) this.#unacknowledged = acknowledgment
    if (distance(this.#unacknowledged, acknowledgment) === 0) this.#window = window
    const isAllKnown = this.#unacknowledged === this.#next
    if (isAllKnown && this.state === 'fin-wait-1') this.state = 'fin-wait-2'
    else if (isAllKnown && this.state === 'closing') this.state = 'time-wait'
    else if (isAllKnown && this.state === 'last-ack') this.state = 'closed'
    return this.state !== 'closed'
  }

  #receiveEnd(): void {
    if (this.state === 'established') this.state = 'close-wait'
    else if (this.state === 'fin-wait-1') this.state = 'closing'
    else if (this.state === 'fin-wait-2') this.state = 'time-wait'
  }

  /** Section 3.4: whether any of it is within the window. */
  #isAcceptable(segment: Segment): boolean {
    const isWithin = (sequence: number) => {
      const behind = distance(this.#expected, sequence)
      return behind >= 0 && behind < WINDOW
    }
    const span = spanOf(segment)
    return isWithin(segment.sequence) || (span > 0 && isWithin(advance(segment.sequence, span - 1)))
  }

  #synchronise({ sequence, segmentSize }: Segment): void {
    const { own, unsaid } = SEGMENT_SIZE[this.peer.version]
    this.#expected = advance(sequence, 1)
    this.#segmentSize = Math.max(1, Math.min(own, segmentSize ?? unsaid))
  }

  #finish(state: ConnectionState): void {
    this.state = state
    this.#send(CONTROL.fin | CONTROL.ack)
  }

  #reset(): void {
    this.state = 'closed'
    this.isReset = true
  }

  #acknowledge(): void {
    this.#send(CONTROL.ack)
  }

  /** State has changed before this is called: the answer may be here before it returns. */
  #send(control: number, payload: Uint8Array = NOTHING, sequence: number = this.#next): void {
    const acknowledges = (control & CONTROL.ack) !== 0
    const segment: Segment = {
      sourcePort: this.port,
      destinationPort: this.peerPort,
      sequence,
      acknowledgment: acknowledges ? this.#expected : 0,
      control,
      window: (control & CONTROL.rst) === 0 ? WINDOW : 0,
      segmentSize: (control & CONTROL.syn) === 0 ? undefined : SEGMENT_SIZE[this.peer.version].own,
      payload,
    }
    if ((control & CONTROL.rst) === 0) this.#next = advance(this.#next, spanOf(segment))
    if (acknowledges) this.#acknowledged = this.#expected
    sendSegment(this.peer, segment)
  }
}
