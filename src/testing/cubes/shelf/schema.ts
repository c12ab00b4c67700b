import { defineCube } from 'tessera/cube'
import { array, hash, ipv4, list, lpmTrie, mac, perCpuHash, queue, u16, u32, u64 } from 'tessera/lang'
import { z } from 'zod'

/** A table of each form, for people to write to. It drops what arrives. */
export const shelf = defineCube('shelf', {
  summary: 'tables of all forms',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    flows: hash({
      summary: 'by two fields',
      key: { address: ipv4, port: u16 },
      value: { bytes: u64, station: mac, marks: list(u16, 2) },
      entries: 4,
      writable: true,
    }),
    routes: lpmTrie({ key: { destination: ipv4 }, value: { next: u32 }, entries: 16, writable: true }),
    slots: array({ value: { number: u32 }, entries: 3, writable: true }),
    counts: perCpuHash({ key: { id: u32 }, value: { packets: u64 }, entries: 8, writable: true }),
    seen: hash({ key: { id: u32 }, value: { number: u32 }, entries: 20_000 }),
    waiting: queue({ value: { id: u32 }, entries: 4, writable: true }),
  },
  drops: { kept: 'nothing leaves a shelf' },
})
