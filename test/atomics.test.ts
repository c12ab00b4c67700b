import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { encodeStruct } from '../src/lang/codec.ts'
import { atomic } from '../src/lang/index.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { type atomics, Order } from './cubes/atomics/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/atomics')
const OPERATIONS = ['add', 'or', 'and', 'xor', 'exchange', 'compareExchange'] as const
type Operation = (typeof OPERATIONS)[number]

const order = (operation: Operation, a: bigint, b: bigint) =>
  concat(
    packet().ethernet({ type: 0x88b5 }).bytes(),
    encodeStruct(Order, {
      operation: OPERATIONS.indexOf(operation),
      a: BigInt.asUintN(64, a),
      b: BigInt.asUintN(64, b),
    }),
  )

/** What a 64-bit integer is in each of the fields. */
const inEvery = (value: bigint) => ({
  wide: BigInt.asUintN(64, value),
  narrow: Number(BigInt.asUintN(32, value)),
  signed: Number(BigInt.asIntN(32, value)),
  long: BigInt.asIntN(64, value),
})

/** Before, operands, after: the same for all four fields, each in its own width. */
const ROWS: readonly (readonly [Operation, before: bigint, a: bigint, b: bigint, after: bigint])[] = [
  ['add', 5n, 3n, 0n, 8n],
  ['add', -1n, 1n, 0n, 0n],
  ['add', 0x7fffffff_7fffffffn, 1n, 0n, 0x7fffffff_80000000n],
  ['add', 1n, -3n, 0n, -2n],
  ['or', 0x0000f0f0_0000f0f0n, 0x0000000f_0000000fn, 0n, 0x0000f0ff_0000f0ffn],
  ['and', -1n, 0x12345678_9abcdef0n, 0n, 0x12345678_9abcdef0n],
  ['xor', 0x55555555_55555555n, -1n, 0n, 0x2aaaaaaa_aaaaaaaan | (1n << 63n)],
  ['exchange', -7n, 0x1_00000002n, 0n, 0x1_00000002n],
  ['compareExchange', -7n, -7n, 9n, 9n],
  ['compareExchange', -7n, 7n, 9n, -7n],
  ['compareExchange', 0x80000000_80000000n, 0x80000000_80000000n, -1n, -1n],
]

onEveryMachine('atomic operations', (openLab) => {
  describe.each([true, false])('with their results kept: %s', (keep) => {
    test.each(ROWS)('%s on %i', async (operation, before, a, b, after) => {
      using lab = await openLab<typeof atomics>({ cube, ports: { a: {} }, config: { keep } })
      const cell = { before: 0xaa, ...inEvery(before) }
      lab.table('cells').set({ index: 1 }, cell)
      expect(lab.send('a', order(operation, a, b))).toEqual({})
      expect(Object.keys(lab.counters('a').drops)).toEqual([keep ? 'kept' : 'done'])
      expect(lab.table('cells').get({ index: 1 })).toEqual({ ...cell, ...inEvery(after) })
      expect(lab.table('results').get({ index: 0 })).toEqual(inEvery(keep ? before : 0n))
      expect(lab.table('cells').get({ index: 0 })).toEqual({ before: 0, ...inEvery(0n) })
    })
  })
})

test('outside of a data plane there is nothing to call', () => {
  expect(() => atomic.add({ packets: 1 }, 'packets', 1)).toThrow('atomic.add is for data planes')
})
