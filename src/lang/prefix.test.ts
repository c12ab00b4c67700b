import { expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { describe as describeTable, lpmTrie } from './maps.ts'
import { decodePrefix, encodePrefix, wholeLength } from './prefix.ts'
import { bits, bool, type Fields, i32, ipv4, ipv6, mac, u8, u16, u32, u64 } from './types.ts'

const keyOf = <F extends Fields>(key: F, value: Fields = { port: u16 }) => lpmTrie({ key, value, entries: 4 }).key

test.each([
  ['an IPv4 address', keyOf({ to: ipv4 }), { to: '10.32.0.0', length: 11 }, '0b0000000a200000'],
  ['an IPv6 address', keyOf({ to: ipv6 }), { to: '2001:db8::', length: 32 }, `2000000020010db8${'00'.repeat(12)}`],
  ['a MAC address', keyOf({ to: mac }), { to: '02:00:00:00:00:00', length: 24 }, '18000000020000000000'],
  ['a number', keyOf({ port: u16 }), { port: 0x1200, length: 7 }, '070000001200'],
  ['a number of 64 bits', keyOf({ n: u64 }), { n: 1n, length: 64 }, '400000000000000000000001'],
  [
    'fields before',
    keyOf({ vlan: u16, hop: u8, to: ipv4 }),
    { vlan: 5, hop: 1, to: '0.0.0.0', length: 0 },
    '180000000005010000000000',
  ],
  [
    'a value of 64 bits behind',
    keyOf({ to: ipv4 }, { n: u64 }),
    { to: '10.0.0.0', length: 8 },
    '080000000a00000000000000',
  ],
])('the bytes of a prefix of %s', (_, key, prefix, bytes) => {
  // Each row's prefix is of its own key.
  const [struct, value] = [key, prefix] as unknown as [ReturnType<typeof keyOf>, { length: number }]
  expect(toHex(encodePrefix(struct, value))).toBe(bytes)
  expect(decodePrefix(struct, Buffer.from(bytes, 'hex'))).toEqual(prefix)
})

test.each([
  ['past the field', { to: '10.0.0.0', length: 33 }, 'key.length: 33 is not a number from 0 to 32'],
  ['below zero', { to: '10.0.0.0', length: -1 }, 'key.length: -1 is not a number from 0 to 32'],
  ['between numbers', { to: '10.0.0.0', length: 8.5 }, 'key.length: 8.5 is not a number from 0 to 32'],
  ['with bits behind it', { to: '10.0.0.1', length: 31 }, 'key.to: 10.0.0.1 has bits past the length 31'],
])('a length %s is refused', (_, prefix, says) => {
  expect(() => encodePrefix(keyOf({ vlan: u16, to: ipv4 }), { vlan: 1, ...prefix })).toThrow(says)
})

test('a data plane asks with all bits of its fields', () => {
  expect(wholeLength(keyOf({ vlan: u16, to: ipv4 }, { n: u64 }))).toBe(48)
  expect(wholeLength(keyOf({ to: ipv6 }))).toBe(128)
})

test('the machine is told of the length, too', () => {
  const { key } = describeTable(lpmTrie({ key: { vlan: u16, to: ipv4 }, value: { n: u32 }, entries: 1 }))
  expect(key).toMatchObject({
    size: 12,
    fields: [
      { name: 'length', offset: 0 },
      { name: 'vlan', offset: 4 },
      { name: 'to', offset: 6 },
    ],
  })
})

test.each<[string, Fields, string]>([
  ['no field', {}, 'key: a prefix needs a field'],
  ['a field called length', { length: u16 }, 'key.length: that is what the length of a prefix is called'],
  ['bit fields', { a: bits(4), b: bits(4), to: ipv4 }, 'key.a: bit fields belong in headers; take u8, u16 or u32'],
  ['a truth value at its end', { to: ipv4, on: bool }, 'key.on: bool has no prefixes'],
  ['a signed number at its end', { n: i32 }, 'key.n: i32 has no prefixes'],
])('a key with %s is refused', (_, fields, says) => {
  expect(() => keyOf(fields)).toThrow(says)
})
