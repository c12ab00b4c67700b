import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alignUp, concat, cString, equal, fromCString, toHex, viewOf } from './bytes.ts'
import { internetChecksum } from './checksum.ts'
import { Held } from './held.ts'

test.each([
  [0, 8, 0],
  [1, 8, 8],
  [8, 8, 8],
  [9, 4, 12],
])('%i aligned to %i is %i', (value, alignment, aligned) => {
  expect(alignUp(value, alignment)).toBe(aligned)
})

test('bytes are joined, compared and shown', () => {
  expect(concat(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 255))).toEqual(Uint8Array.of(1, 2, 255))
  expect(toHex(Uint8Array.of(0, 10, 255))).toBe('000aff')
  expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false)
  expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
})

test('a view of a part is of that part', () => {
  const part = Uint8Array.of(1, 2, 3, 4).subarray(1, 3)
  expect(viewOf(part).getUint16(0)).toBe(0x0203)
  viewOf(part).setUint8(0, 9)
  expect(part[0]).toBe(9)
})

test('C strings end with NUL, in UTF-8', () => {
  expect(cString('é')).toEqual(Uint8Array.of(0xc3, 0xa9, 0))
  expect(fromCString(Uint8Array.of(0x61, 0x62, 0, 0x63))).toBe('ab')
  expect(fromCString(Uint8Array.of(0x61))).toBe('a')
})

test('the internet checksum of the example in RFC 1071, section 3', () => {
  // 0001 + f203 + f4f5 + f6f7 = 2ddf0; ddf0 + 2 = ddf2; its complement is 220d.
  const words = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)
  expect(internetChecksum(words)).toBe(0x220d)
  expect(internetChecksum(words.subarray(0, 4), words.subarray(4))).toBe(0x220d)
  expect(internetChecksum(Uint8Array.of(0x12))).toBe(0xedff)
  expect(internetChecksum()).toBe(0xffff)
})

test('what carries its own checksum sums up to zero', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const whole = concat(bytes, new Uint8Array((bytes.length % 2) + 2))
      viewOf(whole).setUint16(whole.length - 2, internetChecksum(whole))
      expect(internetChecksum(whole)).toBe(0)
    }),
  )
})

test('what is held is let go of once, the last first', () => {
  const gone: string[] = []
  const thing = (name: string) => ({ [Symbol.dispose]: () => void gone.push(name) })
  const held = new Held()
  {
    using _held = held
    for (const name of ['a', 'b', 'c']) held.use(thing(name))
    expect(gone).toEqual([])
  }
  held[Symbol.dispose]()
  expect(gone).toEqual(['c', 'b', 'a'])
})
