import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, IPv4, ipv4, lpmTrie, mac, portId } from '../../../src/lang/index.ts'

const cube = defineCube('route', {
  summary: 'the next hop of an IPv4 packet',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    routes: lpmTrie({ key: { destination: ipv4 }, value: { gateway: mac, source: mac, port: portId }, entries: 1024 }),
  },
  drops: { truncated: 'short', no_route: 'nobody knows the way', expired: 'too many hops' },
})

export default dataplane(cube, (packet, { state, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  const route = state.routes.get({ destination: ip.destination })
  if (!route) return drop('no_route')
  if (ip.timeToLive <= 1) return drop('expired')
  ip.timeToLive -= 1
  ethernet.destination = route.gateway
  ethernet.source = route.source
  return forward(route.port)
})
