import { describe, expect, test } from 'vitest'
import { hash, i64, ipv6, list, lpmTrie, mac, u8, u32, u64 } from '../lang/index.ts'
import { fieldsOfText, fieldsSchema, keySchema, keyText, toJson } from './fields.ts'

describe('an integer of 64 bits', () => {
  const schema = fieldsSchema({ a: u64, b: i64 })
  test.each([
    ['0', '-9223372036854775808'],
    ['18446744073709551615', '9223372036854775807'],
    [5, -5],
  ])('is %s and %s, as text or as a number', (a, b) =>
    expect(schema.parse({ a, b })).toEqual({ a: BigInt(a), b: BigInt(b) }),
  )
  test.each([
    ['18446744073709551616', 0],
    ['-1', 0],
    ['x', 0],
    ['', 0],
    [1.5, 0],
    [-1, 0],
    [2 ** 60, 0],
    [0, '9223372036854775808'],
    [true, null],
  ])('is not %s or %s', (a, b) => {
    const { success, error } = schema.safeParse({ a, b })
    expect([
      success,
      error?.issues.map(({ message }) => message).every((one) => /a number from|Too (big|small)/.test(one)),
    ]).toEqual([false, true])
  })
})

describe('a key as text', () => {
  const flows = hash({ key: { from: mac, id: u32 }, value: { n: u8 }, entries: 1 })
  const routes = lpmTrie({ key: { zone: u32, to: ipv6 }, value: { n: u8 }, entries: 1 })
  const lists = hash({ key: { parts: list(u8, 2) }, value: { n: u8 }, entries: 1 })

  test.each([
    [flows, '02:00:00:00:00:01,7', { from: '02:00:00:00:00:01', id: 7 }],
    [routes, '7,fd00::/8', { zone: 7, to: 'fd00::', length: 8 }],
    [lists, '{"parts":[1,2]}', { parts: [1, 2] }],
  ])('%# is what it says', (table, text, key) => {
    expect(keyText(table, key)).toBe(text)
    if (!text.startsWith('{')) expect(fieldsOfText(table, text)).toEqual(key)
    expect(keySchema(table).safeParse(key).success).toBe(true)
  })

  test('of a prefix without a length is a whole address', () =>
    expect(fieldsOfText(routes, '7,fd00::1')).toEqual({ zone: 7, to: 'fd00::1', length: 128 }))
})

test('what a control plane sees is JSON', () =>
  expect(toJson({ a: 2n ** 64n - 1n, b: [{ c: 1n, d: true }], e: 'x' })).toEqual({
    a: '18446744073709551615',
    b: [{ c: '1', d: true }],
    e: 'x',
  }))
