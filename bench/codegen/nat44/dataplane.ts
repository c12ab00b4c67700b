import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, hash, IPv4, ipv4, PROTOCOL, Tcp, Udp, u8, u16 } from '../../../src/lang/index.ts'

const cube = defineCube('nat44', {
  summary: 'another source address and port',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    translations: hash({
      key: { address: ipv4, port: u16, protocol: u8 },
      value: { address: ipv4, port: u16 },
      entries: 65_536,
    }),
  },
  drops: { truncated: 'short', untranslated: 'no translation' },
})

export default dataplane(cube, (packet, { state, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.headerLength !== 5 || ip.fragmentOffset !== 0) return pass()
  if (ip.protocol === PROTOCOL.tcp) {
    const tcp = packet.read(Tcp, 34)
    if (!tcp) return drop('truncated')
    const to = state.translations.get({ address: ip.source, port: tcp.sourcePort, protocol: PROTOCOL.tcp })
    if (!to) return drop('untranslated')
    ip.source = to.address
    tcp.sourcePort = to.port
    return forward(1)
  }
  if (ip.protocol !== PROTOCOL.udp) return pass()
  const udp = packet.read(Udp, 34)
  if (!udp) return drop('truncated')
  const to = state.translations.get({ address: ip.source, port: udp.sourcePort, protocol: PROTOCOL.udp })
  if (!to) return drop('untranslated')
  ip.source = to.address
  udp.sourcePort = to.port
  return forward(1)
})
