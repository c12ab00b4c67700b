import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, call, jump, label, load, loadMap, mov, store } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, runOnce, take, valueIn } from './frame.ts'
import { mapOf, value } from './layouts.ts'

/** Prefixes of 32 bits, 64-bit values. */
const prefixMap = (entries: number): MapDescription => ({
  ...mapOf('lpm_trie', entries),
  key: {
    kind: 'struct',
    size: 8,
    align: 4,
    fields: [
      { name: 'length', offset: 0, layout: { kind: 'scalar', size: 4, signed: false, align: 4 } },
      { name: 'data', offset: 4, layout: { kind: 'bytes', role: 'ipv4', size: 4, align: 1 } },
    ],
  },
})

/** `10.1/16` */
function prefix(text: string): Uint8Array {
  const [address = '', length] = text.split('/')
  const octets = address.split('.').map(Number)
  return Uint8Array.of(Number(length), 0, 0, 0, octets[0] ?? 0, octets[1] ?? 0, octets[2] ?? 0, octets[3] ?? 0)
}

/** The same as a position of a packet holds it. */
const word = (text: string): bigint => new DataView(prefix(text).buffer).getBigUint64(0, true)

const shown = ([length, , , , a, b, c, d]: Uint8Array): string => `${a}.${b}.${c}.${d}/${length}`

/** Key from the packet (position 0), the value to position 1, 77 where there is none. */
const lookingUp = (entries: number): Program =>
  bodied(
    'lookup',
    [
      take('r8', 0),
      store(8, 'r10', -8, 'r8'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
      mov('r3', 77),
      jump('jeq', 'r0', 0, 'missing'),
      load(8, 'r3', 'r0', 0),
      label('missing'),
      put(1, 'r3'),
    ],
    { maps: { map: prefixMap(entries) }, stack: 8 },
  )

/** Key and value from the packet (positions 0 and 1), what the helper returns to position 2. */
const changing = (entries: number, helper: 'map_update_elem' | 'map_delete_elem', flags: number): Program =>
  bodied(
    'change',
    [
      take('r8', 0),
      take('r9', 1),
      store(8, 'r10', -8, 'r8'),
      store(8, 'r10', -16, 'r9'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      mov('r3', 'r10'),
      alu64('add', 'r3', -16),
      mov('r4', flags),
      loadMap('r1', 'map'),
      call(helper),
      put(2, 'r0'),
    ],
    { maps: { map: prefixMap(entries) }, stack: 16 },
  )

const FLAG = { any: 0, noExist: 1, exist: 2 } as const
const ENOENT = -2n
const EEXIST = -17n
const EINVAL = -22n
const ENOSPC = -28n

export function prefixSuite(open: () => Machine): void {
  const routes = { '0/0': 1n, '10/8': 2n, '10.1/16': 3n, '10.1.2.3/32': 4n, '10.128/9': 5n } as const
  const opened = (machine: Machine, entries: number) => {
    const map = machine.createMap('routes', prefixMap(entries))
    for (const [text, number] of Object.entries(routes)) map.update(prefix(text), value(number))
    return map
  }

  const LOOKUPS: readonly (readonly [string, bigint | undefined])[] = [
    ['10.1.2.3/32', 4n],
    ['10.1.2.2/32', 3n],
    ['10.1.2.3/31', 3n],
    ['10.1.2.3/8', 2n],
    ['10.1.2.3/7', 1n],
    ['10.127.255.255/32', 2n],
    ['10.128.0.0/32', 5n],
    ['10.128.0.0/8', 2n],
    ['9.255.255.255/32', 1n],
    ['10.1.2.3/33', undefined],
  ]

  test.each(LOOKUPS)('the longest prefix of %s: %s', (asked, found) => {
    using machine = open()
    using map = opened(machine, 8)
    expect(map.lookup(prefix(asked))).toEqual(found === undefined ? undefined : value(found))
    const { packet } = runOnce(machine, lookingUp(8), frameOf(word(asked)), { map })
    expect(valueIn(packet, 1)).toBe(found ?? 77n)
  })

  test('entries are listed by their prefixes, and deleted by them alone', () => {
    using machine = open()
    using map = opened(machine, 8)
    const listed = () => map.entries().map(([key, v]) => [shown(key), new DataView(v.buffer).getBigUint64(0, true)])
    expect(listed().sort()).toEqual([
      ['0.0.0.0/0', 1n],
      ['10.0.0.0/8', 2n],
      ['10.1.0.0/16', 3n],
      ['10.1.2.3/32', 4n],
      ['10.128.0.0/9', 5n],
    ])
    expect(map.delete(prefix('10.1/17'))).toBe(false)
    expect(map.delete(prefix('10.1/16'))).toBe(true)
    expect(map.delete(prefix('10.1/16'))).toBe(false)
    expect(map.lookup(prefix('10.1.9.9/32'))).toEqual(value(2n))
    expect(map.lookup(prefix('10.1.2.3/32'))).toEqual(value(4n))
    expect(map.entries()).toHaveLength(4)
  })

  test('a full map takes no new prefix, but new values', () => {
    using machine = open()
    using map = opened(machine, 5)
    expect(() => map.update(prefix('11/8'), value(6n))).toThrow(Refusal)
    map.update(prefix('10/8'), value(6n))
    expect(map.lookup(prefix('10.2.0.0/32'))).toEqual(value(6n))
    map.delete(prefix('0/0'))
    map.update(prefix('11/8'), value(7n))
    expect(map.lookup(prefix('11.0.0.0/32'))).toEqual(value(7n))
    expect(map.lookup(prefix('12.0.0.0/32'))).toBeUndefined()
  })

  test('a prefix longer than its key is refused', () => {
    using machine = open()
    using map = opened(machine, 8)
    expect(() => map.update(prefix('10.1/33'), value(1n))).toThrow(Refusal)
    expect(() => map.delete(prefix('10.1/33'))).toThrow(Refusal)
  })

  /** kernel/bpf/lpm_trie.c, in a map of 5 that is full. */
  const CHANGES: readonly (readonly [string, string, number, bigint])[] = [
    ['map_update_elem', '10/8', FLAG.any, 0n],
    ['map_update_elem', '10/8', FLAG.exist, 0n],
    ['map_update_elem', '10/8', FLAG.noExist, EEXIST],
    ['map_update_elem', '10/10', FLAG.exist, ENOENT],
    ['map_update_elem', '10/10', FLAG.any, ENOSPC],
    ['map_update_elem', '10/10', FLAG.noExist, ENOSPC],
    ['map_update_elem', '10/33', FLAG.any, EINVAL],
    ['map_update_elem', '10/8', 3, EINVAL],
    ['map_delete_elem', '10/8', 0, 0n],
    ['map_delete_elem', '10/10', 0, ENOENT],
    ['map_delete_elem', '10/33', 0, EINVAL],
  ]

  describe('a program', () => {
    test.each(CHANGES)('%s of %s, flags %i: %i', (helper, text, flags, result) => {
      using machine = open()
      using map = opened(machine, 5)
      const program = changing(5, helper as 'map_update_elem', flags)
      const { packet } = runOnce(machine, program, frameOf(word(text), 20n), { map })
      expect(BigInt.asIntN(64, valueIn(packet, 2))).toBe(result)
      const updated = helper === 'map_update_elem' && result === 0n
      const deleted = helper === 'map_delete_elem' && result === 0n
      expect(map.lookup(prefix('10/8'))).toEqual(value(updated ? 20n : deleted ? 1n : 2n))
    })
  })

  test.each([
    ['no data', 4],
    ['257 bytes of data', 261],
  ])('a key cannot have %s', (_, size) => {
    using machine = open()
    const key = { kind: 'bytes', role: 'raw', size, align: 1 } as const
    expect(() => machine.createMap('wrong', { ...prefixMap(4), key })).toThrow(Refusal)
  })
}
