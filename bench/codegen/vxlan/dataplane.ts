import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, hash, IPv4, ipv4, mac, PROTOCOL, Udp, u32, Vxlan } from '../../../src/lang/index.ts'

const LOCAL = '192.0.2.1'
const TIME_TO_LIVE = 64

const cube = defineCube('vxlan', {
  summary: 'frames into the tunnel to where their destination is',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    ends: hash({ key: { address: mac }, value: { remote: ipv4, id: u32, gateway: mac, source: mac }, entries: 4096 }),
  },
  drops: { truncated: 'short', unknown: 'nobody knows where', room: 'no room for the headers' },
})

export default dataplane(cube, (packet, { state, drop, forward }) => {
  const inner = packet.read(Ethernet)
  if (!inner) return drop('truncated')
  const end = state.ends.get({ address: inner.destination })
  if (!end) return drop('unknown')
  const length = packet.length
  if (!packet.encapsulate(IPv4, Udp, Vxlan, Ethernet)) return drop('room')
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, 14)
  const udp = packet.read(Udp, 34)
  const tunnel = packet.read(Vxlan, 42)
  if (!ethernet || !ip || !udp || !tunnel) return drop('room')
  ethernet.destination = end.gateway
  ethernet.source = end.source
  ethernet.type = ETHERTYPE.ipv4
  ip.version = 4
  ip.headerLength = 5
  ip.totalLength = length + 36
  ip.timeToLive = TIME_TO_LIVE
  ip.protocol = PROTOCOL.udp
  ip.source = ipv4(LOCAL)
  ip.destination = end.remote
  udp.sourcePort = 49_152
  udp.destinationPort = 4789
  udp.length = length + 16
  tunnel.flags = 8
  tunnel.id = end.id
  return forward(1)
})
