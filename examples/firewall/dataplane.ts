import { type ContextOf, dataplane } from 'tessera/cube'
import {
  contains,
  ETHERTYPE,
  Ethernet,
  IPv4,
  IPv6,
  type ipv4,
  type ipv6,
  type Packet,
  PROTOCOL,
  prefix,
  Udp,
  type u8,
  type u16,
  type u32,
  type Verdict,
} from 'tessera/lang'
import { firewall } from './schema.ts'

/** The destination port, which TCP has where UDP has it; 0 for other protocols. */
function portOf(packet: Packet, protocol: u8, offset: u32): u16 {
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) return 0
  const udp = packet.read(Udp, offset)
  return udp ? udp.destinationPort : 0
}

type Address = ipv4 | ipv6

/** Each rule is compiled in with its own constants: what it leaves out takes no code, nor does one of the other family. */
function judge(
  source: Address,
  destination: Address,
  protocol: u8,
  port: u16,
  { config, drop, flood }: ContextOf<typeof firewall>,
): Verdict {
  for (const rule of config.rules) {
    if (rule.source !== undefined && !contains(prefix(rule.source), source)) continue
    if (rule.destination !== undefined && !contains(prefix(rule.destination), destination)) continue
    if (rule.protocol !== undefined && protocol !== PROTOCOL[rule.protocol]) continue
    if (rule.ports !== undefined && (port < rule.ports.first || port > rule.ports.last)) continue
    return rule.action === 'accept' ? flood() : drop('denied')
  }
  return config.otherwise === 'accept' ? flood() : drop('denied')
}

export default dataplane(firewall, (packet, context) => {
  const { drop, flood } = context
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type === ETHERTYPE.ipv4) {
    const ip = packet.read(IPv4, Ethernet.size)
    if (!ip) return drop('truncated')
    if (ip.fragmentOffset !== 0) return drop('fragment')
    const port = portOf(packet, ip.protocol, Ethernet.size + ip.headerLength * 4)
    return judge(ip.source, ip.destination, ip.protocol, port, context)
  }
  if (ethernet.type === ETHERTYPE.ipv6) {
    const ip = packet.read(IPv6, Ethernet.size)
    if (!ip) return drop('truncated')
    const port = portOf(packet, ip.nextHeader, Ethernet.size + IPv6.size)
    return judge(ip.source, ip.destination, ip.nextHeader, port, context)
  }
  return ethernet.type === ETHERTYPE.arp ? flood() : drop('denied')
})
