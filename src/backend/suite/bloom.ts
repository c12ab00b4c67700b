import { expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, call, loadMap, mov, store } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, take, valueIn } from './frame.ts'
import { mapOf, value } from './layouts.ts'

const ENOENT = -2n
const EINVAL = -22n

const bloom: MapDescription = {
  ...mapOf('bloom_filter', 1000),
  key: { kind: 'struct', size: 0, align: 1, fields: [] },
}

/** With the value from the packet (position 0), the helper's result to position 1. */
const asking = (helper: 'map_push_elem' | 'map_peek_elem', flags = 0): Program =>
  bodied(
    'ask',
    [
      take('r8', 0),
      store(8, 'r10', -8, 'r8'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      mov('r3', flags),
      call(helper),
      put(1, 'r0'),
    ],
    { maps: { map: bloom }, stack: 8 },
  )

export function bloomSuite(open: () => Machine): void {
  test('has what was added, from outside', () => {
    using machine = open()
    using map = machine.createMap('seen', bloom)
    expect(map.has(value(1n))).toBe(false)
    map.update(new Uint8Array(), value(1n))
    map.update(new Uint8Array(), value(1n))
    expect([map.has(value(1n)), map.has(value(2n))]).toEqual([true, false])
  })

  test('has what was added, by programs', () => {
    using machine = open()
    using map = machine.createMap('seen', bloom)
    using push = machine.load(asking('map_push_elem'), { map })
    using wrong = machine.load(asking('map_push_elem', 1), { map })
    using peek = machine.load(asking('map_peek_elem'), { map })
    const results = [
      [peek, 7n],
      [push, 7n],
      [wrong, 8n],
      [peek, 7n],
      [peek, 8n],
    ] as const
    expect(
      results.map(([program, number]) => BigInt.asIntN(64, valueIn(program.run(frameOf(number)).packet, 1))),
    ).toEqual([ENOENT, 0n, EINVAL, 0n, ENOENT])
    expect([map.has(value(7n)), map.has(value(8n))]).toEqual([true, false])
  })

  test('has nothing to look up, list or delete', () => {
    using machine = open()
    using map = machine.createMap('seen', bloom)
    expect(() => map.lookup(new Uint8Array())).toThrow(Refusal)
    expect(() => map.delete(new Uint8Array())).toThrow(Refusal)
    expect(() => map.entries()).toThrow(Refusal)
    expect(() => map.pop()).toThrow(Refusal)
    expect(() => map.has(new Uint8Array(3))).toThrow(Refusal)
    using other = machine.createMap('entries', mapOf('hash', 2))
    expect(() => other.has(value(1n))).toThrow(Refusal)
  })
}
