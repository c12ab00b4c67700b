import { z } from 'zod'
import { defineCube } from '../../../src/cube/index.ts'
import { hash, mac, u16 } from '../../../src/lang/index.ts'

export const pair = defineCube('pair', {
  summary: 'two ports that lead to each other',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { senders: hash({ key: { address: mac }, value: { port: u16 }, entries: 64 }) },
  drops: { short: 'no Ethernet header' },
})
