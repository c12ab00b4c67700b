import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { isArray, isPerCpu, type MapKind, type Program } from '../../isa/program.ts'
import {
  alu64,
  atomic,
  call,
  jump,
  label,
  load,
  loadMap,
  loadMapValue,
  mov,
  type Operand,
  type Step,
  store,
} from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, runOnce, take, valueIn } from './frame.ts'
import { key, listing, mapOf, ofFirstCpu, sum, value } from './layouts.ts'

const FLAG = { any: 0, noExist: 1, exist: 2 } as const
/** asm-generic/errno-base.h */
const ENOENT = -2n
const E2BIG = -7n
const EEXIST = -17n
const EINVAL = -22n

const KINDS = ['hash', 'lru_hash'] as const

/** `r1 = map; r2 = &key` on the stack, with the key in the low half of r8. */
const mapAndKey = (map: string): Step => [
  store(4, 'r10', -8, 'r8'),
  mov('r2', 'r10'),
  alu64('add', 'r2', -8),
  loadMap('r1', map),
]

/** Key and value from the packet (positions 0 and 1), the helper's result to position 2. */
const updating = (kind: MapKind, entries: number, flags: Operand): Program =>
  bodied(
    'update',
    [
      take('r8', 0),
      take('r9', 1),
      store(8, 'r10', -16, 'r9'),
      mapAndKey('map'),
      mov('r3', 'r10'),
      alu64('add', 'r3', -16),
      mov('r4', flags),
      call('map_update_elem'),
      put(2, 'r0'),
    ],
    { maps: { map: mapOf(kind, entries) }, stack: 16 },
  )

/** Key from the packet (position 0), the helper's result to position 2. */
const deleting = (kind: MapKind, entries: number): Program =>
  bodied('delete', [take('r8', 0), mapAndKey('map'), call('map_delete_elem'), put(2, 'r0')], {
    maps: { map: mapOf(kind, entries) },
    stack: 8,
  })

/** Key from the packet (position 0); to position 1 the value, to position 2 whether there is one. `found`: done to r0. */
const lookingUp = (kind: MapKind, entries: number, found: readonly Step[] = []): Program =>
  bodied(
    'lookup',
    [
      take('r8', 0),
      mapAndKey('map'),
      call('map_lookup_elem'),
      mov('r9', 0),
      jump('jeq', 'r0', 0, 'missing'),
      ...found,
      load(8, 'r3', 'r0', 0),
      put(1, 'r3'),
      mov('r9', 1),
      label('missing'),
      put(2, 'r9'),
    ],
    { maps: { map: mapOf(kind, entries) }, stack: 8 },
  )

export function mapSuite(open: () => Machine): void {
  describe.each(KINDS)('a map of kind %s, from outside', (kind) => {
    test('holds what was written until it is deleted', () => {
      using machine = open()
      using map = machine.createMap('entries', mapOf(kind, 8))
      expect(map.lookup(key(1))).toBeUndefined()
      map.update(key(1), value(10n))
      map.update(key(2), value(20n))
      map.update(key(1), value(11n))
      expect(map.lookup(key(1))).toEqual(value(11n))
      expect(listing(map)).toEqual([
        [1, 11n],
        [2, 20n],
      ])
      expect(map.delete(key(1))).toBe(true)
      expect(map.delete(key(1))).toBe(false)
      expect(listing(map)).toEqual([[2, 20n]])
    })

    test('keeps copies: bytes that the caller changes later are not in it', () => {
      using machine = open()
      using map = machine.createMap('entries', mapOf(kind, 8))
      const bytes = value(10n)
      map.update(key(1), bytes)
      bytes.fill(0xff)
      map.lookup(key(1))?.fill(0xee)
      expect(map.lookup(key(1))).toEqual(value(10n))
    })

    test('takes only what is new, or only what is present, if asked to', () => {
      using machine = open()
      using map = machine.createMap('entries', mapOf(kind, 8))
      expect(map.update(key(1), value(10n), 'present')).toBe(false)
      expect(map.lookup(key(1))).toBeUndefined()
      expect(map.update(key(1), value(11n), 'new')).toBe(true)
      expect(map.update(key(1), value(12n), 'new')).toBe(false)
      expect(map.lookup(key(1))).toEqual(value(11n))
      expect(map.update(key(1), value(13n), 'present')).toBe(true)
      expect(map.update(key(1), value(14n))).toBe(true)
      expect(map.lookup(key(1))).toEqual(value(14n))
    })

    test('takes keys and values of its own sizes only', () => {
      using machine = open()
      using map = machine.createMap('entries', mapOf(kind, 8))
      expect(() => map.lookup(new Uint8Array(3))).toThrow(Refusal)
      expect(() => map.update(key(1), new Uint8Array(9))).toThrow(Refusal)
      expect(() => map.delete(new Uint8Array(8))).toThrow(Refusal)
    })

    test('hundreds of entries, removed and added again', () => {
      using machine = open()
      using map = machine.createMap('entries', mapOf(kind, 2000))
      for (let i = 0; i < 500; i++) map.update(key(i), value(BigInt(i)))
      for (let i = 0; i < 500; i += 2) expect(map.delete(key(i))).toBe(true)
      for (let i = 500; i < 600; i++) map.update(key(i), value(BigInt(i)))
      const left = Array.from({ length: 600 }, (_, i) => i).filter((i) => i >= 500 || i % 2 === 1)
      expect(listing(map)).toEqual(left.map((i) => [i, BigInt(i)]))
    })
  })

  test('a full hash map takes no new key, but new values', () => {
    using machine = open()
    using map = machine.createMap('entries', mapOf('hash', 4))
    for (let i = 0; i < 4; i++) map.update(key(i), value(1n))
    expect(() => map.update(key(4), value(1n))).toThrow(Refusal)
    map.update(key(3), value(2n))
    expect(listing(map)).toEqual([0, 1, 2, 3].map((i) => [i, i === 3 ? 2n : 1n]))
    map.delete(key(0))
    map.update(key(4), value(1n))
    expect(map.lookup(key(4))).toEqual(value(1n))
  })

  test('an LRU hash map never refuses: the newest entry is always there', () => {
    using machine = open()
    using map = machine.createMap('entries', mapOf('lru_hash', 64))
    for (let i = 0; i < 1000; i++) {
      map.update(key(i), value(BigInt(i)))
      expect(map.lookup(key(i))).toEqual(value(BigInt(i)))
    }
    expect(map.entries().length).toBeLessThanOrEqual(64)
  })

  test('an array starts as zeros, has all its entries, and loses none', () => {
    using machine = open()
    using map = machine.createMap('entries', mapOf('array', 3))
    expect(listing(map)).toEqual([0, 1, 2].map((i) => [i, 0n]))
    map.update(key(2), value(7n))
    expect(map.lookup(key(2))).toEqual(value(7n))
    expect(map.lookup(key(3))).toBeUndefined()
    expect(() => map.update(key(3), value(7n))).toThrow(Refusal)
    expect(() => map.delete(key(2))).toThrow(Refusal)
  })

  test('a per-CPU array holds a value for each CPU, each in 8 bytes or a multiple', () => {
    using machine = open()
    using map = machine.createMap('counters', { ...mapOf('percpu_array', 2), value: { ...mapOf('array', 1).key } })
    const all = map.lookup(key(0))
    expect(all?.every((byte) => byte === 0)).toBe(true)
    expect((all?.length ?? 0) % 8).toBe(0)
    expect(all?.length).toBeGreaterThan(0)
    expect(map.lookup(key(2))).toBeUndefined()
    const written = new Uint8Array(all?.length ?? 0)
    written[0] = 5
    map.update(key(1), written)
    expect(map.lookup(key(1))).toEqual(written)
    expect(map.entries().map(([k]) => k)).toEqual([key(0), key(1)])
    expect(() => map.update(key(1), new Uint8Array(4))).toThrow(Refusal)
  })

  test.each([
    ['no entries', mapOf('hash', 0)],
    ['an array with a key of 8 bytes', { ...mapOf('array', 4), key: mapOf('array', 4).value }],
  ])('a map cannot have %s', (_, description) => {
    using machine = open()
    expect(() => machine.createMap('wrong', description)).toThrow(Refusal)
  })

  /** What map_update_elem returns: kernel/bpf/hashtab.c and arraymap.c. */
  const UPDATES: readonly (readonly [MapKind, string, Operand, number, bigint])[] = [
    ['hash', 'a key that is there', FLAG.any, 1, 0n],
    ['hash', 'a key that is not there', FLAG.any, 2, 0n],
    ['hash', 'a key that is there', FLAG.noExist, 1, EEXIST],
    ['hash', 'a key that is not there', FLAG.noExist, 2, 0n],
    ['hash', 'a key that is there', FLAG.exist, 1, 0n],
    ['hash', 'a key that is not there', FLAG.exist, 2, ENOENT],
    ['hash', 'a key that is there, with unknown flags', 16, 1, EINVAL],
    ['lru_hash', 'a key that is there', FLAG.noExist, 1, EEXIST],
    ['lru_hash', 'a key that is not there', FLAG.exist, 2, ENOENT],
    ['lru_hash', 'a key that is not there', FLAG.any, 2, 0n],
    ['percpu_hash', 'a key that is there', FLAG.any, 1, 0n],
    ['percpu_hash', 'a key that is there', FLAG.noExist, 1, EEXIST],
    ['percpu_hash', 'a key that is not there', FLAG.any, 2, 0n],
    ['percpu_hash', 'a key that is not there', FLAG.exist, 2, ENOENT],
    ['lru_percpu_hash', 'a key that is there', FLAG.noExist, 1, EEXIST],
    ['lru_percpu_hash', 'a key that is not there', FLAG.exist, 2, ENOENT],
    ['lru_percpu_hash', 'a key that is not there', FLAG.any, 2, 0n],
    ['array', 'an index inside', FLAG.any, 1, 0n],
    ['array', 'an index inside', FLAG.exist, 1, 0n],
    ['array', 'an index inside', FLAG.noExist, 1, EEXIST],
    ['array', 'an index outside', FLAG.any, 4, E2BIG],
    ['percpu_array', 'an index inside', FLAG.any, 1, 0n],
    ['percpu_array', 'an index inside', FLAG.noExist, 1, EEXIST],
    ['percpu_array', 'an index outside', FLAG.any, 4, E2BIG],
  ]

  test.each(UPDATES)('%s: a program updates %s, flags %s', (kind, _, flags, index, result) => {
    using machine = open()
    using map = machine.createMap('entries', mapOf(kind, 4))
    // Which CPU the program runs on, nobody knows: what it leaves of other CPUs' values must not count.
    const before = isArray(kind) || isPerCpu(kind) ? 0n : 10n
    if (!isArray(kind)) map.update(key(1), ofFirstCpu(map, before))
    const { packet } = runOnce(machine, updating(kind, 4, flags), frameOf(BigInt(index), 20n), { map })
    expect(BigInt.asIntN(64, valueIn(packet, 2))).toBe(result)
    const found = map.lookup(key(index))
    expect(found === undefined ? undefined : sum(found)).toBe(
      result === 0n ? 20n : result === ENOENT || result === E2BIG ? undefined : before,
    )
  })

  test.each(['hash', 'percpu_hash'] as const)('a program fills a map of kind %s until it is full', (kind) => {
    using machine = open()
    using map = machine.createMap('entries', mapOf(kind, 2))
    using program = machine.load(updating(kind, 2, FLAG.any), { map })
    const results = [1n, 2n, 3n, 2n].map((k) => BigInt.asIntN(64, valueIn(program.run(frameOf(k, k)).packet, 2)))
    expect(results).toEqual([0n, 0n, E2BIG, 0n])
  })

  const DELETES: readonly (readonly [MapKind, string, number, bigint])[] = [
    ['hash', 'a key that is there', 1, 0n],
    ['hash', 'a key that is not there', 2, ENOENT],
    ['lru_hash', 'a key that is there', 1, 0n],
    ['lru_hash', 'a key that is not there', 2, ENOENT],
    ['percpu_hash', 'a key that is there', 1, 0n],
    ['percpu_hash', 'a key that is not there', 2, ENOENT],
    ['lru_percpu_hash', 'a key that is there', 1, 0n],
    ['array', 'an index inside', 1, EINVAL],
    ['percpu_array', 'an index inside', 1, EINVAL],
  ]

  test.each(DELETES)('%s: a program deletes %s', (kind, _, index, result) => {
    using machine = open()
    using map = machine.createMap('entries', mapOf(kind, 4))
    if (!isArray(kind)) map.update(key(1), ofFirstCpu(map, 10n))
    const { packet } = runOnce(machine, deleting(kind, 4), frameOf(BigInt(index)), { map })
    expect(BigInt.asIntN(64, valueIn(packet, 2))).toBe(result)
    expect(map.lookup(key(1)) === undefined).toBe(result === 0n)
  })

  test.each([...KINDS, 'array'] as const)(
    '%s: a program reads and writes a value that is seen from outside',
    (kind) => {
      using machine = open()
      using map = machine.createMap('entries', mapOf(kind, 4))
      map.update(key(3), value(40n))
      const increment = [load(8, 'r3', 'r0', 0), alu64('add', 'r3', 2), store(8, 'r0', 0, 'r3')]
      using program = machine.load(lookingUp(kind, 4, increment), { map })
      const after = program.run(frameOf(3n)).packet
      expect([valueIn(after, 1), valueIn(after, 2)]).toEqual([42n, 1n])
      expect(map.lookup(key(3))).toEqual(value(42n))
      const missing = program.run(frameOf(9n)).packet
      expect([valueIn(missing, 1), valueIn(missing, 2)]).toEqual([0n, 0n])
    },
  )

  test.each(['percpu_hash', 'lru_percpu_hash'] as const)('%s: entries have a value for each CPU', (kind) => {
    using machine = open()
    using map = machine.createMap('entries', mapOf(kind, 64))
    expect(map.valueSize % 8).toBe(0)
    map.update(key(1), new Uint8Array(map.valueSize).fill(7))
    expect(map.lookup(key(1))).toEqual(new Uint8Array(map.valueSize).fill(7))
    expect(() => map.update(key(1), new Uint8Array(map.valueSize + 8))).toThrow(Refusal)
    map.update(key(1), ofFirstCpu(map, 40n))
    const increment = [load(8, 'r3', 'r0', 0), alu64('add', 'r3', 1), store(8, 'r0', 0, 'r3')]
    using program = machine.load(lookingUp(kind, 64, increment), { map })
    for (let i = 0; i < 5; i++) program.run(frameOf(1n))
    expect(sum(map.lookup(key(1)))).toBe(45n)
    expect(map.entries().map(([k, v]) => [k, sum(v)])).toEqual([[key(1), 45n]])
    expect(map.delete(key(1))).toBe(true)
    expect(map.entries()).toEqual([])
  })

  test('values of a per-CPU array add up to what was counted', () => {
    using machine = open()
    using map = machine.createMap('counters', mapOf('percpu_array', 4))
    const increment = [load(8, 'r3', 'r0', 0), alu64('add', 'r3', 1), store(8, 'r0', 0, 'r3')]
    using program = machine.load(lookingUp('percpu_array', 4, increment), { map })
    for (let i = 0; i < 5; i++) program.run(frameOf(2n))
    expect(sum(map.lookup(key(2)))).toBe(5n)
    expect(sum(map.lookup(key(1)))).toBe(0n)
  })

  test('an atomic addition to a map value', () => {
    using machine = open()
    using map = machine.createMap('counters', mapOf('array', 1))
    map.update(key(0), value(0xffffffffn))
    const add = [mov('r3', 1), atomic(8, 'fetch_add', 'r0', 0, 'r3'), put(3, 'r3')]
    const { packet } = runOnce(machine, lookingUp('array', 1, add), frameOf(0n), { map })
    expect(valueIn(packet, 3)).toBe(0xffffffffn)
    expect(map.lookup(key(0))).toEqual(value(0x100000000n))
  })

  test('the value of an array of one entry by its address', () => {
    using machine = open()
    using cells = machine.createMap('cells', mapOf('array', 1))
    cells.update(key(0), value(0x0000000500000001n))
    const maps = { cells: mapOf('array', 1) }
    const body = [
      loadMapValue('r1', 'cells', 4),
      load(4, 'r2', 'r1', 0),
      alu64('add', 'r2', 1),
      store(4, 'r1', 0, 'r2'),
    ]
    runOnce(machine, bodied('cell', body, { maps }), frameOf(), { cells })
    expect(cells.lookup(key(0))).toEqual(value(0x0000000600000001n))
  })

  test('two programs share a map, which outlives the handle it was loaded with', () => {
    using machine = open()
    const map = machine.createMap('entries', mapOf('hash', 4))
    using writer = machine.load(updating('hash', 4, FLAG.any), { map })
    using reader = machine.load(lookingUp('hash', 4), { map })
    map[Symbol.dispose]()
    writer.run(frameOf(1n, 77n))
    expect(valueIn(reader.run(frameOf(1n)).packet, 1)).toBe(77n)
    expect(() => map.lookup(key(1))).toThrow(Refusal)
  })
}
