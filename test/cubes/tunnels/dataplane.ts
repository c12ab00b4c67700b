import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, Geneve, Gre, header, IPv4, IPv6, Udp, u8, Vxlan } from '../../../src/lang/index.ts'

const kinds = ['none', 'vxlan', 'vxlan6', 'geneve', 'gre', 'gre6', 'ipip', 'ip6tnl'] as const

export const tunnels = defineCube('tunnels', {
  summary: 'makes room for the headers of tunnels, and takes them away',
  ports: z.strictObject({}),
  config: z.strictObject({ add: z.enum(kinds).default('none'), remove: z.enum(kinds).default('none') }),
  state: {},
  drops: { refused: 'the kernel refused', short: 'no Ethernet header', grown: 'room that is not there, or not zero' },
})

/** The first and the last byte of the room. */
export const Byte = header('Byte', { value: u8 })

export default dataplane(tunnels, (packet, { config, drop, flood }) => {
  if (config.remove === 'vxlan' && !packet.decapsulate(IPv4, Udp, Vxlan, Ethernet)) return drop('refused')
  if (config.remove === 'vxlan6' && !packet.decapsulate(IPv6, Udp, Vxlan, Ethernet)) return drop('refused')
  if (config.remove === 'geneve' && !packet.decapsulate(IPv4, Udp, Geneve, Ethernet)) return drop('refused')
  if (config.remove === 'gre' && !packet.decapsulate(IPv4, Gre)) return drop('refused')
  if (config.remove === 'gre6' && !packet.decapsulate(IPv6, Gre, Ethernet)) return drop('refused')
  if (config.remove === 'ipip' && !packet.decapsulate(IPv4)) return drop('refused')
  if (config.remove === 'ip6tnl' && !packet.decapsulate(IPv6)) return drop('refused')
  const before = packet.length
  if (config.add === 'vxlan' && !packet.encapsulate(IPv4, Udp, Vxlan, Ethernet)) return drop('refused')
  if (config.add === 'vxlan6' && !packet.encapsulate(IPv6, Udp, Vxlan, Ethernet)) return drop('refused')
  if (config.add === 'geneve' && !packet.encapsulate(IPv4, Udp, Geneve, Ethernet)) return drop('refused')
  if (config.add === 'gre' && !packet.encapsulate(IPv4, Gre)) return drop('refused')
  if (config.add === 'gre6' && !packet.encapsulate(IPv6, Gre, Ethernet)) return drop('refused')
  if (config.add === 'ipip' && !packet.encapsulate(IPv4)) return drop('refused')
  if (config.add === 'ip6tnl' && !packet.encapsulate(IPv6)) return drop('refused')
  if (config.add !== 'none' && packet.length <= before) return drop('grown')
  const first = packet.read(Byte, Ethernet.size)
  if (!first) return drop('short')
  if (config.add !== 'none' && first.value !== 0) return drop('grown')
  return flood()
})
