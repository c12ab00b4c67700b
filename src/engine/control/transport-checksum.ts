/**
 * Checksums that a device was to finish. What the host's own stack sends has only the sum of its pseudo-header there (Linux,
 * Documentation/networking/checksum-offloads.rst: CHECKSUM_PARTIAL), which the kernel says of a packet to devices alone.
 */
import { viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import { ETHERTYPE, PROTOCOL } from '../../lang/index.ts'

const TAGS: ReadonlySet<number> = new Set([ETHERTYPE.vlan, ETHERTYPE.serviceVlan])
/** Where in the header of a transport protocol its checksum is. */
const FIELD: Readonly<Record<number, number>> = { [PROTOCOL.tcp]: 16, [PROTOCOL.udp]: 6 }

/** The bytes that addresses and the transport protocol have in a packet. */
interface Transport {
  readonly protocol: number
  readonly addresses: Uint8Array
  readonly segment: Uint8Array
}

/**
 * Writes the checksum of a whole packet's TCP or UDP where that field is the sum of the pseudo-header. Where a right checksum happens
 * to be that number, it is written again as it was.
 */
export function finishChecksum(packet: Uint8Array): void {
  const found = transportOf(packet)
  if (found === undefined) return
  const { protocol, addresses, segment } = found
  const at = FIELD[protocol]
  if (at === undefined || segment.length < at + 2) return
  const view = viewOf(segment)
  // RFC 9293, section 3.1; RFC 8200, section 8.1: of the lengths and protocols of both, the halves that are not 0.
  const rest = Uint8Array.of(segment.length >> 8, segment.length, 0, protocol)
  const started = ~internetChecksum(addresses, rest) & 0xffff
  if (view.getUint16(at) !== started) return
  const sum = internetChecksum(segment)
  // RFC 768: 0 says that there is none.
  view.setUint16(at, protocol === PROTOCOL.udp && sum === 0 ? 0xffff : sum)
}

function transportOf(packet: Uint8Array): Transport | undefined {
  const view = viewOf(packet)
  let at = 12
  while (at + 2 <= packet.length && TAGS.has(view.getUint16(at))) at += 4
  const header = at + 2
  const type = at + 2 <= packet.length ? view.getUint16(at) : 0
  if (type === ETHERTYPE.ipv4 && header + 20 <= packet.length) {
    const size = 4 * (view.getUint8(header) & 15)
    const end = header + view.getUint16(header + 2)
    // RFC 791: more fragments, or the offset of one.
    const isFragment = (view.getUint16(header + 6) & 0x3fff) !== 0
    if (isFragment || size < 20 || end < header + size || end > packet.length) return undefined
    const addresses = packet.subarray(header + 12, header + 20)
    return { protocol: view.getUint8(header + 9), addresses, segment: packet.subarray(header + size, end) }
  }
  if (type !== ETHERTYPE.ipv6 || header + 40 > packet.length) return undefined
  const end = header + 40 + view.getUint16(header + 4)
  if (end > packet.length) return undefined
  const addresses = packet.subarray(header + 8, header + 40)
  return { protocol: view.getUint8(header + 6), addresses, segment: packet.subarray(header + 40, end) }
}
