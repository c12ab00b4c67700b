import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, atomic, Ethernet, header, i32, i64, u8, u32, u64 } from '../../../src/lang/index.ts'

/** The number of an operation, and its operands. */
export const Order = header('Order', { operation: u8, a: u64, b: u64 })

export const atomics = defineCube('atomics', {
  summary: 'does what packets say to every field of an entry',
  ports: z.strictObject({}),
  config: z.strictObject({ keep: z.boolean() }),
  state: {
    cells: array({ value: { before: u8, wide: u64, narrow: u32, signed: i32, long: i64 }, entries: 2 }),
    results: array({ value: { wide: u64, narrow: u32, signed: i32, long: i64 }, entries: 1 }),
  },
  drops: { truncated: 'no order', unknown: 'no such operation', kept: 'with results', done: 'without' },
})

export default dataplane(atomics, (packet, { state, config, drop }) => {
  const order = packet.read(Order, Ethernet.size)
  const cell = state.cells.get({ index: 1 })
  const result = state.results.get({ index: 0 })
  if (!order || !cell || !result) return drop('truncated')
  switch (order.operation) {
    case 0:
      if (config.keep) {
        result.wide = atomic.add(cell, 'wide', order.a)
        result.narrow = atomic.add(cell, 'narrow', order.a)
        result.signed = atomic.add(cell, 'signed', order.a)
        result.long = atomic.add(cell, 'long', order.a)
        return drop('kept')
      }
      atomic.add(cell, 'wide', order.a)
      atomic.add(cell, 'narrow', order.a)
      atomic.add(cell, 'signed', order.a)
      atomic.add(cell, 'long', order.a)
      return drop('done')
    case 1:
      if (config.keep) {
        result.wide = atomic.or(cell, 'wide', order.a)
        result.narrow = atomic.or(cell, 'narrow', order.a)
        result.signed = atomic.or(cell, 'signed', order.a)
        result.long = atomic.or(cell, 'long', order.a)
        return drop('kept')
      }
      atomic.or(cell, 'wide', order.a)
      atomic.or(cell, 'narrow', order.a)
      atomic.or(cell, 'signed', order.a)
      atomic.or(cell, 'long', order.a)
      return drop('done')
    case 2:
      if (config.keep) {
        result.wide = atomic.and(cell, 'wide', order.a)
        result.narrow = atomic.and(cell, 'narrow', order.a)
        result.signed = atomic.and(cell, 'signed', order.a)
        result.long = atomic.and(cell, 'long', order.a)
        return drop('kept')
      }
      atomic.and(cell, 'wide', order.a)
      atomic.and(cell, 'narrow', order.a)
      atomic.and(cell, 'signed', order.a)
      atomic.and(cell, 'long', order.a)
      return drop('done')
    case 3:
      if (config.keep) {
        result.wide = atomic.xor(cell, 'wide', order.a)
        result.narrow = atomic.xor(cell, 'narrow', order.a)
        result.signed = atomic.xor(cell, 'signed', order.a)
        result.long = atomic.xor(cell, 'long', order.a)
        return drop('kept')
      }
      atomic.xor(cell, 'wide', order.a)
      atomic.xor(cell, 'narrow', order.a)
      atomic.xor(cell, 'signed', order.a)
      atomic.xor(cell, 'long', order.a)
      return drop('done')
    case 4:
      if (config.keep) {
        result.wide = atomic.exchange(cell, 'wide', order.a)
        result.narrow = atomic.exchange(cell, 'narrow', order.a)
        result.signed = atomic.exchange(cell, 'signed', order.a)
        result.long = atomic.exchange(cell, 'long', order.a)
        return drop('kept')
      }
      atomic.exchange(cell, 'wide', order.a)
      atomic.exchange(cell, 'narrow', order.a)
      atomic.exchange(cell, 'signed', order.a)
      atomic.exchange(cell, 'long', order.a)
      return drop('done')
    case 5:
      if (config.keep) {
        result.wide = atomic.compareExchange(cell, 'wide', order.a, order.b)
        result.narrow = atomic.compareExchange(cell, 'narrow', order.a, order.b)
        result.signed = atomic.compareExchange(cell, 'signed', order.a, order.b)
        result.long = atomic.compareExchange(cell, 'long', order.a, order.b)
        return drop('kept')
      }
      atomic.compareExchange(cell, 'wide', order.a, order.b)
      atomic.compareExchange(cell, 'narrow', order.a, order.b)
      atomic.compareExchange(cell, 'signed', order.a, order.b)
      atomic.compareExchange(cell, 'long', order.a, order.b)
      return drop('done')
    default:
      return drop('unknown')
  }
})
