import { defineCube } from 'tessera/cube'
import { lruHash, mac, portId, u64 } from 'tessera/lang'
import { z } from 'zod'

export const doorman = defineCube('doorman', {
  summary: 'asks its control plane about strangers, and forwards by what that has learned',
  ports: z.strictObject({}),
  config: z.strictObject({
    stay: z.int().min(1).default(300).describe('seconds after which a guest is a stranger again'),
  }),
  state: {
    guests: lruHash({
      summary: 'who is where, since when',
      key: { address: mac },
      value: { port: portId, since: u64 },
      entries: 1024,
      writable: true,
    }),
  },
  drops: { truncated: 'shorter than an Ethernet header' },
  punts: {
    stranger: { summary: 'nobody knows the sender here', metadata: { source: mac, destination: mac } },
  },
})
