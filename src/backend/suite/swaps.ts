import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, call, jump, label, load, loadMap, mov, store } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, runOnce, take, valueIn } from './frame.ts'
import { key, listing, mapOf, value } from './layouts.ts'

const KINDS = ['hash', 'array'] as const
const swappable = (kind: (typeof KINDS)[number], entries = 4): MapDescription => ({
  ...mapOf('array_of_maps', 1),
  value: mapOf('array_of_maps', 1).key,
  inner: mapOf(kind, entries),
})

/** Key from the packet (position 0); the value to position 1: 0 where there is no such entry, or no map. */
const lookingUp = (description: MapDescription, place = 0): Program =>
  bodied(
    'lookup',
    [
      take('r8', 0),
      store(4, 'r10', -8, place),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
      mov('r9', 0),
      jump('jeq', 'r0', 0, 'missing'),
      store(4, 'r10', -8, 'r8'),
      mov('r1', 'r0'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      call('map_lookup_elem'),
      jump('jeq', 'r0', 0, 'missing'),
      load(8, 'r9', 'r0', 0),
      label('missing'),
      put(1, 'r9'),
    ],
    { maps: { map: description }, stack: 8 },
  )

export function swapSuite(open: () => Machine): void {
  describe.each(KINDS)('with a %s in it', (kind) => {
    test('has the entries of what is in it', () => {
      using machine = open()
      using map = machine.createMap('map', swappable(kind))
      map.update(key(1), value(11n))
      expect(map.lookup(key(1))).toEqual(value(11n))
      expect(listing(map).filter(([, number]) => number > 0n)).toEqual([[1, 11n]])
      expect(map.valueSize).toBe(8)
      expect(() => map.lookup(new Uint8Array(3))).toThrow(Refusal)
    })

    test('programs see what takes its place', () => {
      using machine = open()
      using map = machine.createMap('map', swappable(kind))
      using program = machine.load(lookingUp(swappable(kind)), { map })
      const seen = () => [1n, 2n, 9n].map((number) => valueIn(program.run(frameOf(number)).packet, 1))
      expect(seen()).toEqual([0n, 0n, 0n])
      map.update(key(1), value(11n))
      expect(seen()).toEqual([11n, 0n, 0n])
      map.replaceAll([
        [key(2), value(22n)],
        [key(1), value(12n)],
      ])
      expect(seen()).toEqual([12n, 22n, 0n])
      map.replaceAll([[key(2), value(23n)]])
      expect(seen()).toEqual([0n, 23n, 0n])
    })
  })

  test('there is no map past its end', () => {
    using machine = open()
    using map = machine.createMap('map', swappable('hash'))
    map.update(key(1), value(11n))
    expect(valueIn(runOnce(machine, lookingUp(swappable('hash'), 1), frameOf(1n), { map }).packet, 1)).toBe(0n)
  })

  test('nothing changes where the new entries do not fit', () => {
    using machine = open()
    using map = machine.createMap('map', swappable('hash'))
    map.update(key(9), value(9n))
    expect(() => map.replaceAll(Array.from({ length: 5 }, (_, i) => [key(i), value(1n)] as const))).toThrow(Refusal)
    expect(listing(map)).toEqual([[9, 9n]])
  })

  test('is found again with what is in it, and not by those who want another one', () => {
    using machine = open()
    using map = machine.createMap('map', swappable('hash'))
    map.pin('suite/swap')
    try {
      map.replaceAll([[key(1), value(1n)]])
      using again = machine.openMap('suite/swap', swappable('hash'))
      expect(again && listing(again)).toEqual([[1, 1n]])
      expect(machine.openMap('suite/swap', swappable('hash', 5))).toBeUndefined()
      expect(machine.openMap('suite/swap', swappable('array'))).toBeUndefined()
    } finally {
      machine.unpin('suite/swap')
    }
  })

  test('other maps cannot be replaced', () => {
    using machine = open()
    using map = machine.createMap('map', mapOf('hash', 4))
    expect(() => map.replaceAll([])).toThrow(Refusal)
  })
}
