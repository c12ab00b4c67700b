import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  array,
  type bool,
  type DataOf,
  Ethernet,
  hash,
  list,
  locked,
  mac,
  u16,
  u32,
  u64,
  withLock,
} from '../../../src/lang/index.ts'

export const shaper = defineCube('shaper', {
  summary: 'lets each sender send so many bytes a second',
  ports: z.strictObject({}),
  config: z.strictObject({ rate: z.number().int().default(100), burst: z.number().int().default(200) }),
  state: {
    buckets: locked(hash({ key: { address: mac }, value: { tokens: u64, filled: u64, last: u16 }, entries: 16 })),
    totals: locked(array({ value: { packets: u32, bytes: u64, longest: u16, by: list(u16, 7) }, entries: 2 })),
  },
  drops: { truncated: 'too short', new: 'the first one', taken: 'within its rate', limited: 'over its rate' },
})

type Bucket = DataOf<typeof shaper.state.buckets.value.fields>
type Total = DataOf<typeof shaper.state.totals.value.fields>

const NANOSECONDS = 1_000_000_000

function add(total: Total, length: u32): void {
  total.packets += 1
  total.bytes += length
  total.by[length % 7] = total.by.at(length % 7) + 1
  if (length > total.longest) total.longest = length
}

function earned(time: u64, rate: u64): u64 {
  return (time * rate) / NANOSECONDS
}

function take(bucket: Bucket, length: u32, time: u64, rate: u64, burst: u64): bool {
  let tokens: u64 = bucket.tokens + earned(time - bucket.filled, rate)
  if (tokens > burst) tokens = burst
  bucket.filled = time
  bucket.last = length
  if (tokens < length) {
    bucket.tokens = tokens
    return false
  }
  bucket.tokens = tokens - length
  return true
}

export default dataplane(shaper, (packet, { state, config, now, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const total = state.totals.get({ index: 1 })
  if (total) withLock(total, add, packet.length)
  const bucket = state.buckets.get({ address: ethernet.source })
  if (!bucket) {
    state.buckets.add({ address: ethernet.source }, { tokens: config.burst, filled: now(), last: 0 })
    return drop('new')
  }
  return withLock(bucket, take, packet.length, now(), config.rate, config.burst) ? drop('taken') : drop('limited')
})
