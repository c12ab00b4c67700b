import { defineCube } from 'tessera/cube'
import { lruHash, mac, u64 } from 'tessera/lang'
import { z } from 'zod'

export const hub = defineCube('hub', {
  summary: 'repeats every frame out of all other ports',
  ports: z.strictObject({}),
  config: z.strictObject({
    ipv4: z.boolean().default(true).describe('carry IPv4 and ARP'),
  }),
  state: {
    talkers: lruHash({ key: { address: mac }, value: { seen: u64 }, entries: 1024 }),
  },
  drops: {
    truncated: 'shorter than an Ethernet header',
    ipv4: 'IPv4 or ARP, and this hub carries neither',
  },
})
