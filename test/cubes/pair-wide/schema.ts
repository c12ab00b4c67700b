import { z } from 'zod'
import { defineCube } from '../../../src/cube/index.ts'
import { hash, mac, u32 } from '../../../src/lang/index.ts'

export const pair = defineCube('pair', {
  summary: 'two ports that lead to each other, with wider numbers',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { senders: hash({ key: { address: mac }, value: { port: u32 }, entries: 128 }) },
  drops: { short: 'no Ethernet header' },
})
