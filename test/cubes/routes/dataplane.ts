import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  ETHERTYPE,
  Ethernet,
  IPv4,
  IPv6,
  ipv4,
  ipv6,
  lpmTrie,
  PROTOCOL,
  Udp,
  u16,
  u32,
  u64,
} from '../../../src/lang/index.ts'

export const routes = defineCube('routes', {
  summary: 'forwards by the longest prefix',
  ports: z.strictObject({ tenant: z.int().min(0).max(65_535).default(0) }),
  config: z.strictObject({}),
  state: {
    ipv4: lpmTrie({ key: { destination: ipv4 }, value: { port: u16, packets: u64 }, entries: 16 }),
    ipv6: lpmTrie({ key: { tenant: u32, destination: ipv6 }, value: { port: u16 }, entries: 16 }),
    services: lpmTrie({ key: { port: u16 }, value: { port: u16 }, entries: 4 }),
  },
  drops: { truncated: 'shorter than its headers', unreachable: 'no route', other: 'neither IPv4 nor IPv6' },
})

export default dataplane(routes, (packet, { state, port, drop, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type === ETHERTYPE.ipv6) {
    const ip = packet.read(IPv6, Ethernet.size)
    if (!ip) return drop('truncated')
    const route = state.ipv6.get({ destination: ip.destination, tenant: port.tenant })
    return route ? forward(route.port) : drop('unreachable')
  }
  if (ethernet.type !== ETHERTYPE.ipv4) return drop('other')
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ip) return drop('truncated')
  if (ip.protocol === PROTOCOL.udp) {
    const udp = packet.read(Udp, Ethernet.size + IPv4.size)
    if (!udp) return drop('truncated')
    const service = state.services.get({ port: udp.destinationPort })
    if (service) return forward(service.port)
  }
  const route = state.ipv4.get({ destination: ip.destination })
  if (!route) return drop('unreachable')
  route.packets += 1
  return forward(route.port)
})
