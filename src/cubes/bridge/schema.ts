import { z } from 'zod'
import { defineCube } from '../../cube/index.ts'
import { lruHash, mac, portId, u64 } from '../../lang/index.ts'

export const bridge = defineCube('bridge', {
  summary: 'a learning Ethernet switch',
  ports: z.strictObject({
    learning: z.boolean().default(true).describe('learn the stations behind this port'),
  }),
  config: z.strictObject({
    agingTime: z.int().min(1).max(1_000_000).default(300).describe('seconds before an unseen station is forgotten'),
  }),
  state: {
    stations: lruHash({
      summary: 'who was seen where, and when',
      key: { address: mac },
      value: { port: portId, seen: u64 },
      entries: 65_536,
    }),
  },
  drops: {
    truncated: 'shorter than an Ethernet header',
    invalid_source: 'the source is a group or nobody, and neither can send',
    link_local: 'for this segment only: 01-80-C2-00-00-00 to -0F (IEEE 802.1Q, table 8-1)',
    same_port: 'the station is where the packet came from',
  },
})
