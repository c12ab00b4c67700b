import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, Icmp, Icmpv6, IPv4, IPv6, ipv4, ipv6, Ports } from '../../../src/lang/index.ts'

export const quoted = defineCube('quoted', {
  summary: 'translates back what messages of ICMP quote',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: { truncated: 'too short' },
})

export default dataplane(quoted, (packet, { drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type === ETHERTYPE.ipv4) {
    const icmp = packet.read(Icmp, Ethernet.size + IPv4.size)
    if (!icmp) return drop('truncated')
    const at = Ethernet.size + IPv4.size + Icmp.size
    const inner = packet.read(IPv4, at, icmp)
    if (!inner) return drop('truncated')
    const ports = packet.read(Ports, at + inner.headerLength * 4, icmp)
    inner.source = ipv4('10.7.0.1')
    inner.timeToLive -= 1
    if (ports) ports.source = 7
    return flood()
  }
  const icmp = packet.read(Icmpv6, Ethernet.size + IPv6.size)
  if (!icmp) return drop('truncated')
  const inner = packet.read(IPv6, Ethernet.size + IPv6.size + Icmpv6.size, icmp)
  if (!inner) return drop('truncated')
  inner.source = ipv6('fd07::1')
  inner.hopLimit -= 1
  return flood()
})
