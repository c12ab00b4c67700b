import { expect, test } from 'vitest'
import { viewOf } from '../../base/bytes.ts'
import type { Program } from '../../isa/program.ts'
import { alu64, call, loadMap, mov, store } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, take } from './frame.ts'
import { key, mapOf } from './layouts.ts'

const KINDS = ['lru_hash', 'lru_percpu_hash'] as const
const ENTRIES = 1024

/** Asks for the key at position 1 of the packet, and then sets the one at position 0 to itself. */
const asking = (kind: (typeof KINDS)[number]): Program =>
  bodied(
    'asking',
    [
      take('r8', 0),
      take('r7', 1),
      store(4, 'r10', -8, 'r7'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
      store(4, 'r10', -8, 'r8'),
      store(8, 'r10', -16, 'r8'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      mov('r3', 'r10'),
      alu64('add', 'r3', -16),
      mov('r4', 0),
      loadMap('r1', 'map'),
      call('map_update_elem'),
    ],
    { maps: { map: mapOf(kind, ENTRIES) }, stack: 16 },
  )

/** Which of the old entries goes is each machine's own affair, and the kernel's differs from version to version. */
export function lruSuite(open: () => Machine): void {
  test.each(KINDS)('a full %s keeps what is asked for all the time, and what came last', (kind) => {
    using machine = open()
    using map = machine.createMap('map', mapOf(kind, ENTRIES))
    using program = machine.load(asking(kind), { map })
    for (let number = 0n; number < 4 * ENTRIES; number++) {
      program.run(frameOf(number, 0n))
      expect(map.lookup(key(0)), `0, after ${number}`).toBeDefined()
      expect(map.lookup(key(Number(number)))).toBeDefined()
    }
    const entries = map.entries()
    expect(entries.length).toBeLessThanOrEqual(ENTRIES)
    for (const [key, value] of entries) {
      const own = viewOf(key).getUint32(0, true)
      const numbers = [...new BigUint64Array(value.slice().buffer)]
      expect(numbers.filter((number) => number !== 0n && number !== BigInt(own))).toEqual([])
    }
  })
}
