/** Segments of TCP (RFC 9293 section 3.1), and the arithmetic of their sequence numbers (section 3.4). */
import { concat, viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import { type Arrived, type Peer, PROTOCOL } from './stack.ts'
import { be16, be32 } from './wire.ts'

/** Bytes of a header without options. */
const HEADER = 20

/** Bits of the control field. */
export const CONTROL = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

/** Kinds of options (section 3.2). */
const OPTION = { end: 0, none: 1, segmentSize: 2 } as const

export interface Segment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  /** 0 where the segment acknowledges nothing. */
  readonly acknowledgment: number
  readonly control: number
  readonly window: number
  /** The longest payload that the sender takes, where it says so. */
  readonly segmentSize: number | undefined
  readonly payload: Uint8Array
}

/** A segment whose header and checksum are right; undefined where they are not. */
export function parseSegment({ from, protocol, message }: Arrived): Segment | undefined {
  if (protocol !== PROTOCOL.tcp || message.length < HEADER) return undefined
  const view = viewOf(message)
  const length = (view.getUint8(12) >> 4) * 4
  if (length < HEADER || length > message.length) return undefined
  if (internetChecksum(from.pseudoHeader(PROTOCOL.tcp, message.length), message) !== 0) return undefined
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledgment: view.getUint32(8),
    control: view.getUint8(13) & 0x3f,
    window: view.getUint16(14),
    segmentSize: segmentSizeOf(message.subarray(HEADER, length)),
    payload: message.slice(length),
  }
}

export function sendSegment(to: Peer, segment: Segment): void {
  const { sourcePort, destinationPort, sequence, acknowledgment, control, window, segmentSize, payload } = segment
  const options =
    segmentSize === undefined ? new Uint8Array(0) : concat(Uint8Array.of(OPTION.segmentSize, 4), be16(segmentSize))
  const words = (HEADER + options.length) / 4
  const message = concat(
    be16(sourcePort),
    be16(destinationPort),
    be32(sequence),
    be32(acknowledgment),
    Uint8Array.of(words << 4, control),
    be16(window),
    be32(0),
    options,
    payload,
  )
  message.set(be16(internetChecksum(to.pseudoHeader(PROTOCOL.tcp, message.length), message)), 16)
  to.send(PROTOCOL.tcp, message)
}

/** Sequence numbers that a segment takes: one for each byte, one for SYN, one for FIN. */
export const spanOf = ({ control, payload }: Segment): number =>
  payload.length + ((control & CONTROL.syn) === 0 ? 0 : 1) + ((control & CONTROL.fin) === 0 ? 0 : 1)

export const advance = (sequence: number, by: number): number => (sequence + by) >>> 0

/** How far `b` is behind `a`, around 2³²: negative where it is before. */
export const distance = (a: number, b: number): number => (b - a) | 0

function segmentSizeOf(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length; ) {
    const kind = options[at]
    if (kind === OPTION.end) return undefined
    const length = kind === OPTION.none ? 1 : (options[at + 1] ?? 0)
    // An option of no length would make the list endless.
    if (length === 0 || at + length > options.length) return undefined
    if (kind === OPTION.segmentSize && length === 4) return viewOf(options).getUint16(at + 2)
    at += length
  }
  return undefined
}
