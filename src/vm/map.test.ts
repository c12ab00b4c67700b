import { expect, test } from 'vitest'
import { alu64, call, load, loadMap, mov, store } from '../backend/assemble.ts'
import { bodied, frameOf, take } from '../backend/suite/frame.ts'
import { key, listing, mapOf, value } from '../backend/suite/layouts.ts'
import { openVirtualMachine } from './machine.ts'
import { VirtualMap } from './map.ts'
import { Memory } from './memory.ts'

/** Looks up the key at position 0 of the packet. */
const lookup = (entries: number) =>
  bodied(
    'lookup',
    [
      take('r8', 0),
      store(4, 'r10', -8, 'r8'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
    ],
    { maps: { map: mapOf('lru_hash', entries) }, stack: 8 },
  )

test('a full LRU map gives up what no program has used for longest; looking from outside is no use', () => {
  using machine = openVirtualMachine()
  using map = machine.createMap('map', mapOf('lru_hash', 3))
  using program = machine.load(lookup(3), { map })
  for (const n of [1, 2, 3]) map.update(key(n), value(BigInt(n)))
  program.run(frameOf(1n))
  map.lookup(key(2))
  map.update(key(4), value(4n))
  expect(listing(map).map(([n]) => n)).toEqual([1, 3, 4])
  program.run(frameOf(3n))
  map.update(key(5), value(5n))
  expect(listing(map).map(([n]) => n)).toEqual([3, 4, 5])
})

test('a deleted value stays memory: a program that still points to it harms nobody', () => {
  using machine = openVirtualMachine()
  using map = machine.createMap('map', mapOf('hash', 3))
  map.update(key(1), value(7n))
  const program = bodied(
    'dangling',
    [
      store(4, 'r10', -8, 1),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
      mov('r9', 'r0'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_delete_elem'),
      load(8, 'r3', 'r9', 0),
      store(8, 'r9', 0, 9),
    ],
    { maps: { map: mapOf('hash', 3) }, stack: 8 },
  )
  using loaded = machine.load(program, { map })
  expect(loaded.run(frameOf()).verdict).toBe(0)
  expect(map.lookup(key(1))).toBeUndefined()
  map.update(key(2), value(1n))
  expect(listing(map)).toEqual([[2, 1n]])
})

test('a map that nobody holds gives its memory back, and its numbers are used again', () => {
  const memory = new Memory()
  const kept = new VirtualMap('kept', mapOf('hash', 3), memory).hold()
  const before = memory.regions.length
  const numbers = Array.from({ length: 10 }, () => {
    const map = new VirtualMap('map', mapOf('hash', 3), memory).hold()
    map.hold().release()
    expect(memory.regions[map.id]?.map).toBe(map)
    map.release()
    expect(memory.regions[map.id]).toBeUndefined()
    return map.id
  })
  expect(new Set(numbers)).toEqual(new Set([before]))
  expect(memory.regions[kept.id]?.map).toBe(kept)
})
