import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { bool, ETHERTYPE, Ethernet, IPv4, ipv4, ipv6, mac, u8, u16, u64 } from '../../../src/lang/index.ts'

export const asker = defineCube('asker', {
  summary: 'leaves all packets to the control plane, for one reason or another',
  ports: z.strictObject({}),
  config: z.strictObject({ why: z.enum(['plain', 'head', 'told']).default('plain') }),
  state: {},
  drops: { truncated: 'too short' },
  punts: {
    plain: 'whole, and nothing else',
    head: { summary: 'the first bytes', packet: 40 },
    told: {
      summary: 'with all that is known',
      metadata: { octet: u8, time: u64, from: ipv4, flag: bool, who: mac, port: u16, mapped: ipv6 },
      packet: 4000,
    },
  },
})

export default dataplane(asker, (packet, { config, port, now, drop, pass, punt }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (config.why === 'plain') return punt('plain')
  if (config.why === 'head') return punt('head')
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ip || ethernet.type !== ETHERTYPE.ipv4) return pass()
  const from = ip.source
  ip.timeToLive -= 1
  const mapped = ipv6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, from[0], from[1], from[2], from[3]])
  const who = ethernet.source
  return punt('told', { octet: ip.protocol, time: now(), from, flag: ip.timeToLive > 1, who, port: port.id, mapped })
})
