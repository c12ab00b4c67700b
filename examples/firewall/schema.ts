import { defineCube } from 'tessera/cube'
import { z } from 'zod'

const port = z.int().min(0).max(65_535)

export const firewall = defineCube('firewall', {
  summary: 'a stateless packet filter: the first rule that a packet meets decides',
  ports: z.strictObject({}),
  config: z.strictObject({
    rules: z
      .array(
        z.strictObject({
          source: z.string().optional().describe('a prefix of IPv4 or IPv6; any if left out'),
          destination: z.string().optional().describe('the same'),
          protocol: z.enum(['tcp', 'udp', 'icmp', 'icmpv6']).optional(),
          ports: z.strictObject({ first: port, last: port }).optional().describe('destination ports of TCP and UDP'),
          action: z.enum(['accept', 'deny']),
        }),
      )
      .max(64)
      .default([]),
    otherwise: z.enum(['accept', 'deny']).default('deny').describe('what becomes of the rest'),
  }),
  state: {},
  drops: {
    truncated: 'shorter than its headers',
    fragment: 'not the first fragment: its ports are in another packet',
    denied: 'a rule says so, or none lets it through',
  },
})
