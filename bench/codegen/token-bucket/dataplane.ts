import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, hash, IPv4, ipv4, u64 } from '../../../src/lang/index.ts'

/** 1 Gbit/s, and ten seconds of it at once. */
const NANOSECONDS_A_BYTE = 8
const BURST = 10_000_000_000

const cube = defineCube('token-bucket', {
  summary: 'a rate for each source, kept as time that has not been spent',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { buckets: hash({ key: { source: ipv4 }, value: { credit: u64, updated: u64 }, entries: 4096 }) },
  drops: { truncated: 'short', unknown: 'no bucket', over_rate: 'too fast' },
})

export default dataplane(cube, (packet, { state, now, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  const bucket = state.buckets.get({ source: ip.source })
  if (!bucket) return drop('unknown')
  const time = now()
  let credit: u64 = bucket.credit + (time - bucket.updated)
  if (credit > BURST) credit = BURST
  bucket.updated = time
  const cost: u64 = packet.length * NANOSECONDS_A_BYTE
  if (credit < cost) {
    bucket.credit = credit
    return drop('over_rate')
  }
  bucket.credit = credit - cost
  return forward(1)
})
