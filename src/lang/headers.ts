import { bits, header, ipv4, ipv6, mac, u8, u16, u32 } from './types.ts'

/** IEEE 802.3. */
export const Ethernet = header('Ethernet', { destination: mac, source: mac, type: u16 })

/** IEEE 802.1Q: what follows the type 0x8100 (or 0x88a8) of an Ethernet header. */
export const Vlan = header('Vlan', { priority: bits(3), dropEligible: bits(1), id: bits(12), type: u16 })

/** RFC 826, for IPv4 over Ethernet. */
export const Arp = header('Arp', {
  hardwareType: u16,
  protocolType: u16,
  hardwareLength: u8,
  protocolLength: u8,
  operation: u16,
  senderMac: mac,
  senderAddress: ipv4,
  targetMac: mac,
  targetAddress: ipv4,
})

/** RFC 791 section 3.1, without options. */
export const IPv4 = header(
  'IPv4',
  {
    version: bits(4),
    headerLength: bits(4),
    service: u8,
    totalLength: u16,
    identification: u16,
    flags: bits(3),
    fragmentOffset: bits(13),
    timeToLive: u8,
    protocol: u8,
    checksum: u16,
    source: ipv4,
    destination: ipv4,
  },
  {
    checksum: { field: 'checksum', covers: 'header' },
    pseudoHeader: {
      fields: ['source', 'destination'],
      found: ['headerLength', 'fragmentOffset', 'protocol'],
      version: 4,
    },
  },
)

/** RFC 8200 section 3. */
export const IPv6 = header(
  'IPv6',
  {
    version: bits(4),
    trafficClass: bits(8),
    flowLabel: bits(20),
    payloadLength: u16,
    nextHeader: u8,
    hopLimit: u8,
    source: ipv6,
    destination: ipv6,
  },
  { pseudoHeader: { fields: ['source', 'destination'], found: ['nextHeader'], version: 6 } },
)

/**
 * RFC 8200 section 4: how the extension headers of IPv6 begin, options for hops and for the destination, and routing. `length`
 * counts units of 8 bytes, less the first.
 */
export const IPv6Extension = header('IPv6Extension', { nextHeader: u8, length: u8 })

/** RFC 8200 section 4.5. `fragmentOffset` counts units of 8 bytes. */
export const IPv6Fragment = header('IPv6Fragment', {
  nextHeader: u8,
  reserved0: u8,
  fragmentOffset: bits(13),
  reserved1: bits(2),
  more: bits(1),
  identification: u32,
})

/** RFC 4302 section 2, without the value behind it. `length` counts units of 4 bytes, less the first two. */
export const IPv6Authentication = header('IPv6Authentication', {
  nextHeader: u8,
  length: u8,
  reserved: u16,
  parameters: u32,
  sequence: u32,
})

/** RFC 792, echo and echo reply. */
export const Icmp = header(
  'Icmp',
  { type: u8, code: u8, checksum: u16, identifier: u16, sequence: u16 },
  { checksum: { field: 'checksum', covers: 'message' } },
)

/** RFC 4443 section 4, echo request and reply. */
export const Icmpv6 = header(
  'Icmpv6',
  { type: u8, code: u8, checksum: u16, identifier: u16, sequence: u16 },
  { checksum: { field: 'checksum', covers: 'message', pseudo: true } },
)

/** RFC 768. */
export const Udp = header(
  'Udp',
  { sourcePort: u16, destinationPort: u16, length: u16, checksum: u16 },
  { checksum: { field: 'checksum', covers: 'message', pseudo: true, length: 'length', optional: true } },
)

/** RFC 9293 section 3.1, without options. */
export const Tcp = header(
  'Tcp',
  {
    sourcePort: u16,
    destinationPort: u16,
    sequence: u32,
    acknowledgment: u32,
    dataOffset: bits(4),
    reserved: bits(4),
    cwr: bits(1),
    ece: bits(1),
    urg: bits(1),
    ack: bits(1),
    psh: bits(1),
    rst: bits(1),
    syn: bits(1),
    fin: bits(1),
    window: u16,
    checksum: u16,
    urgentPointer: u16,
  },
  { checksum: { field: 'checksum', covers: 'message', pseudo: true } },
)

/** RFC 9260 section 3.1. Its checksum is a CRC, and not changed with what is assigned. */
export const Sctp = header('Sctp', { sourcePort: u16, destinationPort: u16, verificationTag: u32, checksum: u32 })

/** How TCP, UDP and SCTP begin. */
export const Ports = header('Ports', { source: u16, destination: u16 })

/** RFC 2784 section 2, without a checksum; a key (RFC 2890) is a header behind it. `type` is an EtherType. */
export const Gre = header('Gre', {
  hasChecksum: bits(1),
  reserved0: bits(1),
  hasKey: bits(1),
  hasSequence: bits(1),
  reserved1: bits(9),
  version: bits(3),
  type: u16,
})

/** RFC 7348 section 5: `flags` is 8 where the network identifier is valid, and it always is. Port 4789 of UDP. */
export const Vxlan = header('Vxlan', {
  flags: u8,
  reserved0: u8,
  reserved1: u16,
  id: bits(24),
  reserved2: bits(8),
})

/** RFC 8926 section 3.4; `optionsLength` counts the 4-byte words of options behind it. Port 6081 of UDP. */
export const Geneve = header('Geneve', {
  version: bits(2),
  optionsLength: bits(6),
  control: bits(1),
  critical: bits(1),
  reserved0: bits(6),
  type: u16,
  id: bits(24),
  reserved1: bits(8),
})

/** IEEE 802 EtherTypes. */
export const ETHERTYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
  ethernet: 0x6558,
} as const

/** IANA protocol numbers: IPv4 `protocol`, IPv6 `nextHeader`. */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  authentication: 51,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  sctp: 132,
  /** Reserved: nobody's. */
  unknown: 255,
} as const

/** Whose checksums cover the addresses of the network layer, by their protocol numbers. */
export const TRANSPORTS = [
  { protocol: PROTOCOL.tcp, header: Tcp },
  { protocol: PROTOCOL.udp, header: Udp },
  { protocol: PROTOCOL.icmpv6, header: Icmpv6 },
] as const
