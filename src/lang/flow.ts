/** Who speaks to whom: data-plane functions, compiled into the cube that calls them. */
import type { Packet } from './dataplane.ts'
import { ETHERTYPE, Ethernet, Icmp, IPv4, IPv6, IPv6Extension, IPv6Fragment, Ports, PROTOCOL, Vlan } from './headers.ts'
import { u8, u16, type u32, u64 } from './types.ts'

/** Whether a packet is a part of a larger one. All but the first part have no header of the transport layer. */
export const FRAGMENT = { none: 0, first: 1, later: 2 } as const

/** More extension headers of IPv6 than these are not followed, nor any that start behind so many bytes of the packet. */
const MOST_EXTENSIONS = 8
const FARTHEST_TRANSPORT = 511
/** A bit for each protocol number that is an extension header: 60, 51, 44, 43 and 0. One test, and one way for the verifier. */
const EXTENSIONS = ((1 << 28) | (1 << 19) | (1 << 12) | (1 << 11)) * 0x100000000 + 1

/**
 * What is behind the Ethernet header and up to two VLAN tags in the packet (the outer one is `packet.vlan`, and not there): its
 * EtherType, and where it starts. A type of 0 where the packet ends before.
 */
export function networkOf(packet: Packet) {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return { type: u16(0), offset: Ethernet.size }
  let type: u16 = ethernet.type
  let offset: u32 = Ethernet.size
  for (const place of [Ethernet.size, Ethernet.size + Vlan.size]) {
    if (type !== ETHERTYPE.vlan && type !== ETHERTYPE.serviceVlan) break
    const tag = packet.read(Vlan, place)
    if (!tag) return { type: u16(0), offset }
    type = tag.type
    offset = place + Vlan.size
  }
  return { type, offset }
}

/**
 * What an IPv4 packet carries, whose header starts at `offset`, behind its options: the protocol, where it starts, and whether
 * the packet is a `FRAGMENT`. `PROTOCOL.unknown` where the header is cut off or wrong.
 */
export function transportOfIPv4(packet: Packet, offset: u32) {
  const nothing = { protocol: u8(PROTOCOL.unknown), offset, fragment: u8(FRAGMENT.none) }
  const ip = packet.read(IPv4, offset)
  if (!ip) return nothing
  if (ip.version !== 4 || ip.headerLength < 5) return nothing
  const start: u32 = offset + ip.headerLength * 4
  if (ip.fragmentOffset !== 0) return { protocol: ip.protocol, offset: start, fragment: u8(FRAGMENT.later) }
  return { protocol: ip.protocol, offset: start, fragment: moreIs(ip.flags & 1) }
}

/** That more follow makes it the first one. */
const moreIs = (bit: u8): u8 => bit * FRAGMENT.first

/**
 * The same of IPv6, behind its extension headers (RFC 8200 section 4): options for hops and for the destination, routing, fragment,
 * authentication (RFC 4302). Up to 8 are followed, and within the first 512 bytes of the packet: with more, the protocol is
 * `PROTOCOL.unknown`. In a later fragment it is that of what the first one begins with, which may be an extension header. What is
 * whole but has a fragment header is no fragment (RFC 6946).
 */
export function transportOfIPv6(packet: Packet, offset: u32) {
  const nothing = { protocol: u8(PROTOCOL.unknown), offset, fragment: u8(FRAGMENT.none) }
  const ip = packet.read(IPv6, offset)
  if (!ip) return nothing
  if (ip.version !== 6) return nothing
  let protocol: u8 = ip.nextHeader
  let fragment: u8 = FRAGMENT.none
  let next: u32 = offset + IPv6.size
  for (let i = 0; i <= MOST_EXTENSIONS; i++) {
    if (next > FARTHEST_TRANSPORT) return nothing
    const start: u32 = next & FARTHEST_TRANSPORT // the same, and seen to be no farther
    const isExtension = protocol < 64 && ((u64(EXTENSIONS) >>> protocol) & 1) === 1
    if (!isExtension) return { protocol, offset: start, fragment }
    const extension = packet.read(IPv6Extension, start)
    if (!extension) return nothing
    if (protocol === PROTOCOL.fragment) {
      const part = packet.read(IPv6Fragment, start)
      if (!part) return nothing
      if (part.fragmentOffset !== 0)
        return { protocol: part.nextHeader, offset: start + IPv6Fragment.size, fragment: u8(FRAGMENT.later) }
      fragment = moreIs(part.more)
      next = start + IPv6Fragment.size
    } else if (protocol === PROTOCOL.authentication) next = start + (extension.length + 2) * 4
    else next = start + (extension.length + 1) * 8
    protocol = extension.nextHeader
  }
  return nothing
}

/** {@link transportOfIPv4} or {@link transportOfIPv6}, by the EtherType; `PROTOCOL.unknown` for any other. */
export function transportOf(packet: Packet, type: u16, offset: u32) {
  if (type === ETHERTYPE.ipv4) return transportOfIPv4(packet, offset)
  if (type === ETHERTYPE.ipv6) return transportOfIPv6(packet, offset)
  return { protocol: u8(PROTOCOL.unknown), offset, fragment: u8(FRAGMENT.none) }
}

/**
 * The ports of TCP, UDP and SCTP, whose header starts at `offset`; for an echo request of ICMP or its reply, its identifier as
 * both. 0 for all else, in later fragments, and where the packet ends before.
 */
export function portsOf(packet: Packet, protocol: u8, offset: u32, fragment: u8) {
  const none = { source: u16(0), destination: u16(0) }
  if (fragment === FRAGMENT.later) return none
  if (protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp || protocol === PROTOCOL.sctp) {
    const ports = packet.read(Ports, offset)
    if (ports) return { source: ports.source, destination: ports.destination }
  }
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    const echo = packet.read(Icmp, offset)
    if (!echo) return none
    const isEcho = protocol === PROTOCOL.icmp ? echo.type === 8 || echo.type === 0 : echo.type >> 1 === 64
    if (isEcho) return { source: echo.identifier, destination: echo.identifier }
  }
  return none
}

/**
 * All of it at once: `type` is the EtherType and `network` where that header starts, for its addresses; `protocol`, `transport`
 * and `fragment` as of {@link transportOf}, and the ports as of {@link portsOf}.
 *
 *     const { type, network, protocol, sourcePort } = flowOf(packet)
 *     if (type !== ETHERTYPE.ipv4 || protocol === PROTOCOL.unknown) return pass()
 *     const ip = packet.read(IPv4, network)
 */
export function flowOf(packet: Packet) {
  const { type, offset: network } = networkOf(packet)
  const { protocol, offset: transport, fragment } = transportOf(packet, type, network)
  const { source: sourcePort, destination: destinationPort } = portsOf(packet, protocol, transport, fragment)
  return { type, network, protocol, transport, fragment, sourcePort, destinationPort }
}
