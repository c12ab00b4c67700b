import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { numberValues } from './numbering.ts'

describe('folding', () => {
  test('constants are computed as RFC 9669 says: 32 bits wrap, a division by zero is zero, shifts are masked', () => {
    const text = `
      v0 = context()
      v1 = alu add 32(4294967295, 2)
      v2 = alu div 64(7, 0)
      v3 = alu mod 64(7, 0)
      v4 = alu lsh 32(1, 33)
      v5 = alu arsh 32(2147483648, 31)
      v6 = sext32(4294967295)
      v7 = swap 16(18)
      v8 = call redirect(v1, v2, v3, v4, v5, v6, v7)
      return v8`
    expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v8 = call redirect(1, 0, 7, 2, 4294967295, 18446744073709551615, 4608)
        return v8
      "
    `)
  })

  test('what changes nothing is left out, and cheaper instructions do the same', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      v2 = alu add 32(v1, 0)
      v3 = alu mul 32(v2, 8)
      v4 = alu div 32(v3, 16)
      v5 = alu mod 32(v4, 64)
      v6 = alu and 32(v5, 255)
      v7 = low32(v6)
      v8 = alu div 32(v7, 0)
      v9 = alu sub 32(v7, v8)
      return v9`
    expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v3 = alu lsh 32(v1, 3)
        v4 = alu rsh 32(v3, 4)
        v5 = alu and 32(v4, 63)
        return v5
      "
    `)
  })

  test('a 64-bit value that is added 0 to in 32 bits is not left as it is', () => {
    const text = `
      v0 = context()
      v1 = load 8 0(v0)
      v2 = alu add 32(v1, 0)
      v3 = alu mod 32(v1, 0)
      v4 = alu xor 64(v2, v3)
      return v4`
    expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 8 0(v0)
        v2 = alu add 32(v1, 0)
        v3 = low32(v1)
        v4 = alu xor 64(v2, v3)
        return v4
      "
    `)
  })

  test('what swapping octets does not see is not computed', () => {
    const text = `
      v0 = context()
      v1 = changing 4 0(v0)
      v2 = alu and 32(v1, 65535)
      v3 = swap 16(v2)
      v4 = alu and 32(v1, 4095)
      v5 = swap 16(v4)
      v6 = call redirect(v3, v5)
      return 0`
    expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v2 = alu and 32(v1, 65535)
        v3 = swap 16(v1)
        v4 = alu and 32(v1, 4095)
        v5 = swap 16(v4)
        v6 = call redirect(v3, v5)
        return 0
      "
    `)
  })

  test('what a store does not see is not computed', () => {
    const text = `
      v0 = context()
      v1 = changing 4 0(v0)
      v2 = alu and 32(v1, 255)
      v3 = store 1 0(v0, v2)
      v4 = store 2 2(v0, v2)
      return 0`
    expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v2 = alu and 32(v1, 255)
        v3 = store 1 0(v0, v1)
        v4 = store 2 2(v0, v2)
        return 0
      "
    `)
  })

  test('two complements are none, also of different widths', () => {
    const text = `
      v0 = context()
      v1 = load 8 0(v0)
      v2 = load 4 8(v0)
      v3 = alu xor 32(v2, 65535)
      v4 = alu xor 64(v3, 65535)
      v5 = alu xor 64(v1, 65535)
      v6 = alu xor 32(v5, 65280)
      v7 = alu xor 32(v2, 1)
      v8 = alu xor 64(v7, 4294967296)
      v9 = call redirect(v4, v6, v8)
      return v9`
    expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 8 0(v0)
        v2 = load 4 8(v0)
        v3 = alu xor 32(v2, 65535)
        v4 = alu xor 32(v2, 0)
        v5 = alu xor 64(v1, 65535)
        v6 = alu xor 32(v1, 255)
        v7 = alu xor 32(v2, 1)
        v8 = alu xor 64(v7, 4294967296)
        v9 = call redirect(v4, v6, v8)
        return v9
      "
    `)
  })
})
