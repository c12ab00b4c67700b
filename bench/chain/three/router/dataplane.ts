import { z } from 'zod'
import { dataplane, defineCube } from '../../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, IPv4, ipv4, lpmTrie, mac, portId } from '../../../../src/lang/index.ts'

const router = defineCube('router', {
  summary: 'the next hop of IPv4 packets',
  ports: z.strictObject({ address: z.string().describe('the MAC address of this port') }),
  config: z.strictObject({}),
  state: {
    routes: lpmTrie({ key: { destination: ipv4 }, value: { gateway: mac, source: mac, port: portId }, entries: 1024 }),
  },
  drops: {
    truncated: 'short',
    not_for_us: 'to another MAC address',
    not_ipv4: 'another protocol',
    options: 'IPv4 with options',
    no_route: 'nobody knows the way',
    expired: 'too many hops',
  },
})

export default dataplane(router, (packet, { state, port, drop, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.destination !== mac(port.address)) return drop('not_for_us')
  if (ethernet.type !== ETHERTYPE.ipv4) return drop('not_ipv4')
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.headerLength !== 5) return drop('options')
  if (ip.timeToLive <= 1) return drop('expired')
  const route = state.routes.get({ destination: ip.destination })
  if (!route) return drop('no_route')
  ip.timeToLive -= 1
  ethernet.destination = route.gateway
  ethernet.source = route.source
  return forward(route.port)
})
