/** Echo and errors, by ICMP (RFC 792) and ICMPv6 (RFC 4443): the same messages under other numbers. */
import { concat, viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import { type Arrived, type Peer, PROTOCOL } from './stack.ts'
import { be16 } from './wire.ts'

/** `| type 1 | code 1 | checksum 2 |`, and four bytes that depend on the type. */
const HEADER = 8

interface Numbers {
  readonly protocol: number
  readonly request: number
  readonly reply: number
  readonly isError: (type: number) => boolean
  readonly portUnreachable: readonly [type: number, code: number]
  /** An error with so many bytes of a packet goes through everywhere (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4). */
  readonly quoted: number
}

const VERSIONS: Readonly<Record<4 | 6, Numbers>> = {
  4: {
    protocol: PROTOCOL.icmp,
    request: 8,
    reply: 0,
    isError: (type) => [3, 4, 5, 11, 12].includes(type),
    portUnreachable: [3, 3],
    quoted: 576 - 20 - HEADER,
  },
  6: {
    protocol: PROTOCOL.icmpv6,
    request: 128,
    reply: 129,
    isError: (type) => type < 128,
    portUnreachable: [1, 4],
    quoted: 1280 - 40 - HEADER,
  },
}

export interface Echo {
  readonly from: Uint8Array
  readonly identifier: number
  readonly sequence: number
  readonly payload: Uint8Array
}

/** A message that tells of a packet that was not delivered. */
export interface IcmpError {
  readonly from: Uint8Array
  readonly version: 4 | 6
  readonly type: number
  readonly code: number
  /** The value of bytes 4 to 8: the MTU of the next hop, for example. */
  readonly detail: number
  /** The packet, as much of it as was quoted. */
  readonly packet: Uint8Array
}

export interface IcmpEvents {
  replied(echo: Echo): void
  failed(error: IcmpError): void
}

export class Icmp {
  readonly #events: IcmpEvents

  constructor(events: IcmpEvents) {
    this.#events = events
  }

  /** False where it is nothing for this. Echo requests are answered. */
  receive({ from, protocol, message, isUnicast }: Arrived): boolean {
    const numbers = VERSIONS[from.version]
    if (protocol !== numbers.protocol || message.length < HEADER) return false
    if (internetChecksum(pseudoHeader(from, message.length), message) !== 0) return false
    const view = viewOf(message)
    const [type, code] = [view.getUint8(0), view.getUint8(1)]
    const payload = message.slice(HEADER)
    const echo = { from: from.address, identifier: view.getUint16(4), sequence: view.getUint16(6), payload }
    if (type === numbers.request && isUnicast) send(from, numbers.reply, 0, message.slice(4))
    else if (type === numbers.reply && isUnicast) this.#events.replied(echo)
    else if (numbers.isError(type)) {
      const detail = view.getUint32(4)
      this.#events.failed({ from: from.address, version: from.version, type, code, detail, packet: payload })
    } else return false
    return true
  }

  request(to: Peer, { identifier, sequence, payload }: Omit<Echo, 'from'>): void {
    send(to, VERSIONS[to.version].request, 0, concat(be16(identifier), be16(sequence), payload))
  }

  /** Says that nobody listens where a datagram went (RFC 1122 section 4.1.3.1). */
  portUnreachable({ from, packet, isUnicast }: Arrived): void {
    const { portUnreachable, quoted } = VERSIONS[from.version]
    const [type, code] = portUnreachable
    if (isUnicast) send(from, type, code, concat(new Uint8Array(4), packet.subarray(0, quoted)))
  }
}

/** ICMP's checksum covers the message alone, ICMPv6's the addresses, too. */
const pseudoHeader = (peer: Peer, length: number): Uint8Array =>
  peer.version === 4 ? new Uint8Array(0) : peer.pseudoHeader(PROTOCOL.icmpv6, length)

/** `rest` is what comes after the checksum. */
function send(to: Peer, type: number, code: number, rest: Uint8Array): void {
  const message = concat(Uint8Array.of(type, code, 0, 0), rest)
  message.set(be16(internetChecksum(pseudoHeader(to, message.length), message)), 2)
  to.send(VERSIONS[to.version].protocol, message)
}
