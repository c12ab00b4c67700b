import { defineCube } from 'tessera/cube'
import { z } from 'zod'

/** Ports are numbered in their order: the first and the second lead to each other. */
export const patch = defineCube('patch', {
  summary: 'two ends of a line: what comes in by one port leaves by the other',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: { truncated: 'shorter than an Ethernet header' },
})
