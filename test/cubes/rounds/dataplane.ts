import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, header, u8, u32, u64 } from '../../../src/lang/index.ts'

const ROUNDS = 64

export const rounds = defineCube('rounds', {
  summary: 'loops whose branches depend on earlier rounds',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    samples: array({ value: { left: u32, right: u32 }, entries: ROUNDS }),
    results: array({ value: { count: u32, seen: u32, sum: u64, mode: u32, crc: u32, options: u32 }, entries: 1 }),
  },
  drops: { missing: 'no entry', counted: 'all others' },
})

export const Option = header('Option', { kind: u8, length: u8 })
export const Kind = header('Kind', { kind: u8 })

export default dataplane(rounds, (packet, { state, drop }) => {
  const results = state.results.get({ index: 0 })
  if (!results) return drop('missing')
  let count: u32 = 0
  let seen: u32 = 0
  let sum: u64 = 0
  let mode: u32 = 0
  for (let i: u32 = 0; i < ROUNDS; i++) {
    const sample = state.samples.get({ index: i })
    if (!sample) return drop('missing')
    if (sample.left > sample.right) count += 1
    if (seen !== 0x55 && sample.left === sample.right) seen |= 1 << (i & 31)
    if (sum > 0x1_0000_0000) sum -= sample.left
    else sum += sample.right
    if (mode === 0) mode = sample.left === 7 ? 1 : 0
    else if (mode === 1) mode = count > 9 ? 2 : 1
    else if (sample.right > count) mode = 3
    if (count > 40) break
  }
  results.count = count
  results.seen = seen
  results.sum = sum
  results.mode = mode

  let crc: u32 = 0xffffffff
  for (let i: u32 = 0; i < 32; i++) {
    if ((crc & 1) === 1) crc = (crc >>> 1) ^ 0xedb88320
    else crc = crc >>> 1
  }
  results.crc = crc

  let at: u32 = 14
  let options: u32 = 0
  for (let i: u32 = 0; i < 40; i++) {
    const kind = packet.read(Kind, at)
    if (!kind || kind.kind === 0) break
    if (kind.kind === 1) {
      at += 1
      continue
    }
    const option = packet.read(Option, at)
    if (!option || option.length === 0) break
    if (option.kind === 8) options += 1
    at += option.length
  }
  results.options = options
  return drop('counted')
})
