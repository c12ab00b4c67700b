import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  array,
  ETHERTYPE,
  Ethernet,
  Icmp,
  Icmpv6,
  IPv4,
  IPv6,
  ipv4,
  ipv6,
  mac,
  PROTOCOL,
  Tcp,
  Udp,
  u8,
  u16,
} from '../../../src/lang/index.ts'

export const rewriter = defineCube('rewriter', {
  summary: 'writes to headers what a table says',
  ports: z.strictObject({}),
  config: z.strictObject({
    macs: z.boolean().default(false),
    source: z.boolean().default(false),
    destination: z.boolean().default(false),
    hops: z.boolean().default(false),
    service: z.boolean().default(false),
    ports: z.boolean().default(false),
  }),
  state: {
    values: array({
      value: { mac, source4: ipv4, destination4: ipv4, source6: ipv6, destination6: ipv6, port: u16, service: u8 },
      entries: 1,
    }),
  },
  drops: { truncated: 'too short', expired: 'no hops left' },
})

export default dataplane(rewriter, (packet, { state, config, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  const values = state.values.get({ index: 0 })
  if (!ethernet || !values) return drop('truncated')
  if (config.macs) {
    ethernet.source = values.mac
    ethernet.destination = ethernet.source
  }
  if (ethernet.type === ETHERTYPE.ipv4) {
    const ip = packet.read(IPv4, Ethernet.size)
    if (!ip) return drop('truncated')
    if (config.hops) {
      if (ip.timeToLive < 2) return drop('expired')
      ip.timeToLive -= 1
    }
    if (config.service) ip.service = values.service
    if (config.source) ip.source = values.source4
    if (config.destination) ip.destination = values.destination4
    if (!config.ports || ip.fragmentOffset !== 0) return flood()
    const at = Ethernet.size + ip.headerLength * 4
    if (ip.protocol === PROTOCOL.tcp) {
      const tcp = packet.read(Tcp, at)
      if (!tcp) return drop('truncated')
      tcp.destinationPort = values.port
      tcp.psh = 1
      tcp.window += 1000
    } else if (ip.protocol === PROTOCOL.udp) {
      const udp = packet.read(Udp, at)
      if (!udp) return drop('truncated')
      udp.sourcePort = values.port
    } else if (ip.protocol === PROTOCOL.icmp) {
      const icmp = packet.read(Icmp, at)
      if (!icmp) return drop('truncated')
      icmp.code += 3
      icmp.identifier = values.port
    }
    return flood()
  }
  if (ethernet.type !== ETHERTYPE.ipv6) return flood()
  const ip = packet.read(IPv6, Ethernet.size)
  if (!ip) return drop('truncated')
  if (config.hops) {
    if (ip.hopLimit < 2) return drop('expired')
    ip.hopLimit--
  }
  if (config.service) ip.trafficClass = values.service
  if (config.source) ip.source = values.source6
  if (config.destination) ip.destination = values.destination6
  if (!config.ports) return flood()
  const at = Ethernet.size + IPv6.size
  if (ip.nextHeader === PROTOCOL.tcp) {
    const tcp = packet.read(Tcp, at)
    if (!tcp) return drop('truncated')
    tcp.destinationPort = values.port
  } else if (ip.nextHeader === PROTOCOL.udp) {
    const udp = packet.read(Udp, at)
    if (!udp) return drop('truncated')
    udp.sourcePort = values.port
  } else if (ip.nextHeader === PROTOCOL.icmpv6) {
    const icmp = packet.read(Icmpv6, at)
    if (!icmp) return drop('truncated')
    icmp.sequence += 1
  }
  return flood()
})
