import { defineCube } from 'tessera/cube'
import { array, u64 } from 'tessera/lang'
import { z } from 'zod'

/** Indices of `seen`. */
export const INGRESS = 0
export const EGRESS = 1

export const tap = defineCube('tap', {
  shape: 'transparent',
  summary: 'counts what passes it, each way',
  config: z.strictObject({}),
  state: { seen: array({ value: { packets: u64 }, entries: 2 }) },
  drops: {},
})
