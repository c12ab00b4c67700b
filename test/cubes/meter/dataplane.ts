import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { atomic, cell, Ethernet, hash, mac, u16, u32, u64 } from '../../../src/lang/index.ts'

export const meter = defineCube('meter', {
  summary: 'measures what comes in, and remembers who came first and last',
  ports: z.strictObject({}),
  config: z.strictObject({ first: z.boolean().default(true) }),
  state: {
    gauge: cell({ value: { packets: u64, longest: u32, source: mac, level: u16 } }),
    limit: cell({ value: { length: u32 } }),
    firsts: hash({ key: { address: mac }, value: { length: u32 }, entries: 2 }),
    lasts: hash({ key: { address: mac }, value: { length: u32 }, entries: 2 }),
  },
  drops: { truncated: 'too short', long: 'longer than the limit', known: 'came before', metered: 'all others' },
})

export default dataplane(meter, (packet, { state, config, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const gauge = state.gauge.get()
  atomic.add(gauge, 'packets', 1)
  if (packet.length > gauge.longest) {
    gauge.longest = packet.length
    gauge.source = ethernet.source
  }
  const limit = state.limit.get()
  if (limit.length !== 0 && packet.length > limit.length) return drop('long')
  state.lasts.replace({ address: ethernet.source }, { length: packet.length })
  if (config.first && !state.firsts.add({ address: ethernet.source }, { length: packet.length })) return drop('known')
  gauge.level++
  return drop('metered')
})
