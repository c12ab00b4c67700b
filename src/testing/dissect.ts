/** Bytes → the fields of a packet by name, so that a failing expectation reads like one. */
import { viewOf } from '../base/bytes.ts'
import { crc32c, internetChecksum } from '../base/checksum.ts'
import { decodeStruct } from '../lang/codec.ts'
import { ETHERTYPE, PROTOCOL, type StructType } from '../lang/index.ts'
import { type FieldsOf, HEADERS, type LayerName, PORT, pseudoHeader } from './packet.ts'

/** A packet taken apart. A layer is there if the packet has it, whole. */
export type Dissected = { readonly [L in Exclude<LayerName, 'vlan'>]?: FieldsOf<L> } & {
  /** The tags, the outer one first. */
  readonly vlans?: readonly FieldsOf<'vlan'>[]
  /** Bytes of options in the IPv4 or the TCP header. */
  readonly ipv4Options?: Uint8Array
  readonly tcpOptions?: Uint8Array
  /** What a tunnel carries: of GRE, VXLAN, Geneve, or IP in IP. */
  readonly inner?: Dissected
  /** What comes after the last layer: text where all of it is printable ASCII. */
  readonly payload?: string | Uint8Array
  /** Bytes behind the end that the IP header tells of. */
  readonly padding?: number
  /** Layers whose checksum is not the one that their bytes have. */
  readonly wrongChecksums?: readonly LayerName[]
}

/** Reads from `first` on. What is cut off, or not known, is payload. */
export function dissect(bytes: Uint8Array, first: 'ethernet' | 'ipv4' | 'ipv6' = 'ethernet'): Dissected {
  const reader = new Reader(bytes)
  reader.read(first)
  return reader.result()
}

const BY_ETHERTYPE = new Map<number, LayerName>([
  [ETHERTYPE.vlan, 'vlan'],
  [ETHERTYPE.serviceVlan, 'vlan'],
  [ETHERTYPE.arp, 'arp'],
  [ETHERTYPE.ipv4, 'ipv4'],
  [ETHERTYPE.ipv6, 'ipv6'],
  [ETHERTYPE.ethernet, 'ethernet'],
])
const BY_PORT = new Map<number, LayerName>(Object.entries(PORT).map(([name, port]) => [port, name as LayerName]))
/** What carries packets in packets, and what these begin with. */
const CARRIERS: ReadonlySet<LayerName> = new Set<LayerName>(['ipv4', 'ipv6', 'gre', 'vxlan', 'geneve'])
const isStart = (name: LayerName): name is 'ethernet' | 'ipv4' | 'ipv6' =>
  name === 'ethernet' || name === 'ipv4' || name === 'ipv6'
const BY_PROTOCOL = new Map<number, LayerName>(
  Object.entries(PROTOCOL).flatMap(([name, number]) => (name in HEADERS ? [[number, name as LayerName]] : [])),
)

class Reader {
  #rest: Uint8Array
  readonly #found: Record<string, unknown> = {}
  readonly #wrong: LayerName[] = []
  /** The pseudo header for what follows the IP header that was read last. */
  #pseudo: ((protocol: number, length: number) => Uint8Array) | undefined

  constructor(bytes: Uint8Array) {
    this.#rest = bytes
  }

  read(first: LayerName): void {
    for (let next: LayerName | undefined = first; next !== undefined; ) {
      const { size } = HEADERS[next]
      if (this.#rest.length < size) return
      const last: LayerName = next
      next = this.#layer(last)
      if (next === undefined || !isStart(next) || !CARRIERS.has(last)) continue
      this.#found.inner = dissect(this.#rest, next)
      this.#rest = this.#rest.subarray(this.#rest.length)
      return
    }
  }

  result(): Dissected {
    if (this.#rest.length > 0) this.#found.payload = readable(this.#rest)
    if (this.#wrong.length > 0) this.#found.wrongChecksums = this.#wrong
    return this.#found
  }

  /** Reads one; returns the next. */
  #layer(name: LayerName): LayerName | undefined {
    const whole = this.#rest
    const fields = decodeStruct(HEADERS[name] as StructType, whole)
    const record = fields as Readonly<Record<string, number>>
    this.#rest = whole.subarray(HEADERS[name].size)
    switch (name) {
      case 'ethernet':
        this.#found.ethernet = fields
        return BY_ETHERTYPE.get(record.type ?? 0)
      case 'vlan':
        this.#found.vlans = [...((this.#found.vlans as unknown[]) ?? []), fields]
        return BY_ETHERTYPE.get(record.type ?? 0)
      case 'ipv4':
        return this.#ipv4(whole, fields as FieldsOf<'ipv4'>)
      case 'ipv6':
        return this.#ipv6(fields as FieldsOf<'ipv6'>)
      case 'tcp':
        this.#found.tcp = fields
        this.#options('tcpOptions', (record.dataOffset ?? 5) * 4 - HEADERS.tcp.size)
        break
      case 'hopByHop':
      case 'routing':
      case 'destinationOptions':
      case 'authentication':
      case 'fragment':
        return this.#extension(name, record)
      case 'sctp':
        this.#found.sctp = fields
        if (crc32cOf(whole.subarray(0, this.#rest.byteOffset + this.#rest.length - whole.byteOffset)) !== 0)
          this.#wrong.push('sctp')
        return undefined
      case 'gre':
        this.#found.gre = fields
        // What its flags announce comes first.
        return (record.hasChecksum ?? 0) + (record.hasKey ?? 0) + (record.hasSequence ?? 0) === 0
          ? BY_ETHERTYPE.get(record.type ?? 0)
          : undefined
      case 'vxlan':
        this.#found.vxlan = fields
        return 'ethernet'
      case 'geneve':
        this.#found.geneve = fields
        return record.optionsLength === 0 ? BY_ETHERTYPE.get(record.type ?? 0) : undefined
      default:
        this.#found[name] = fields
    }
    if (name !== 'arp') this.#verify(name, whole)
    return name === 'udp' ? BY_PORT.get(record.destinationPort ?? 0) : undefined
  }

  #ipv4(whole: Uint8Array, fields: FieldsOf<'ipv4'>): LayerName | undefined {
    this.#found.ipv4 = fields
    const length = fields.headerLength * 4
    this.#options('ipv4Options', length - HEADERS.ipv4.size)
    if (internetChecksum(whole.subarray(0, length)) !== 0) this.#wrong.push('ipv4')
    this.#cut(fields.totalLength - length)
    const { source, destination } = fields
    this.#pseudo = (protocol, size) => pseudoHeader('ipv4', source, destination, protocol, size)
    // Only the first fragment has the header of the layer above, and no fragment has all that its checksum covers.
    return fields.fragmentOffset === 0 && (fields.flags & 1) === 0 ? BY_PROTOCOL.get(fields.protocol) : undefined
  }

  #ipv6(fields: FieldsOf<'ipv6'>): LayerName | undefined {
    this.#found.ipv6 = fields
    this.#cut(fields.payloadLength)
    const { source, destination } = fields
    this.#pseudo = (protocol, size) => pseudoHeader('ipv6', source, destination, protocol, size)
    return BY_PROTOCOL.get(fields.nextHeader)
  }

  /** Only the first of several fragments has the header of the layer above, and no fragment has all that its checksum covers. */
  #extension(name: LayerName, record: Readonly<Record<string, number>>): LayerName | undefined {
    this.#found[name] = record
    const { nextHeader = 0, length = 0, fragmentOffset = 0, more = 0 } = record
    const size = name === 'fragment' ? 8 : name === 'authentication' ? (length + 2) * 4 : (length + 1) * 8
    this.#rest = this.#rest.subarray(size - HEADERS[name].size)
    return fragmentOffset === 0 && more === 0 ? BY_PROTOCOL.get(nextHeader) : undefined
  }

  #options(name: string, length: number): void {
    if (length <= 0 || length > this.#rest.length) return
    this.#found[name] = this.#rest.slice(0, length)
    this.#rest = this.#rest.subarray(length)
  }

  /** What is behind the end of an IP packet is padding. */
  #cut(length: number): void {
    if (length < 0 || length >= this.#rest.length) return
    this.#found.padding = this.#rest.length - length
    this.#rest = this.#rest.subarray(0, length)
  }

  #verify(name: LayerName, whole: Uint8Array): void {
    const covered = whole.subarray(0, this.#rest.byteOffset + this.#rest.length - whole.byteOffset)
    const { checksum } = this.#found[name] as { checksum: number }
    if (name === 'udp' && checksum === 0) return
    const protocol = PROTOCOL[name as keyof typeof PROTOCOL]
    const pseudo = name === 'icmp' ? undefined : this.#pseudo?.(protocol, covered.length)
    if (internetChecksum(...(pseudo === undefined ? [] : [pseudo]), covered) !== 0) this.#wrong.push(name)
  }
}

/** What an SCTP packet's checksum differs by from that of its bytes with zeros in its place. */
function crc32cOf(packet: Uint8Array): number {
  const zeroed = packet.slice()
  zeroed.fill(0, 8, 12)
  return viewOf(packet).getUint32(8, true) ^ crc32c(zeroed)
}

function readable(bytes: Uint8Array): string | Uint8Array {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f) ? new TextDecoder().decode(bytes) : bytes.slice()
}
