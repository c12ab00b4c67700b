/** Connections as somebody in the middle sees them: data-plane functions, compiled into the cube that calls them. */
import { seconds } from './functions.ts'
import type { Tcp } from './headers.ts'
import { type bool, type DataOf, u8, u64 } from './types.ts'

/** A TCP connection's state (RFC 9293 section 3.3.2), from the segments that both sides were seen to send. */
export const TCP_STATE = {
  /** There is no connection, or nothing is known of it. */
  none: 0,
  /** The first side has asked. */
  synSent: 1,
  /** The second has answered, or asked at the same time. */
  synReceived: 2,
  established: 3,
  /** The first side has sent its last byte. */
  firstFinished: 4,
  /** The second has. */
  secondFinished: 5,
  /** Both have. */
  closing: 6,
  /** Both have been told so; late segments may follow. */
  timeWait: 7,
  /** Reset. */
  closed: 8,
  /** No state of a connection: the segment belongs to none in the state that it is in. */
  invalid: 255,
} as const

/**
 * The state after a segment; `TCP_STATE.invalid` where the segment fits no connection in that state, which then stays as
 * it was. `reply` says that it is of the second side: not the one that began. Sequence numbers are not looked at.
 */
export function tcpNext(state: u8, tcp: DataOf<typeof Tcp.fields>, reply: bool): u8 {
  if (tcp.rst === 1) return state === TCP_STATE.none ? TCP_STATE.invalid : TCP_STATE.closed
  if (tcp.syn === 1) {
    if (tcp.fin === 1) return TCP_STATE.invalid
    if (tcp.ack === 1)
      return state === TCP_STATE.synReceived || (reply && state === TCP_STATE.synSent)
        ? TCP_STATE.synReceived
        : TCP_STATE.invalid
    if (reply)
      return state === TCP_STATE.synSent || state === TCP_STATE.synReceived ? TCP_STATE.synReceived : TCP_STATE.invalid
    if (state === TCP_STATE.none || state === TCP_STATE.timeWait || state === TCP_STATE.closed) return TCP_STATE.synSent
    // Asked again; in an open connection, which RFC 5961 has the peer answer, it changes nothing.
    return state
  }
  if (state === TCP_STATE.none || state === TCP_STATE.synSent) return TCP_STATE.invalid
  if (tcp.fin === 1) {
    if (state === TCP_STATE.synReceived || state === TCP_STATE.established)
      return reply ? TCP_STATE.secondFinished : TCP_STATE.firstFinished
    if (state === TCP_STATE.firstFinished) return reply ? TCP_STATE.closing : TCP_STATE.firstFinished
    if (state === TCP_STATE.secondFinished) return reply ? TCP_STATE.secondFinished : TCP_STATE.closing
    return state
  }
  if (tcp.ack === 0) return TCP_STATE.invalid
  if (state === TCP_STATE.synReceived) return reply ? TCP_STATE.synReceived : TCP_STATE.established
  return state === TCP_STATE.closing ? TCP_STATE.timeWait : state
}

/**
 * Nanoseconds after which a connection in this state may be forgotten: two hours and four minutes when it is established, four
 * minutes otherwise (RFC 5382 section 5), ten seconds after a reset.
 */
export function tcpTimeout(state: u8): u64 {
  if (state === TCP_STATE.established) return 7_440_000_000_000
  return state === TCP_STATE.closed ? 10_000_000_000 : 240_000_000_000
}

/** What a table keeps of a TCP connection: `connections: lruHash({ key, value: { ...tcpConnection }, entries })`. */
export const tcpConnection = { state: u8, seen: u64 } as const

/**
 * Follows a connection by one segment: its state and when it was seen, to the second. False where the segment is of no
 * connection: it fits none in that state, or the one there was is forgotten by now.
 */
export function tcpTrack(
  connection: DataOf<typeof tcpConnection>,
  tcp: DataOf<typeof Tcp.fields>,
  reply: bool,
  now: u64,
): bool {
  const age: u64 = now - connection.seen
  const before: u8 = age > tcpTimeout(connection.state) ? TCP_STATE.none : connection.state
  const after = tcpNext(before, tcp, reply)
  if (after === TCP_STATE.invalid) return false
  if (after !== connection.state) connection.state = after
  // Not with every packet: CPUs that share a connection would fight for its cache line.
  if (age > seconds(1)) connection.seen = now
  return true
}
