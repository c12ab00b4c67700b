import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  array,
  checksumReplace,
  checksumReplace32,
  Ethernet,
  header,
  jenkins,
  Tcp,
  takeTokens,
  tcpConnection,
  tcpTrack,
  tokenBucket,
  u8,
  u16,
  u32,
  u64,
  xxhash,
  xxhashBegin,
  xxhashEnd,
} from '../../../src/lang/index.ts'

/** What to call, and with what. */
export const Order = header('Order', { call: u8, a: u32, b: u32, c: u32, seed: u32, first: u64, second: u64 })

export const library = defineCube('library', {
  summary: 'calls functions of the library with what packets say',
  ports: z.strictObject({}),
  config: z.strictObject({ rate: z.int().default(1000), burst: z.int().default(1000) }),
  state: {
    results: array({ value: { narrow: u32, wide: u64, checksum: u16 }, entries: 1 }),
    buckets: array({ value: { ...tokenBucket }, entries: 1 }),
    connections: array({ value: { ...tcpConnection }, entries: 1 }),
  },
  drops: { truncated: 'no order', done: 'called', refused: 'called, and false', unknown: 'no such function' },
})

export default dataplane(library, (packet, { state, config, now, drop }) => {
  const order = packet.read(Order, Ethernet.size)
  const result = state.results.get({ index: 0 })
  const bucket = state.buckets.get({ index: 0 })
  const connection = state.connections.get({ index: 0 })
  if (!order || !result || !bucket || !connection) return drop('truncated')
  switch (order.call) {
    case 0:
      result.narrow = jenkins(order.a, order.b, order.c, order.seed)
      return drop('done')
    case 1:
      result.wide = xxhashEnd(xxhash(xxhash(xxhashBegin(16, order.seed), order.first), order.second))
      return drop('done')
    case 2:
      result.checksum = checksumReplace(order.a, order.b, order.c)
      return drop('done')
    case 3:
      result.checksum = checksumReplace32(order.a, order.b, order.c)
      return drop('done')
    case 4:
      return takeTokens(bucket, order.a, config.rate, config.burst, now()) ? drop('done') : drop('refused')
    case 5: {
      const tcp = packet.read(Tcp, Ethernet.size + Order.size)
      if (!tcp) return drop('truncated')
      return tcpTrack(connection, tcp, order.a === 1, now()) ? drop('done') : drop('refused')
    }
    default:
      return drop('unknown')
  }
})
