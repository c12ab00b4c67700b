import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, hash, IPv4, PROTOCOL, Udp, u16, u64 } from '../../../src/lang/index.ts'

const outlet = defineCube('outlet', {
  summary: 'what may leave: everything but UDP to some ports, and one VLAN',
  ports: z.strictObject({}),
  config: z.strictObject({ vlan: z.int().min(0).max(4094).default(0) }),
  state: { blocked: hash({ key: { port: u16 }, value: { packets: u64 }, entries: 16 }) },
  drops: { truncated: 'too short', blocked: 'to a port that is blocked', other: 'of another VLAN' },
})

export default dataplane(outlet, (packet, { state, config, drop, pass }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (packet.vlan !== config.vlan) return drop('other')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ip) return drop('truncated')
  if (ip.protocol !== PROTOCOL.udp || ip.headerLength !== 5) return pass()
  const udp = packet.read(Udp, Ethernet.size + IPv4.size)
  if (!udp) return drop('truncated')
  const blocked = state.blocked.get({ port: udp.destinationPort })
  if (!blocked) return pass()
  blocked.packets++
  return drop('blocked')
})
