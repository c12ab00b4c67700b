/** UDP (RFC 768). */
import { concat, equal, viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import { type Arrived, type Peer, PROTOCOL } from './stack.ts'
import { be16 } from './wire.ts'

/** `| source port 2 | destination port 2 | length 2 | checksum 2 |` */
const HEADER = 8

export interface Datagram {
  readonly from: Peer
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** A datagram whose length and checksum are right; undefined where they are not. */
export function parseUdp({ from, protocol, message }: Arrived): Datagram | undefined {
  if (protocol !== PROTOCOL.udp || message.length < HEADER) return undefined
  const view = viewOf(message)
  const length = view.getUint16(4)
  if (length < HEADER || length > message.length) return undefined
  const datagram = message.subarray(0, length)
  // Zero: the sender did without, which IPv6 does not allow (RFC 8200 section 8.1).
  const isSummed = view.getUint16(6) !== 0 || from.version === 6
  if (isSummed && internetChecksum(from.pseudoHeader(PROTOCOL.udp, length), datagram) !== 0) return undefined
  return {
    from,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    payload: datagram.slice(HEADER),
  }
}

export function sendUdp(to: Peer, sourcePort: number, destinationPort: number, payload: Uint8Array): void {
  const length = HEADER + payload.length
  const datagram = concat(be16(sourcePort), be16(destinationPort), be16(length), be16(0), payload)
  const sum = internetChecksum(to.pseudoHeader(PROTOCOL.udp, length), datagram)
  // A sum of zero is sent as its other form, because zero says that there is none.
  datagram.set(be16(sum === 0 ? 0xffff : sum), 6)
  to.send(PROTOCOL.udp, datagram)
}

/** Whether a datagram is the answer to one that was sent from `port` to `peer`. */
export const isAnswer = (datagram: Datagram, peer: Peer, port: number, peerPort: number): boolean =>
  equal(datagram.from.address, peer.address) && datagram.destinationPort === port && datagram.sourcePort === peerPort
