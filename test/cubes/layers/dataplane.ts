import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, IPv4, ipv4, type Packet, PROTOCOL, Udp, type u16, type u32 } from '../../../src/lang/index.ts'

export const layers = defineCube('layers', {
  summary: 'writes to headers that a loop reads: UDP in IPv4 in UDP in IPv4, and so on',
  ports: z.strictObject({}),
  config: z.strictObject({
    how: z.enum(['all', 'last', 'called', 'until', 'assigned']).default('all'),
  }),
  state: {},
  drops: { truncated: 'too short' },
})

/** Gives where the next layer is, 0 where there is none. */
function rewrite(packet: Packet, at: u32, port: u16): u32 {
  const ip = packet.read(IPv4, at)
  const udp = packet.read(Udp, at + IPv4.size)
  if (!ip || !udp || ip.protocol !== PROTOCOL.udp) return 0
  ip.source = ipv4('192.0.2.77')
  udp.destinationPort = port
  return at + IPv4.size + Udp.size
}

export default dataplane(layers, (packet, { config, drop, flood }) => {
  let at: u32 = Ethernet.size
  if (config.how === 'called') {
    for (let i = 0; i < 4 && at !== 0; i++) at = rewrite(packet, at, 1000 + i)
    return flood()
  }
  for (let i = 0; i < 4; i++) {
    const ip = packet.read(IPv4, at)
    const udp = packet.read(Udp, at + IPv4.size)
    if (!ip || !udp) return drop('truncated')
    if (ip.protocol !== PROTOCOL.udp) break
    const next = packet.read(IPv4, at + IPv4.size + Udp.size)
    const isLast = !next || next.protocol !== PROTOCOL.udp
    if (config.how === 'until' && isLast) {
      ip.destination = ipv4('203.0.113.1')
      udp.sourcePort = 7
      break
    }
    if (config.how === 'last' && isLast) {
      udp.destinationPort = 9
      udp.sourcePort += 1
      return flood()
    }
    if (config.how === 'assigned' && isLast) {
      udp.destinationPort = 9
      ip.source = ipv4('192.0.2.77')
      udp.checksum = 0x1234
      udp.length = udp.length + 0
      return flood()
    }
    if (config.how === 'all') {
      udp.destinationPort = 1000 + i
      if (i % 2 === 0) udp.sourcePort += 5
    }
    if (isLast) break
    at += IPv4.size + Udp.size
  }
  return flood()
})
