import { describe, expect, test } from 'vitest'
import { viewOf } from '../../base/bytes.ts'
import { Refusal } from '../../base/diagnostic.ts'
import type { Layout } from '../../isa/layout.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, call, jump, label, load, loadMap, mov, type Step, store } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, take, valueIn } from './frame.ts'
import { key, mapOf } from './layouts.ts'

const LOCK = 16
const KINDS = ['hash', 'array'] as const
type Kind = (typeof KINDS)[number]

const word: Layout = { kind: 'scalar', size: 8, signed: false, align: 8 }
/** Two 64-bit values, and a lock behind them. */
const locked = (kind: Kind): MapDescription => ({
  ...mapOf(kind, 4),
  value: {
    kind: 'struct',
    size: 24,
    align: 8,
    fields: [
      { name: 'a', offset: 0, layout: word },
      { name: 'b', offset: 8, layout: word },
    ],
  },
  lock: LOCK,
})

const value = (a: bigint, b: bigint): Uint8Array => {
  const bytes = new Uint8Array(24)
  viewOf(bytes).setBigUint64(0, a, true)
  viewOf(bytes).setBigUint64(8, b, true)
  return bytes
}

/** Does `steps` with r8 = the value of key 1, r7 the packet; 0 or 1 to position 1, whether there is such a key. */
const withEntry = (kind: Kind, steps: readonly Step[]): Program =>
  bodied(
    'locking',
    [
      store(4, 'r10', -8, 1),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
      mov('r9', 0),
      jump('jeq', 'r0', 0, 'missing'),
      mov('r8', 'r0'),
      ...steps,
      mov('r9', 1),
      label('missing'),
      put(1, 'r9'),
    ],
    { maps: { map: locked(kind) }, stack: 8 },
  )

const lockAt = (helper: 'spin_lock' | 'spin_unlock', offset = LOCK): Step => [
  mov('r1', 'r8'),
  alu64('add', 'r1', offset),
  call(helper),
]

/** Both values grow by the number at position 0. */
const growing: Step = [
  take('r9', 0),
  lockAt('spin_lock'),
  load(8, 'r1', 'r8', 0),
  alu64('add', 'r1', 'r9'),
  store(8, 'r8', 0, 'r1'),
  load(8, 'r1', 'r8', 8),
  alu64('add', 'r1', 'r9'),
  store(8, 'r8', 8, 'r1'),
  lockAt('spin_unlock'),
]

export function lockSuite(open: () => Machine): void {
  describe.each(KINDS)('of entries of a map of kind %s', (kind) => {
    test('are taken and given back by programs', () => {
      using machine = open()
      using map = machine.createMap('map', locked(kind))
      using program = machine.load(withEntry(kind, [growing]), { map })
      map.update(key(1), value(10n, 20n))
      for (const number of [1n, 2n]) expect(valueIn(program.run(frameOf(number)).packet, 1)).toBe(1n)
      expect(map.lookup(key(1))).toEqual(value(13n, 23n))
    })

    test('are not the business of those who read and write values', () => {
      using machine = open()
      using map = machine.createMap('map', locked(kind))
      const held = value(1n, 2n)
      held.fill(0xff, LOCK, LOCK + 4)
      map.update(key(1), held)
      map.update(key(1), held)
      expect(map.lookup(key(1))).toEqual(value(1n, 2n))
      expect(map.entries().find(([, bytes]) => bytes[0] === 1)?.[1]).toEqual(value(1n, 2n))
    })

    test.each<[string, readonly Step[]]>([
      ['that is not one', [lockAt('spin_lock', 8), lockAt('spin_unlock', 8)]],
      ['that is held', [lockAt('spin_lock'), lockAt('spin_lock'), lockAt('spin_unlock')]],
      ['that is not held', [lockAt('spin_unlock')]],
      ['and keeps it', [lockAt('spin_lock')]],
      ['and asks the kernel', [lockAt('spin_lock'), call('ktime_get_ns'), lockAt('spin_unlock')]],
    ])('no program takes or gives back one %s', (_, steps) => {
      using machine = open()
      using map = machine.createMap('map', locked(kind))
      map.update(key(1), value(1n, 2n))
      // The kernel sees it when it loads, the VM when it runs.
      const attempt = () => {
        using program = machine.load(withEntry(kind, steps), { map })
        program.run(frameOf(1n))
      }
      expect(attempt).toThrow(Refusal)
    })
  })

  test('an LRU table has none', () => {
    using machine = open()
    expect(() => machine.createMap('map', { ...locked('hash'), kind: 'lru_hash' })).toThrow(Refusal)
  })
}
