import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, IPv4, Tcp } from '../../../src/lang/index.ts'

export const restarter = defineCube('restarter', {
  summary: 'gives TCP segments a sequence number that the configuration knows',
  ports: z.strictObject({}),
  config: z.strictObject({ sequence: z.number() }),
  state: {},
  drops: { truncated: 'too short' },
})

export default dataplane(restarter, (packet, { config, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  const tcp = packet.read(Tcp, Ethernet.size + IPv4.size)
  if (!ethernet || !tcp) return drop('truncated')
  if (ethernet.type === ETHERTYPE.ipv4) tcp.sequence = config.sequence
  return flood()
})
