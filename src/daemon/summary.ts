/** A packet in one line, for people who watch many. */
import { viewOf } from '../base/bytes.ts'
import { decodeStruct } from '../lang/codec.ts'
import {
  Arp,
  type ControlOf,
  ETHERTYPE,
  Ethernet,
  type Fields,
  IPv4,
  IPv6,
  PROTOCOL,
  type StructType,
  Tcp,
  Vlan,
} from '../lang/index.ts'

/** `10.0.0.1:80 > 10.0.0.2:1024 tcp syn ack, 74 bytes`; what cannot be read is left out. */
export function summarise(frame: Uint8Array, length: number, tag = 0): string {
  const vlans = tag === 0 ? [] : [tag & 0xfff]
  const ethernet = read(frame, 0, Ethernet)
  if (ethernet === undefined) return `${length} bytes`
  let { type } = ethernet
  let at = Ethernet.size
  while (type === ETHERTYPE.vlan || type === ETHERTYPE.serviceVlan) {
    const inner = read(frame, at, Vlan)
    if (inner === undefined) break
    vlans.push(inner.id)
    type = inner.type
    at += Vlan.size
  }
  const addresses = `${ethernet.source} > ${ethernet.destination}`
  const text = network(frame, at, type) ?? `${addresses} type 0x${type.toString(16).padStart(4, '0')}`
  return [...vlans.map((id) => `vlan ${id}`), `${text}, ${length} bytes`].join(' ')
}

function network(frame: Uint8Array, at: number, type: number): string | undefined {
  if (type === ETHERTYPE.ipv4) {
    const ip = read(frame, at, IPv4)
    if (ip === undefined) return undefined
    const first = ip.fragmentOffset === 0
    return transport(frame, first ? at + 4 * ip.headerLength : undefined, ip.protocol, ip.source, ip.destination)
  }
  if (type === ETHERTYPE.ipv6) {
    const ip = read(frame, at, IPv6)
    return ip && transport(frame, at + IPv6.size, ip.nextHeader, `[${ip.source}]`, `[${ip.destination}]`)
  }
  const arp = type === ETHERTYPE.arp ? read(frame, at, Arp) : undefined
  if (arp === undefined) return undefined
  return arp.operation === 1
    ? `arp who has ${arp.targetAddress}? tell ${arp.senderAddress}`
    : `arp ${arp.senderAddress} is at ${arp.senderMac}`
}

const NAMES = new Map<number, string>(Object.entries(PROTOCOL).map(([name, number]) => [number, name]))
const WITH_PORTS: ReadonlySet<number> = new Set([PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.sctp])
const FLAGS = ['syn', 'ack', 'fin', 'rst', 'psh'] as const

function transport(
  frame: Uint8Array,
  at: number | undefined,
  protocol: number,
  source: string,
  destination: string,
): string {
  const name = NAMES.get(protocol) ?? `protocol ${protocol}`
  if (at === undefined) return `${source} > ${destination} ${name}, a later fragment`
  if (!WITH_PORTS.has(protocol) || at + 4 > frame.length) return `${source} > ${destination} ${name}`
  const view = viewOf(frame)
  const tcp = protocol === PROTOCOL.tcp ? read(frame, at, Tcp) : undefined
  const flags = tcp === undefined ? [] : FLAGS.filter((one) => tcp[one] === 1)
  return [`${source}:${view.getUint16(at)} > ${destination}:${view.getUint16(at + 2)} ${name}`, ...flags].join(' ')
}

function read<F extends Fields>(frame: Uint8Array, at: number, type: StructType<F>): ControlOf<F> | undefined {
  return at + type.size <= frame.length ? decodeStruct(type, frame.subarray(at)) : undefined
}
