import { expect, test } from 'vitest'
import { parseMac } from '../base/address.ts'
import { isMulticast, isReserved, isZero, milliseconds, seconds } from './functions.ts'
import type { mac } from './types.ts'

/** In a test these are ordinary functions; the compiler's tests compile them. */
const address = (text: string): mac => [...parseMac(text)] as unknown as mac

test.each([
  ['00:00:00:00:00:00', { zero: true, multicast: false, reserved: false }],
  ['02:00:00:00:00:01', { zero: false, multicast: false, reserved: false }],
  ['00:00:00:00:00:01', { zero: false, multicast: false, reserved: false }],
  ['ff:ff:ff:ff:ff:ff', { zero: false, multicast: true, reserved: false }],
  ['01:00:5e:00:00:01', { zero: false, multicast: true, reserved: false }],
  ['01:80:c2:00:00:00', { zero: false, multicast: true, reserved: true }],
  ['01:80:c2:00:00:0f', { zero: false, multicast: true, reserved: true }],
  ['01:80:c2:00:00:10', { zero: false, multicast: true, reserved: false }],
  ['01:80:c2:00:01:00', { zero: false, multicast: true, reserved: false }],
  ['01:80:c2:01:00:00', { zero: false, multicast: true, reserved: false }],
  ['01:80:c3:00:00:00', { zero: false, multicast: true, reserved: false }],
])('%s', (text, expected) => {
  const of = address(text)
  expect({ zero: isZero(of), multicast: isMulticast(of), reserved: isReserved(of) }).toEqual(expected)
})

test('times are nanoseconds', () => {
  expect([seconds(2), milliseconds(3)]).toEqual([2_000_000_000, 3_000_000])
})
