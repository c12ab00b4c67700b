import { defineCube } from 'tessera/cube'
import { header, list, u8 } from 'tessera/lang'
import { z } from 'zod'

/** What cubes leave in packets, behind the Ethernet header. */
export const Stamps = header('Stamps', { marks: list(u8, 8) })

export const stamp = defineCube('stamp', {
  summary: 'leaves its number in packets, and repeats them out of all other ports',
  ports: z.strictObject({}),
  config: z.strictObject({
    place: z.int().min(0).max(7),
    number: z.int().min(0).max(255),
  }),
  state: {},
  drops: { truncated: 'no room for stamps' },
})
