import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, call, load, loadMap, mov, store } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, take, valueIn } from './frame.ts'
import { mapOf, value } from './layouts.ts'

const ENOENT = -2n
const E2BIG = -7n
const EINVAL = -22n
const FLAG = { any: 0, noExist: 1, exist: 2 } as const
type Kind = 'queue' | 'stack'

const sequenceOf = (kind: Kind, entries: number): MapDescription => ({
  ...mapOf(kind, entries),
  key: { kind: 'struct', size: 0, align: 1, fields: [] },
})
const NO_KEY = new Uint8Array()

/** `r1 = map; r2 = &value` on the stack. */
const mapAndValue = [mov('r2', 'r10'), alu64('add', 'r2', -8), loadMap('r1', 'map')]

/** The value from the packet (position 0), the helper's result to position 1. */
const pushing = (kind: Kind, entries: number, flags: number): Program =>
  bodied(
    'push',
    [take('r8', 0), store(8, 'r10', -8, 'r8'), ...mapAndValue, mov('r3', flags), call('map_push_elem'), put(1, 'r0')],
    { maps: { map: sequenceOf(kind, entries) }, stack: 8 },
  )

/** The value to position 0, the helper's result to position 1. */
const getting = (kind: Kind, entries: number, helper: 'map_pop_elem' | 'map_peek_elem'): Program =>
  bodied('get', [...mapAndValue, call(helper), load(8, 'r3', 'r10', -8), put(0, 'r3'), put(1, 'r0')], {
    maps: { map: sequenceOf(kind, entries) },
    stack: 8,
  })

export function queueSuite(open: () => Machine): void {
  describe.each([
    ['queue', [1n, 2n, 3n]],
    ['stack', [3n, 2n, 1n]],
  ] as const)('a %s', (kind, order) => {
    test('gives values in its order, from outside', () => {
      using machine = open()
      using map = machine.createMap('values', sequenceOf(kind, 3))
      expect(map.lookup(NO_KEY)).toBeUndefined()
      expect(map.pop()).toBeUndefined()
      for (const number of [1n, 2n, 3n]) map.update(NO_KEY, value(number))
      expect(() => map.update(NO_KEY, value(4n))).toThrow(Refusal)
      expect(map.lookup(NO_KEY)).toEqual(value(order[0]))
      expect([map.pop(), map.pop(), map.pop(), map.pop()]).toEqual([...order.map(value), undefined])
    })

    test('keeps copies', () => {
      using machine = open()
      using map = machine.createMap('values', sequenceOf(kind, 3))
      const bytes = value(1n)
      map.update(NO_KEY, bytes)
      bytes.fill(0xff)
      map.lookup(NO_KEY)?.fill(0xee)
      expect(map.pop()).toEqual(value(1n))
    })

    test('has no keys, and cannot be listed', () => {
      using machine = open()
      using map = machine.createMap('values', sequenceOf(kind, 3))
      expect(() => map.entries()).toThrow(Refusal)
      expect(() => map.delete(NO_KEY)).toThrow(Refusal)
      expect(() => map.lookup(new Uint8Array(4))).toThrow(Refusal)
      expect(() => machine.createMap('values', mapOf(kind, 3))).toThrow(Refusal)
    })

    test('gives values in its order to programs', () => {
      using machine = open()
      using map = machine.createMap('values', sequenceOf(kind, 4))
      using push = machine.load(pushing(kind, 4, FLAG.any), { map })
      using pop = machine.load(getting(kind, 4, 'map_pop_elem'), { map })
      using peek = machine.load(getting(kind, 4, 'map_peek_elem'), { map })
      for (const number of [1n, 2n, 3n]) expect(valueIn(push.run(frameOf(number)).packet, 1)).toBe(0n)
      const results = [peek, pop, pop, peek, pop, peek, pop].map((program) => {
        const { packet } = program.run(frameOf(99n))
        return [valueIn(packet, 0), BigInt.asIntN(64, valueIn(packet, 1))]
      })
      const [a, b, c] = order
      expect(results).toEqual([
        [a, 0n],
        [a, 0n],
        [b, 0n],
        [c, 0n],
        [c, 0n],
        [0n, ENOENT],
        [0n, ENOENT],
      ])
    })

    test.each([
      ['any', FLAG.any, E2BIG, [1n, 2n]],
      ['exist, which gives up the oldest', FLAG.exist, 0n, [2n, 3n]],
      ['noExist', FLAG.noExist, EINVAL, [1n, 2n]],
      ['unknown ones', 4, EINVAL, [1n, 2n]],
    ] as const)('is full: a program pushes with flags %s', (_, flags, result, left) => {
      using machine = open()
      using map = machine.createMap('values', sequenceOf(kind, 2))
      for (const number of [1n, 2n]) map.update(NO_KEY, value(number))
      using push = machine.load(pushing(kind, 2, flags), { map })
      expect(BigInt.asIntN(64, valueIn(push.run(frameOf(3n)).packet, 1))).toBe(result)
      expect([map.pop(), map.pop()]).toEqual((kind === 'queue' ? left : [...left].reverse()).map(value))
    })
  })

  test('a map with keys has nothing to pop', () => {
    using machine = open()
    using map = machine.createMap('entries', mapOf('hash', 2))
    expect(() => map.pop()).toThrow(Refusal)
  })
}
