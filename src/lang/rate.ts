/** Rates: data-plane functions, compiled into the cube that calls them. */
import { atomic } from './atomic.ts'
import { type bool, type DataOf, type u32, u64 } from './types.ts'

/**
 * What a token bucket keeps in a table: `buckets: hash({ key, value: { ...tokenBucket }, entries })`. It is the time, in
 * nanoseconds of `now()`, at which the bucket will be full: 0 is a full one.
 */
export const tokenBucket = { full: u64 } as const

/** How often another CPU may come first before the tokens are refused. */
const TRIES = 4

/**
 * Takes tokens, if there are so many: false where there are not, and then none are taken. `rate` is in tokens a second, 8 at
 * least, `burst` what the bucket holds. Tokens are what you count: bytes, packets. Many CPUs can take from one bucket, and
 * together get no more than there is (ATM Forum TM 4.1, generic cell rate algorithm: one word, changed at once).
 */
export function takeTokens(bucket: DataOf<typeof tokenBucket>, tokens: u32, rate: u64, burst: u64, now: u64): bool {
  // Nanoseconds a token, with 20 bits of fraction: constant where the rate is.
  const scale: u64 = (1_000_000_000 << 20) / rate
  const cost: u64 = (u64(tokens) * scale) >> 20
  const depth: u64 = (burst * scale) >> 20
  for (let i = 0; i < TRIES; i++) {
    const full: u64 = bucket.full
    const after: u64 = (full > now ? full : now) + cost
    if (after > now + depth) return false
    if (atomic.compareExchange(bucket, 'full', full, after) === full) return true
  }
  return false
}
