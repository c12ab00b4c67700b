import { defineCube } from 'tessera/cube'
import { z } from 'zod'

export const inlet = defineCube('inlet', {
  shape: 'transparent',
  summary: 'lets packets in, and none out',
  config: z.strictObject({}),
  state: {},
  drops: { outward: 'on its way out' },
})
