import { defineCube } from 'tessera/cube'
import { z } from 'zod'

export const steer = defineCube('steer', {
  summary: 'sends all packets to one port',
  ports: z.strictObject({}),
  config: z.strictObject({
    to: z.number().int().min(0).max(65_535).describe('the number of a port, which count from 0'),
  }),
  state: {},
  drops: {},
})
