/**
 * Packets in the words of their RFCs. Types, lengths and checksums follow from what comes after a layer, unless given:
 *
 *     packet().ethernet({ source }).vlan({ id: 5 }).ipv4({ timeToLive: 1 }).udp({ destinationPort: 53 }).payload('hello')
 */
import { parseIPv4, parseIPv6 } from '../base/address.ts'
import { concat, viewOf } from '../base/bytes.ts'
import { crc32c, internetChecksum } from '../base/checksum.ts'
import { suggestion } from '../base/suggest.ts'
import { encodeStruct } from '../lang/codec.ts'
import {
  Arp,
  type ControlOf,
  ETHERTYPE,
  Ethernet,
  Geneve,
  Gre,
  Icmp,
  Icmpv6,
  IPv4,
  IPv6,
  IPv6Authentication,
  IPv6Extension,
  IPv6Fragment,
  PROTOCOL,
  Sctp,
  type StructType,
  Tcp,
  Udp,
  Vlan,
  Vxlan,
} from '../lang/index.ts'

/** The headers, by the names they have in a packet. */
export const HEADERS = {
  ethernet: Ethernet,
  vlan: Vlan,
  arp: Arp,
  ipv4: IPv4,
  ipv6: IPv6,
  hopByHop: IPv6Extension,
  routing: IPv6Extension,
  fragment: IPv6Fragment,
  authentication: IPv6Authentication,
  destinationOptions: IPv6Extension,
  icmp: Icmp,
  icmpv6: Icmpv6,
  udp: Udp,
  tcp: Tcp,
  sctp: Sctp,
  gre: Gre,
  vxlan: Vxlan,
  geneve: Geneve,
} as const

export type LayerName = keyof typeof HEADERS
/** A header's fields as the control plane has them. */
export type FieldsOf<L extends LayerName> = ControlOf<(typeof HEADERS)[L]['fields']>
/** The extension headers of IPv6. */
export const EXTENSIONS = ['hopByHop', 'routing', 'fragment', 'authentication', 'destinationOptions'] as const
type Extension = (typeof EXTENSIONS)[number]
const isExtension = (name: LayerName | undefined): name is Extension => EXTENSIONS.some((one) => one === name)

/** What may be said of a layer; `options` of IPv4 and TCP, and what is behind the first fields of an extension header, are bytes. */
export type Given<L extends LayerName> = Partial<FieldsOf<L>> &
  (L extends 'ipv4' | 'tcp' | Exclude<Extension, 'fragment'> ? { readonly options?: Uint8Array } : unknown)

interface Layer {
  readonly name: LayerName
  readonly given: Readonly<Record<string, unknown>>
}

/** For experiments, and so nobody's: IEEE 802 local experimental EtherType 1, and protocol 253 of RFC 3692. */
export const EXPERIMENTAL = { ethertype: 0x88b5, protocol: 253 } as const

const DEFAULTS: { readonly [L in LayerName]: FieldsOf<L> } = {
  ethernet: { destination: '02:00:00:00:00:02', source: '02:00:00:00:00:01', type: EXPERIMENTAL.ethertype },
  vlan: { priority: 0, dropEligible: 0, id: 1, type: EXPERIMENTAL.ethertype },
  arp: {
    hardwareType: 1,
    protocolType: ETHERTYPE.ipv4,
    hardwareLength: 6,
    protocolLength: 4,
    operation: 1,
    senderMac: '02:00:00:00:00:01',
    senderAddress: '10.0.0.1',
    targetMac: '00:00:00:00:00:00',
    targetAddress: '10.0.0.2',
  },
  ipv4: {
    version: 4,
    headerLength: 5,
    service: 0,
    totalLength: 0,
    identification: 0,
    flags: 0,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: EXPERIMENTAL.protocol,
    checksum: 0,
    source: '10.0.0.1',
    destination: '10.0.0.2',
  },
  ipv6: {
    version: 6,
    trafficClass: 0,
    flowLabel: 0,
    payloadLength: 0,
    nextHeader: EXPERIMENTAL.protocol,
    hopLimit: 64,
    source: 'fd00::1',
    destination: 'fd00::2',
  },
  hopByHop: { nextHeader: EXPERIMENTAL.protocol, length: 0 },
  routing: { nextHeader: EXPERIMENTAL.protocol, length: 0 },
  fragment: {
    nextHeader: EXPERIMENTAL.protocol,
    reserved0: 0,
    fragmentOffset: 0,
    reserved1: 0,
    more: 0,
    identification: 1,
  },
  authentication: { nextHeader: EXPERIMENTAL.protocol, length: 0, reserved: 0, parameters: 1, sequence: 1 },
  destinationOptions: { nextHeader: EXPERIMENTAL.protocol, length: 0 },
  icmp: { type: 8, code: 0, checksum: 0, identifier: 1, sequence: 1 },
  icmpv6: { type: 128, code: 0, checksum: 0, identifier: 1, sequence: 1 },
  udp: { sourcePort: 1024, destinationPort: 1025, length: 0, checksum: 0 },
  tcp: {
    sourcePort: 1024,
    destinationPort: 1025,
    sequence: 0,
    acknowledgment: 0,
    dataOffset: 5,
    reserved: 0,
    cwr: 0,
    ece: 0,
    urg: 0,
    ack: 0,
    psh: 0,
    rst: 0,
    syn: 0,
    fin: 0,
    window: 65_535,
    checksum: 0,
    urgentPointer: 0,
  },
  sctp: { sourcePort: 1024, destinationPort: 1025, verificationTag: 1, checksum: 0 },
  gre: { hasChecksum: 0, reserved0: 0, hasKey: 0, hasSequence: 0, reserved1: 0, version: 0, type: ETHERTYPE.ipv4 },
  vxlan: { flags: 8, reserved0: 0, reserved1: 0, id: 1, reserved2: 0 },
  geneve: {
    version: 0,
    optionsLength: 0,
    control: 0,
    critical: 0,
    reserved0: 0,
    type: ETHERTYPE.ethernet,
    id: 1,
    reserved1: 0,
  },
}

/** RFC 8200 section 4.2: six bytes that say nothing. RFC 4727: a routing header that nobody knows. */
const OPTIONS: Readonly<Partial<Record<LayerName, Uint8Array>>> = {
  hopByHop: Uint8Array.of(1, 4, 0, 0, 0, 0),
  destinationOptions: Uint8Array.of(1, 4, 0, 0, 0, 0),
  routing: Uint8Array.of(253, 0, 0, 0, 0, 0),
}

/** Types say so already, and nobody looks at them while tests run. */
function mustBeFields(name: LayerName, given: object): void {
  const { fields } = HEADERS[name]
  const other = Object.keys(given).find((field) => field !== 'options' && !Object.hasOwn(fields, field))
  if (other !== undefined)
    throw new RangeError(`${name} has no field ${other}: ${suggestion(other, Object.keys(fields))}`)
}

/** A packet to be: every method gives a new one. */
export class PacketBuilder {
  readonly #layers: readonly Layer[]
  readonly #payload: Uint8Array

  constructor(layers: readonly Layer[] = [], payload: Uint8Array = new Uint8Array(0)) {
    this.#layers = layers
    this.#payload = payload
  }

  ethernet = (given: Given<'ethernet'> = {}): PacketBuilder => this.#with('ethernet', given)
  /** A tag. Of two, the outer one gets the EtherType of a service tag (IEEE 802.1ad). */
  vlan = (given: Given<'vlan'> = {}): PacketBuilder => this.#with('vlan', given)
  arp = (given: Given<'arp'> = {}): PacketBuilder => this.#with('arp', given)
  ipv4 = (given: Given<'ipv4'> = {}): PacketBuilder => this.#with('ipv4', given)
  ipv6 = (given: Given<'ipv6'> = {}): PacketBuilder => this.#with('ipv6', given)
  hopByHop = (given: Given<'hopByHop'> = {}): PacketBuilder => this.#with('hopByHop', given)
  routing = (given: Given<'routing'> = {}): PacketBuilder => this.#with('routing', given)
  fragment = (given: Given<'fragment'> = {}): PacketBuilder => this.#with('fragment', given)
  authentication = (given: Given<'authentication'> = {}): PacketBuilder => this.#with('authentication', given)
  destinationOptions = (given: Given<'destinationOptions'> = {}): PacketBuilder =>
    this.#with('destinationOptions', given)
  icmp = (given: Given<'icmp'> = {}): PacketBuilder => this.#with('icmp', given)
  icmpv6 = (given: Given<'icmpv6'> = {}): PacketBuilder => this.#with('icmpv6', given)
  udp = (given: Given<'udp'> = {}): PacketBuilder => this.#with('udp', given)
  tcp = (given: Given<'tcp'> = {}): PacketBuilder => this.#with('tcp', given)
  sctp = (given: Given<'sctp'> = {}): PacketBuilder => this.#with('sctp', given)
  gre = (given: Given<'gre'> = {}): PacketBuilder => this.#with('gre', given)
  /** UDP before it has its port, unless given. What it carries begins with `ethernet()`. */
  vxlan = (given: Given<'vxlan'> = {}): PacketBuilder => this.#with('vxlan', given)
  /** The same. */
  geneve = (given: Given<'geneve'> = {}): PacketBuilder => this.#with('geneve', given)

  /** Text in UTF-8, bytes, another packet (as ICMP errors carry), or so many bytes that count from 0. */
  payload(content: string | number | Uint8Array | PacketBuilder): PacketBuilder {
    return new PacketBuilder(this.#layers, bytesOf(content))
  }

  /** The layers of another packet behind those of this one, as a tunnel has them. */
  carrying(inner: PacketBuilder): PacketBuilder {
    return new PacketBuilder([...this.#layers, ...inner.#layers], inner.#payload)
  }

  /** The same packet with other fields in its first layer of that name. */
  change<L extends LayerName>(name: L, given: Given<L>): PacketBuilder {
    const at = this.#layers.findIndex((layer) => layer.name === name)
    if (at === -1) throw new RangeError(`the packet has no ${name} layer to change`)
    mustBeFields(name, given)
    const layers = this.#layers.map((layer, index) =>
      index === at ? { name, given: { ...layer.given, ...given } } : layer,
    )
    return new PacketBuilder(layers, this.#payload)
  }

  /** The packet with zeros behind it, so that it has at least `length` bytes; no header knows of them. */
  padded(length = 60): Uint8Array {
    const bytes = this.bytes()
    return concat(bytes, new Uint8Array(Math.max(0, length - bytes.length)))
  }

  bytes(): Uint8Array {
    let bytes = this.#payload
    for (let at = this.#layers.length - 1; at >= 0; at--) bytes = concat(this.#header(at, bytes), bytes)
    return bytes
  }

  #with(name: LayerName, given: object): PacketBuilder {
    mustBeFields(name, given)
    return new PacketBuilder([...this.#layers, { name, given: given as Layer['given'] }], this.#payload)
  }

  #header(at: number, rest: Uint8Array): Uint8Array {
    const { name, given } = this.#layers[at]!
    const { options = OPTIONS[name] ?? new Uint8Array(0), ...said } = given as { options?: Uint8Array }
    const size = HEADERS[name].size + options.length
    const unit = OPTIONS[name] === undefined ? 4 : 8
    if (options.length > 0 && size % unit !== 0)
      throw new RangeError(
        `${name}: options of ${options.length} bytes: no multiple of ${unit} with what is before them`,
      )
    const fields = { ...DEFAULTS[name], ...this.#derived(at, size, rest), ...said }
    const header = concat(encodeStruct(HEADERS[name] as StructType, fields), options)
    if (name === 'sctp' && !('checksum' in said)) viewOf(header).setUint32(8, crc32c(header, rest), true)
    const checksum = CHECKSUM_OFFSET[name]
    if (checksum === undefined || 'checksum' in said) return header
    const covered = name === 'ipv4' ? [header] : [...this.#pseudoHeader(at, size + rest.length), header, rest]
    viewOf(header).setUint16(checksum, transmitted(name, internetChecksum(...covered)))
    return header
  }

  /** The fields of a layer that say what follows it. */
  #derived(at: number, size: number, rest: Uint8Array): Record<string, number> {
    const { name } = this.#layers[at]!
    switch (name) {
      case 'ethernet':
      case 'vlan':
      case 'gre':
      case 'geneve':
        return { type: this.#ethertypeAt(at + 1) }
      case 'ipv4':
        return { headerLength: size / 4, totalLength: size + rest.length, protocol: this.#protocolAt(at + 1) }
      case 'ipv6':
        return { payloadLength: rest.length, nextHeader: this.#protocolAt(at + 1) }
      case 'hopByHop':
      case 'routing':
      case 'destinationOptions':
        return { nextHeader: this.#protocolAt(at + 1), length: size / 8 - 1 }
      case 'authentication':
        return { nextHeader: this.#protocolAt(at + 1), length: size / 4 - 2 }
      case 'fragment':
        return { nextHeader: this.#protocolAt(at + 1) }
      case 'udp':
        return { length: size + rest.length, ...this.#portOf(at + 1) }
      case 'tcp':
        return { dataOffset: size / 4 }
      default:
        return {}
    }
  }

  #ethertypeAt(at: number): number {
    const name = this.#layers[at]?.name
    if (name === 'vlan' && this.#layers[at + 1]?.name === 'vlan') return ETHERTYPE.serviceVlan
    return name !== undefined && name in ETHERTYPE ? ETHERTYPE[name as keyof typeof ETHERTYPE] : EXPERIMENTAL.ethertype
  }

  #protocolAt(at: number): number {
    const name = this.#layers[at]?.name
    return name !== undefined && name in PROTOCOL ? PROTOCOL[name as keyof typeof PROTOCOL] : EXPERIMENTAL.protocol
  }

  #portOf(at: number): { destinationPort?: number } {
    const name = this.#layers[at]?.name
    return name === 'vxlan' || name === 'geneve' ? { destinationPort: PORT[name] } : {}
  }

  /** What the checksum covers of the layer before: RFC 768, 9293 and 4443; ICMP (RFC 792) covers nothing of it. */
  #pseudoHeader(at: number, length: number): Uint8Array[] {
    const { name } = this.#layers[at]!
    const below = this.#layers.slice(0, at).findLast((layer) => !isExtension(layer.name))
    if (name === 'icmp' || below === undefined) return []
    const protocol = PROTOCOL[name as keyof typeof PROTOCOL]
    if (below.name !== 'ipv4' && below.name !== 'ipv6') return []
    const { source, destination } = { ...DEFAULTS[below.name], ...below.given } as FieldsOf<'ipv4'>
    return [pseudoHeader(below.name, source, destination, protocol, length)]
  }
}

/** IANA port numbers of what UDP carries. */
export const PORT = { vxlan: 4789, geneve: 6081 } as const

/** Where the checksum of a header is. */
export const CHECKSUM_OFFSET: Readonly<Partial<Record<LayerName, number>>> = Object.fromEntries(
  Object.entries(HEADERS).flatMap(([name, { layout }]) => {
    const field = layout.fields.find((one) => one.name === 'checksum' && one.layout.size === 2)
    return field === undefined ? [] : [[name, field.offset]]
  }),
)

/** RFC 768: a UDP checksum of zero means that there is none, so a sum of zero goes out as its other form. */
const transmitted = (name: LayerName, checksum: number): number =>
  name === 'udp' && checksum === 0 ? 0xffff : checksum

/** RFC 9293 section 3.1 and RFC 8200 section 8.1. */
export function pseudoHeader(
  version: 'ipv4' | 'ipv6',
  source: string,
  destination: string,
  protocol: number,
  length: number,
): Uint8Array {
  const parse = version === 'ipv4' ? parseIPv4 : parseIPv6
  // The same sum as | zero 8 | protocol 8 | length 16 | has, for no length here takes more than 16 bits.
  const rest = new Uint8Array(8)
  viewOf(rest).setUint32(0, length)
  viewOf(rest).setUint32(4, protocol)
  return concat(parse(source), parse(destination), rest)
}

function bytesOf(content: string | number | Uint8Array | PacketBuilder): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content)
  if (typeof content === 'number') return Uint8Array.from({ length: content }, (_, index) => index & 0xff)
  return Uint8Array.from(content instanceof PacketBuilder ? content.bytes() : content)
}

/** Nothing yet. */
export const packet = (): PacketBuilder => new PacketBuilder()
