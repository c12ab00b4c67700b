import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as headers from './headers.ts'
import {
  bits,
  bool,
  type Fields,
  header,
  i32,
  i64,
  ipv4,
  ipv6,
  isStruct,
  isType,
  list,
  mac,
  struct,
  type Type,
  u8,
  u16,
  u32,
  u64,
} from './types.ts'

/** `name@offset` for every field, then `size` and `align`. */
const drawn = (fields: Fields): string => {
  const { layout } = struct('s', fields)
  return [...layout.fields.map(({ name, offset }) => `${name}@${offset}`), `${layout.size}/${layout.align}`].join(' ')
}

describe('a struct is laid out as C does it', () => {
  /** What `offsetof`, `sizeof` and `_Alignof` say on x86-64 and arm64. */
  test.each<[string, Fields, string]>([
    ['nothing', {}, '0/1'],
    ['one byte', { a: u8 }, 'a@0 1/1'],
    ['padding between', { a: u8, b: u32 }, 'a@0 b@4 8/4'],
    ['padding at the end', { a: u32, b: u8 }, 'a@0 b@4 8/4'],
    ['each size at a multiple of itself', { a: u8, b: u16, c: u32, d: u64 }, 'a@0 b@2 c@4 d@8 16/8'],
    ['the other way round', { d: u64, c: u32, b: u16, a: u8 }, 'd@0 c@8 b@12 a@14 16/8'],
    ['signed as unsigned', { a: bool, b: i64, c: i32 }, 'a@0 b@8 c@16 24/8'],
    ['addresses are arrays of bytes', { a: u8, b: mac, c: u8 }, 'a@0 b@1 c@7 8/1'],
    ['of all families', { a: ipv4, b: ipv6, c: mac }, 'a@0 b@4 c@20 26/1'],
    [
      'a key of a flow',
      { source: ipv4, destination: ipv4, port: u16, protocol: u8 },
      'source@0 destination@4 port@8 protocol@10 12/2',
    ],
  ])('%s', (_, fields, expected) => {
    expect(drawn(fields)).toBe(expected)
  })

  test('whatever is in it: aligned, in order, and no more padding than needed', () => {
    const type = fc.constantFrom<Type>(u8, u16, u32, u64, i32, i64, bool, mac, ipv4, ipv6)
    fc.assert(
      fc.property(fc.array(type, { maxLength: 12 }), (types) => {
        const { layout } = struct('s', Object.fromEntries(types.map((one, index) => [`f${index}`, one])))
        let end = 0
        for (const [index, { offset }] of layout.fields.entries()) {
          const { size, align } = types[index]!.layout
          expect(offset % align).toBe(0)
          expect(offset - end).toBeGreaterThanOrEqual(0)
          expect(offset - end).toBeLessThan(align)
          end = offset + size
        }
        expect(layout.align).toBe(Math.max(1, ...types.map((one) => one.layout.align)))
        expect(layout.size % layout.align).toBe(0)
        expect(layout.size - end).toBeLessThan(layout.align)
      }),
    )
  })

  test.each<[string, Fields, string]>([
    ['of integers', { a: u8, b: list(u32, 3), c: u8 }, 'a@0 b@4 c@16 20/4'],
    ['of structs with padding', { a: u8, b: list({ c: u8, d: u32, e: u8 }, 2) }, 'a@0 b@4 28/4'],
    ['of addresses', { a: u8, b: list(mac, 2) }, 'a@0 b@1 13/1'],
  ])('with lists %s', (_, fields, expected) => {
    expect(drawn(fields)).toBe(expected)
  })

  test('and has no bit fields', () => {
    expect(() => struct('s', { a: bits(4) })).toThrow(/s.a: bit fields belong in headers/)
  })
})

describe('a header', () => {
  /** From the RFCs and IEEE 802. */
  test.each([
    ['Ethernet', 14],
    ['Vlan', 4],
    ['Arp', 28],
    ['IPv4', 20],
    ['IPv6', 40],
    ['Icmp', 8],
    ['Icmpv6', 8],
    ['Udp', 8],
    ['Tcp', 20],
  ] as const)('%s has %i bytes', (name, size) => {
    const all = new Map<string, unknown>(Object.entries(headers))
    expect(all.get(name)).toMatchObject({ name, size, order: 'network', layout: { align: 1 } })
  })

  test('has no padding, whatever is in it', () => {
    expect(header('h', { a: u8, b: u32, c: u64, d: mac, e: u16 }).layout.fields.map(({ offset }) => offset)).toEqual([
      0, 1, 5, 13, 19,
    ])
  })

  test('has lists without padding, their structs too', () => {
    const { layout } = header('h', { a: u8, b: list({ c: u8, d: u32 }, 2), e: list(u16, 3), f: u8 })
    expect([...layout.fields.map(({ offset }) => offset), layout.size]).toEqual([0, 1, 11, 17, 18])
  })

  test('has bit fields from the most significant bit down', () => {
    const { layout } = headers.IPv6
    expect(layout.fields.slice(0, 3).map(({ name, offset, bits }) => ({ name, offset, ...bits }))).toEqual([
      { name: 'version', offset: 0, shift: 28, width: 4 },
      { name: 'trafficClass', offset: 0, shift: 20, width: 8 },
      { name: 'flowLabel', offset: 0, shift: 0, width: 20 },
    ])
  })

  test.each<[string, Fields, RegExp]>([
    ['a field after bits that fill no bytes', { a: bits(4), b: u8 }, /h.b: the bit fields before it do not fill/],
    ['an end within a byte', { a: u8, b: bits(12) }, /h: its last bit fields do not fill 8, 16, 32 or 64 bits/],
    ['three bytes of bits', { a: bits(24), b: u8 }, /h.b: the bit fields before it do not fill whole bytes/],
  ])('is refused with %s', (_, fields, says) => {
    expect(() => header('h', fields)).toThrow(says)
  })
})

test.each<[string, () => unknown, RegExp]>([
  ['no element', () => list(u8, 0), /list\(u8, 0\): a length is a number from 1 to 4096/],
  ['half an element', () => list(u8, 1.5), /a length is a number/],
  ['bits', () => list(bits(4), 2), /elements are integers, bool, addresses or structs of them/],
  ['lists', () => list(list(u8, 2), 2), /elements are integers, bool, addresses or structs of them/],
  ['bool in a header', () => header('h', { a: list(bool, 2) }), /h.a: a list of bool belongs in a table/],
])('a list is refused with %s', (_, make, says) => {
  expect(make).toThrow(says)
})

describe('an integer type is a conversion', () => {
  test.each([
    [u8, 256, 0],
    [u8, -1, 255],
    [u16, 65_537, 1],
    [u32, 2 ** 32 + 5, 5],
    [u32, -1, 2 ** 32 - 1],
    [i32, 2 ** 31, -(2 ** 31)],
    [i32, -1, -1],
    [u8, 3.9, 3],
    [u64, 2 ** 53, 2 ** 53],
    [i64, -5, -5],
  ] as const)('%o of %d is %d', (type, value, expected) => {
    expect(type(value)).toBe(expected)
  })
})

test('types and structs are told from other values', () => {
  for (const type of [u8, bool, mac, bits(3)]) expect(isType(type)).toBe(true)
  expect([isType(null), isType(() => 0), isType({}), isType('u8')]).toEqual([false, false, false, false])
  expect([isStruct(headers.Ethernet), isStruct(struct('s', {})), isStruct(u8), isStruct(null)]).toEqual([
    true,
    true,
    false,
    false,
  ])
})
