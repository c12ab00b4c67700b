/** Packets for generated programs: mostly well-formed chains of headers, some of them spoilt. */
import { concat, viewOf } from '../../src/base/bytes.ts'
import { internetChecksum } from '../../src/base/checksum.ts'
import { ETHERTYPE, PROTOCOL } from '../../src/lang/index.ts'
import type { Choose } from './generate/draft.ts'

/** IANA protocol numbers and UDP ports that the language has no names for. */
const GRE = 47
const SCTP = 132
const EXTENSIONS = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const
const VXLAN = 4789

/** Bytes that are compared: few different ones, so that tables and tests meet them. */
export const octet = (choose: Choose): number => [0, 1, 2, 3, 0x7f, 0x80, 0xff, choose(256)][choose(8)] ?? 0

const octets = (choose: Choose, length: number): Uint8Array => Uint8Array.from({ length }, () => octet(choose))

/** `ETH_HLEN` bytes at least, as `BPF_PROG_TEST_RUN` wants them. */
export function packetOf(choose: Choose): Uint8Array {
  if (choose(8) === 0) return acceptable(octets(choose, 14 + choose(110)))
  const packet = ethernet(choose, 2)
  switch (choose(8)) {
    case 0:
      return acceptable(packet.subarray(0, 14 + choose(packet.length - 13)))
    case 1:
      for (let times = choose(4); times >= 0; times--) packet[choose(packet.length)] = octet(choose)
      return acceptable(packet)
    case 2:
      return acceptable(concat(packet, octets(choose, choose(20))))
    default:
      return acceptable(packet)
  }
}

/** BPF_PROG_TEST_RUN takes no packet that says IP and is too short for it. */
function acceptable(packet: Uint8Array): Uint8Array {
  const type = viewOf(packet).getUint16(12)
  if (packet.length < 54 && (type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6)) packet[13] = 1
  return packet
}

const word = (value: number): Uint8Array => Uint8Array.of(value >> 8, value)

const address = (choose: Choose): Uint8Array => Uint8Array.of(choose(4), 0, 0, 0, 0, choose(4))

function ethernet(choose: Choose, depth: number): Uint8Array {
  const tags = [0, 0, 0, 1, 1, 2][choose(6)] ?? 0
  const kinds = Array.from({ length: tags }, (_, index) =>
    index === 0 && tags === 2 ? ETHERTYPE.serviceVlan : ETHERTYPE.vlan,
  )
  const [type, rest] = network(choose, depth)
  const parts = [address(choose), address(choose)]
  for (const kind of kinds) parts.push(word(kind), Uint8Array.of(choose(256), choose(4)))
  return concat(...parts, word(type), rest)
}

function network(choose: Choose, depth: number): readonly [number, Uint8Array] {
  switch (choose(8)) {
    case 0:
    case 1:
    case 2:
      return [ETHERTYPE.ipv4, ipv4(choose, depth)]
    case 3:
    case 4:
    case 5:
      return [ETHERTYPE.ipv6, ipv6(choose, depth)]
    case 6: {
      const ends = [address(choose), octets(choose, 4), address(choose), octets(choose, 4)]
      return [ETHERTYPE.arp, concat(Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1 + choose(2)), ...ends)]
    }
    default:
      return [0x88b5, octets(choose, choose(60))]
  }
}

/** RFC 791: sometimes with options, sometimes a fragment, rarely with a wrong checksum. */
function ipv4(choose: Choose, depth: number): Uint8Array {
  const options = octets(choose, choose(3) === 0 ? 4 * choose(11) : 0)
  const ends = [octets(choose, 4), octets(choose, 4)]
  const [protocol, rest] = transport(choose, depth, ends)
  const header = concat(new Uint8Array(12), ...ends, options)
  const view = viewOf(header)
  header.set([0x40 | (header.length / 4), octet(choose)])
  view.setUint16(2, header.length + rest.length)
  view.setUint16(4, choose(65536))
  view.setUint16(6, [0, 0, 0x4000, 0x4000, 0x2000, 0x2010, 0x10, 0x1fff][choose(8)] ?? 0)
  header.set([[0, 1, 2, 64, 255][choose(5)] ?? 0, protocol], 8)
  view.setUint16(10, choose(16) === 0 ? choose(65536) : internetChecksum(header))
  return concat(header, rest)
}

/** RFC 8200: with up to three extension headers. */
function ipv6(choose: Choose, depth: number): Uint8Array {
  const ends = [octets(choose, 16), octets(choose, 16)]
  let [next, rest] = transport(choose, depth, ends)
  for (let count = choose(3) === 0 ? 1 + choose(3) : 0; count > 0; count--) {
    const kind = Object.values(EXTENSIONS)[choose(4)] ?? 0
    const length = kind === EXTENSIONS.fragment ? 0 : choose(3)
    const extension = octets(choose, 8 + 8 * length)
    extension.set([next, length])
    rest = concat(extension, rest)
    next = kind
  }
  const header = new Uint8Array(8)
  header.set([
    0x60 | choose(16),
    octet(choose),
    octet(choose),
    octet(choose),
    0,
    0,
    next,
    [0, 1, 2, 64][choose(4)] ?? 0,
  ])
  viewOf(header).setUint16(4, rest.length)
  return concat(header, ...ends, rest)
}

function transport(choose: Choose, depth: number, ends: readonly Uint8Array[]): readonly [number, Uint8Array] {
  const payload = octets(choose, choose(4) === 0 ? choose(64) : choose(8))
  switch (choose(8)) {
    case 0:
    case 1:
      return [PROTOCOL.tcp, summed(choose, PROTOCOL.tcp, 16, ends, concat(tcp(choose), payload))]
    case 2:
    case 3:
      return [PROTOCOL.udp, udp(choose, ends, payload)]
    case 4:
      return depth > 0 ? [PROTOCOL.udp, udp(choose, ends, vxlan(choose, depth), VXLAN)] : [GRE, payload]
    case 5:
      return ends[0]?.length === 4
        ? [PROTOCOL.icmp, summed(choose, PROTOCOL.icmp, 2, [], echo(choose, 8, payload))]
        : [PROTOCOL.icmpv6, summed(choose, PROTOCOL.icmpv6, 2, ends, echo(choose, 128, payload))]
    case 6:
      return [SCTP, concat(word(choose(4)), word(choose(4)), octets(choose, 8), payload)]
    default:
      return depth > 0 ? [GRE, gre(choose, depth)] : [253, payload]
  }
}

/** RFC 9293: sometimes with options. */
function tcp(choose: Choose): Uint8Array {
  const header = octets(choose, 20 + (choose(3) === 0 ? 4 * choose(11) : 0))
  header.set([0, choose(4), 0, choose(4)])
  header.set([(header.length / 4) << 4, choose(64)], 12)
  return header
}

function udp(choose: Choose, ends: readonly Uint8Array[], payload: Uint8Array, port?: number): Uint8Array {
  const length = 8 + payload.length
  const datagram = concat(word(choose(4)), word(port ?? choose(4)), word(length), new Uint8Array(2), payload)
  // RFC 768: a checksum of zero means that there is none.
  return choose(4) === 0 ? datagram : summed(choose, PROTOCOL.udp, 6, ends, datagram)
}

const echo = (choose: Choose, type: number, payload: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(type + choose(2), 0, 0, 0, 0, choose(4), 0, choose(4)), payload)

/** RFC 7348. */
const vxlan = (choose: Choose, depth: number): Uint8Array =>
  concat(Uint8Array.of(8, 0, 0, 0, 0, 0, choose(4), 0), ethernet(choose, depth - 1))

/** RFC 2784 and 2890: with a key and a sequence number, or without. */
function gre(choose: Choose, depth: number): Uint8Array {
  const [type, inner] = network(choose, depth - 1)
  const [key, sequence] = [choose(2), choose(2)]
  return concat(Uint8Array.of((key << 5) | (sequence << 4), 0), word(type), octets(choose, 4 * (key + sequence)), inner)
}

/** The segment with its checksum at `at`, over it and the pseudo-header; rarely a wrong one. */
function summed(
  choose: Choose,
  protocol: number,
  at: number,
  ends: readonly Uint8Array[],
  segment: Uint8Array,
): Uint8Array {
  const view = viewOf(segment)
  view.setUint16(at, 0)
  const pseudo = ends.length === 0 ? [] : [...ends, word(protocol), word(segment.length)]
  const sum = internetChecksum(...pseudo, segment)
  view.setUint16(at, choose(16) === 0 ? choose(65536) : protocol === PROTOCOL.udp && sum === 0 ? 0xffff : sum)
  return segment
}
