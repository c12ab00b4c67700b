import { defineCube } from 'tessera/cube'
import { cell, u64 } from 'tessera/lang'
import { z } from 'zod'

export const grinder = defineCube('grinder', {
  summary: 'passes packets from one port to the other, after so much work that a program has room for one of it',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { results: cell({ value: { last: u64 } }) },
  drops: {},
})
