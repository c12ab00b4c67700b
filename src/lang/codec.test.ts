import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatIPv4, formatIPv6, formatMac } from '../base/address.ts'
import { decodeStruct, encodeStruct } from './codec.ts'
import * as headers from './headers.ts'
import { array, describe as describeTable, hash, lruHash } from './maps.ts'
import {
  bits,
  bool,
  header,
  i32,
  i64,
  ipv4,
  ipv6,
  isList,
  isStruct,
  isType,
  list,
  mac,
  type StructType,
  struct,
  type Type,
  u8,
  u16,
  u32,
  u64,
} from './types.ts'

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

/** All values that a field of this type can hold. */
function values(type: Type): fc.Arbitrary<unknown> {
  if (isList(type)) {
    const { element, length } = type
    const one = isType(element) ? values(element) : valuesOf(header('an element', element))
    return fc.array(one, { minLength: length, maxLength: length })
  }
  const width = type.width ?? type.layout.size * 8
  switch (type.kind) {
    case 'mac':
      return octets(6).map(formatMac)
    case 'ipv4':
      return octets(4).map(formatIPv4)
    case 'ipv6':
      return octets(16).map(formatIPv6)
    case 'bool':
      return fc.boolean()
    default: {
      const signed = type.layout.kind === 'scalar' && type.layout.signed
      const min = signed ? -(2n ** BigInt(width - 1)) : 0n
      const max = signed ? 2n ** BigInt(width - 1) - 1n : 2n ** BigInt(width) - 1n
      const whole = fc.bigInt({ min, max })
      return width === 64 ? whole : whole.map(Number)
    }
  }
}

const valuesOf = (type: StructType): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, values(field)])))

const everything = struct('everything', {
  a: u8,
  b: u16,
  c: u32,
  d: u64,
  e: i32,
  f: i64,
  g: bool,
  h: mac,
  i: ipv4,
  j: ipv6,
  k: list(u16, 3),
  l: list({ a: u8, b: u32, c: mac }, 2),
})

const packed = header('packed', {
  a: u8,
  b: list(u32, 3),
  c: list({ d: bits(4), e: bits(12), f: ipv6 }, 2),
  g: list(mac, 1),
})

describe('what is encoded comes back', () => {
  const all: StructType[] = Object.values<unknown>(headers).filter(isStruct)
  test.each([everything, packed, ...all].map((type) => [type.name, type] as const))('%s', (_, type) => {
    fc.assert(
      fc.property(valuesOf(type), (value) => {
        const bytes = encodeStruct(type, value)
        expect(bytes).toHaveLength(type.size)
        expect(decodeStruct(type, bytes)).toEqual(value)
      }),
    )
  })

  test.each([packed, ...all].map((type) => [type.name, type] as const))(
    '%s: every bit of the bytes is in some field',
    (_, type) => {
      fc.assert(
        fc.property(octets(type.size), (bytes) => {
          expect(encodeStruct(type, decodeStruct(type, bytes))).toEqual(bytes)
        }),
      )
    },
  )
})

describe('bytes', () => {
  test('of a struct are in the order of the host, with zeros for padding', () => {
    const type = struct('s', { a: u8, b: u32, c: i32 })
    expect(encodeStruct(type, { a: 1, b: 0x01020304, c: -2 })).toEqual(
      Uint8Array.of(1, 0, 0, 0, 4, 3, 2, 1, 0xfe, 0xff, 0xff, 0xff),
    )
  })

  test('of a header are in the order of the network, bits from the top', () => {
    const tag = { priority: 5, dropEligible: 1, id: 0xabc, type: 0x0800 }
    expect(encodeStruct(headers.Vlan, tag)).toEqual(Uint8Array.of(0xba, 0xbc, 0x08, 0x00))
  })

  test('behind the struct do not matter', () => {
    expect(decodeStruct(struct('s', { a: u8 }), Uint8Array.of(7, 8, 9))).toEqual({ a: 7 })
  })

  test('of a bool other than 0 are true', () => {
    expect(decodeStruct(struct('s', { a: bool }), Uint8Array.of(2))).toEqual({ a: true })
  })
})

describe('is refused, with the name of the field', () => {
  const one = struct('s', { small: u8, signed: i32, large: u64, address: mac, at: ipv4 })
  const good = { small: 0, signed: 0, large: 0n, address: '02:00:00:00:00:01', at: '10.0.0.1' }

  test.each<[string, object, RegExp]>([
    ['too large', { small: 256 }, /s.small: 256 does not fit into 8 bits/],
    ['negative', { small: -1 }, /s.small: -1 does not fit into 8 bits/],
    ['too small', { signed: -(2 ** 31) - 1 }, /s.signed: -2147483649 does not fit into 32 bits/],
    ['too large for 64 bits', { large: 2n ** 64n }, /s.large: 18446744073709551616 does not fit into 64 bits/],
    ['no number at all', { small: Number.NaN }, /s.small: NaN is no whole number/],
    ['a fraction', { small: 1.5 }, /s.small: 1.5 is no whole number/],
    ['text', { small: '1' }, /s.small: 1 is no number/],
    ['nothing', { small: undefined }, /s.small: undefined is no number/],
    ['a number for an address', { address: 1 }, /s.address: an address is text, not 1/],
    ['half an address', { at: '10.0.0' }, /s.at: "10.0.0" is not an IPv4 address/],
  ])('a value that is %s', (_, wrong, says) => {
    expect(() => encodeStruct(one, { ...good, ...wrong } as typeof good)).toThrow(says)
    expect(() => encodeStruct(one, { ...good, ...wrong } as typeof good)).toThrow(RangeError)
  })

  const listed = struct('s', { words: list(u16, 2), pairs: list({ low: u8 }, 1) })
  test.each<[string, object, RegExp]>([
    ['too short', { words: [1] }, /s.words: 1 elements, where 2 belong/],
    ['none', { words: 1 }, /s.words: a list is an array of 2, not 1/],
    ['of what does not fit', { words: [1, 65_536] }, /s.words\[1\]: 65536 does not fit into 16 bits/],
    ['of structs that do not fit', { pairs: [{ low: 256 }] }, /s.pairs\[0\].low: 256 does not fit into 8 bits/],
  ])('a list that is %s', (_, wrong, says) => {
    const given = { words: [1, 2], pairs: [{ low: 1 }], ...wrong }
    expect(() => encodeStruct(listed, given)).toThrow(says)
  })

  test('too few bytes', () => {
    expect(() => decodeStruct(headers.IPv4, new Uint8Array(19))).toThrow('IPv4 takes 20 bytes; there are 19')
  })
})

describe('a table', () => {
  test('is described by its kind, its entries and its layouts', () => {
    expect(describeTable(lruHash({ key: { a: mac }, value: { p: u16, t: u64 }, entries: 9 }))).toMatchObject({
      kind: 'lru_hash',
      entries: 9,
      key: { size: 6 },
      value: { size: 16 },
    })
    expect(describeTable(array({ value: { n: u64 }, entries: 1 }))).toMatchObject({ kind: 'array', key: { size: 4 } })
  })

  test.each([0, -1, 1.5, 2 ** 32, Number.NaN])('has no %d entries', (entries) => {
    expect(() => hash({ key: { a: u8 }, value: { b: u8 }, entries })).toThrow(/is not a number from 1 to 4294967295/)
  })
})
