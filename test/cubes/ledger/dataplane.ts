import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { cell, Ethernet, hash, list, mac, ring, u8, u16, u32, u64 } from '../../../src/lang/index.ts'

export const ledger = defineCube('ledger', {
  summary: 'keeps lists and records in a table, a number in a cell, and tells of each packet',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    books: hash({
      key: { owner: mac, marks: list(u8, 2) },
      value: { lengths: list(u16, 3), entries: list({ peer: mac, amount: u32 }, 2), total: u64 },
      entries: 8,
    }),
    gauge: cell({ value: { packets: u64, last: u32 } }),
    events: ring({ value: { source: mac, length: u32 }, bytes: 4096 }),
  },
  drops: { truncated: 'too short', done: 'all others' },
})

export default dataplane(ledger, (packet, { state, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const { source, destination } = ethernet
  const first = { peer: destination, amount: packet.length }
  state.books.set(
    { owner: source, marks: [5, 6] },
    { lengths: [1, packet.length, 3], entries: [first, { peer: source, amount: 7 }], total: 9 },
  )
  const gauge = state.gauge.get()
  gauge.packets += 1
  gauge.last = packet.length
  state.events.emit({ source, length: packet.length })
  return drop('done')
})
