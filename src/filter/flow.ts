/** Packets by the fields of their flows, for where there is no libpcap: the same language, assembled here. */
import { parseIPv4, parseIPv6 } from '../base/address.ts'
import { viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import { ETHERTYPE, PROTOCOL } from '../lang/index.ts'
import { Assembler, type Label } from './assemble.ts'
import type { ClassicProgram } from './classic.ts'
import type { FlowFields } from './flow-fields.ts'

/** From the end of the two addresses: IEEE 802.1Q, RFC 791, RFC 826 (of IPv4), RFC 8200. All offsets count from the start of an untagged frame. */
const AT = {
  type: 12,
  tag: 14,
  ipv4: { start: 14, fragment: 20, protocol: 23, source: 26, destination: 30 },
  arp: { source: 28, destination: 38 },
  ipv6: { nextHeader: 20, source: 22, destination: 38, size: 40 },
  /** Behind the network header. */
  transport: { first: 14, second: 16 },
} as const

const TAG = 4
const MOST_TAGS = 3
const MOST_EXTENSIONS = 2
/** 0x9100 was used before IEEE 802.1ad. */
const TAGS = [ETHERTYPE.vlan, ETHERTYPE.serviceVlan, 0x9100] as const
const NETWORKS: Readonly<Record<string, number>> = { ipv4: ETHERTYPE.ipv4, ipv6: ETHERTYPE.ipv6, arp: ETHERTYPE.arp }
const TRANSPORTS: Readonly<Record<string, number>> = {
  tcp: PROTOCOL.tcp,
  udp: PROTOCOL.udp,
  sctp: PROTOCOL.sctp,
  icmp: PROTOCOL.icmp,
  icmpv6: PROTOCOL.icmpv6,
  gre: PROTOCOL.gre,
}
const WITH_PORTS = [PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.sctp] as const
/** A word of memory. */
const NEXT = 0

export function flowFilter(fields: FlowFields): ClassicProgram {
  const code = new Assembler()
  const wanted = understand(fields)
  tags(code, wanted)
  const [four, six, arp] = [{}, {}, {}]
  if (wanted.network !== undefined) code.demand([wanted.network])
  code.jump('jeq', ETHERTYPE.ipv4, four)
  code.jump('jeq', ETHERTYPE.ipv6, six)
  if (wanted.protocols.length > 0) code.reject()
  else if (wanted.addresses.length === 0) code.accept()
  else {
    code.jump('jeq', ETHERTYPE.arp, arp)
    code.reject()
    code.here(arp)
    if (match(code, wanted, 1, AT.arp)) code.accept()
  }
  code.here(four)
  fourth(code, wanted)
  code.here(six)
  sixth(code, wanted)
  return code.finish()
}

interface Wanted {
  readonly addresses: readonly { readonly where: 'source' | 'destination' | 'either'; readonly prefix: Words }[]
  readonly network: number | undefined
  readonly protocols: readonly number[]
  readonly ports: readonly { readonly where: 'first' | 'second' | 'either'; readonly port: number }[]
  readonly vlan: number | undefined
}

/** An address in words of 32 bits, with a mask for each. */
type Words = readonly { readonly value: number; readonly mask: number }[]

function understand(fields: FlowFields): Wanted {
  const { source, destination, host, protocol, sourcePort, destinationPort, port, vlan } = fields
  const addresses = [
    ['source', source],
    ['destination', destination],
    ['either', host],
  ] as const
  const ports = [
    ['first', sourcePort],
    ['second', destinationPort],
    ['either', port],
  ] as const
  const network = protocol === undefined ? undefined : NETWORKS[protocol]
  const given = ports.flatMap(([where, number]) => (number === undefined ? [] : [{ where, port: number }]))
  const said = protocol === undefined || network !== undefined ? [] : [protocolOf(protocol)]
  return {
    addresses: addresses.flatMap(([where, text]) => (text === undefined ? [] : [{ where, prefix: prefixOf(text) }])),
    network,
    protocols: said.length === 0 && given.length > 0 ? WITH_PORTS : said,
    ports: given,
    vlan,
  }
}

function protocolOf(text: string): number {
  const known = TRANSPORTS[text.toLowerCase()] ?? Number(text)
  if (Number.isInteger(known) && known >= 0 && known <= 0xff) return known
  throw refusal(
    `there is no protocol ${text}`,
    suggestion(text, [...Object.keys(TRANSPORTS), ...Object.keys(NETWORKS)]),
  )
}

function prefixOf(text: string): Words {
  const [address = '', length] = text.split('/')
  try {
    const bytes = address.includes(':') ? parseIPv6(address) : parseIPv4(address)
    const bits = length === undefined ? 8 * bytes.length : Number(length)
    if (!Number.isInteger(bits) || bits < 0 || bits > 8 * bytes.length) throw new RangeError(`no length: ${length}`)
    const view = viewOf(bytes)
    return Array.from({ length: bytes.length / 4 }, (_, index) => {
      const left = Math.min(32, Math.max(0, bits - 32 * index))
      const mask = left === 0 ? 0 : (-1 << (32 - left)) >>> 0
      return { value: (view.getUint32(4 * index) & mask) >>> 0, mask }
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw refusal(`"${text}" is no address and no prefix`, 'write 10.0.0.1, 10.0.0.0/8, fd00::1 or fd00::/8')
  }
}

/** Leaves the EtherType behind the tags in A, and in X how many bytes they take. */
function tags(code: Assembler, { vlan }: Wanted): void {
  const network: Label = {}
  code.loadX(0)
  code.load('h', AT.type)
  for (let number = 0; number < MOST_TAGS; number++) {
    const tag: Label = {}
    for (const one of TAGS) code.jump('jeq', one, tag)
    if (number === 0 && vlan !== undefined && vlan > 0) code.reject()
    else code.goto(network)
    code.here(tag)
    if (number === 0 && vlan !== undefined) {
      code.load('h', AT.tag)
      code.alu('and', 0xfff)
      code.demand([vlan])
    }
    code.loadX(TAG * (number + 1))
    code.load('h', AT.type, 'x')
  }
  code.here(network)
}

function fourth(code: Assembler, wanted: Wanted): void {
  if (!match(code, wanted, 1, AT.ipv4)) return
  if (wanted.protocols.length > 0) {
    code.load('b', AT.ipv4.protocol, 'x')
    code.demand(wanted.protocols)
  }
  if (wanted.ports.length > 0) {
    noLaterFragment(code, AT.ipv4.fragment, 0x1fff)
    code.load('b', AT.ipv4.start, 'x')
    code.alu('and', 0x0f)
    code.alu('lsh', 2)
    code.alu('add', 'x')
    code.tax()
    ports(code, wanted)
  }
  code.accept()
}

function sixth(code: Assembler, wanted: Wanted): void {
  if (!match(code, wanted, 4, AT.ipv6)) return
  if (wanted.protocols.length > 0) {
    code.load('b', AT.ipv6.nextHeader, 'x')
    code.remember(NEXT)
    skip(code, AT.ipv6.size)
    for (let number = 0; number < MOST_EXTENSIONS; number++) extension(code, wanted)
    code.recall(NEXT)
    code.demand(wanted.protocols)
    ports(code, wanted)
  }
  code.accept()
}

/** Goes over one extension header, if there is one: RFC 8200 section 4, RFC 4302 section 2.2. */
function extension(code: Assembler, wanted: Wanted): void {
  const { first } = AT.transport
  const words: Label = {}
  const fragment: Label = {}
  const authentication: Label = {}
  const after: Label = {}
  code.recall(NEXT)
  for (const one of [PROTOCOL.hopByHop, PROTOCOL.routing, PROTOCOL.destinationOptions]) code.jump('jeq', one, words)
  code.jump('jeq', PROTOCOL.fragment, fragment)
  code.jump('jeq', PROTOCOL.authentication, authentication, after)
  for (const [label, unit, more] of [
    [words, 3, 1],
    [authentication, 2, 2],
    [fragment, 0, 8],
  ] as const) {
    code.here(label)
    if (label === fragment && wanted.ports.length > 0) noLaterFragment(code, first + 2, 0xfff8)
    code.load('b', first, 'x')
    code.remember(NEXT)
    if (unit > 0) {
      code.load('b', first + 1, 'x')
      code.alu('add', more)
      code.alu('lsh', unit)
      code.alu('add', 'x')
      code.tax()
    } else skip(code, more)
    if (label !== fragment) code.goto(after)
  }
  code.here(after)
}

/** X grows. */
function skip(code: Assembler, by: number): void {
  code.alu('and', 0)
  code.alu('add', by)
  code.alu('add', 'x')
  code.tax()
}

function noLaterFragment(code: Assembler, at: number, mask: number): void {
  const first: Label = {}
  code.load('h', at, 'x')
  code.jump('jset', mask, undefined, first)
  code.reject()
  code.here(first)
}

/** False where no packet of this family can match: its addresses have another number of words. */
function match(
  code: Assembler,
  { addresses }: Wanted,
  words: number,
  at: { readonly source: number; readonly destination: number },
): boolean {
  if (addresses.some(({ prefix }) => prefix.length !== words)) {
    code.reject()
    return false
  }
  for (const { where, prefix } of addresses) {
    const found: Label = {}
    for (const side of where === 'either' ? (['source', 'destination'] as const) : [where]) {
      const other: Label = {}
      for (const [index, { value, mask }] of prefix.entries()) {
        code.load('w', at[side] + 4 * index, 'x')
        code.alu('and', mask)
        code.jump('jeq', value, undefined, other)
      }
      code.goto(found)
      code.here(other)
    }
    code.reject()
    code.here(found)
  }
  return true
}

function ports(code: Assembler, { ports }: Wanted): void {
  const { first, second } = AT.transport
  for (const { where, port } of ports) {
    if (where !== 'either') {
      code.load('h', where === 'first' ? first : second, 'x')
      code.demand([port])
      continue
    }
    const found: Label = {}
    code.load('h', first, 'x')
    code.jump('jeq', port, found)
    code.load('h', second, 'x')
    code.demand([port])
    code.here(found)
  }
}
