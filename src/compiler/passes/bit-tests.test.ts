import { describe, expect, test } from 'vitest'
import { changedBy, tested } from './graph-text.ts'

describe('tests of bits', () => {
  test('a test does not move in front of what is done before it', () => {
    const text = `
      v0 = context()
      v1 = load 1 8(v0)
      if v1 eq32 1 jump b1 else b2
      b1:
      v2 = load 1 9(v0)
      v3 = call redirect(v0)
      if v2 eq32 2 jump b3 else b2
      b2:
      return 0
      b3:
      return 1`
    expect(changedBy(tested, text)).toBe(changedBy(() => {}, text))
  })

  test('shifts, swaps and masks go into the constants, and tests of one source become one', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v2 = alu rsh 32(v1, 4)
        v3 = alu and 32(v2, 15)
        if v3 eq32 4 jump b1 else b4
      b1:
        v4 = alu and 32(v1, 15)
        if v4 ne32 5 jump b4 else b2
      b2:
        v5 = load 2 6(v0)
        v6 = swap 16(v5)
        v7 = alu and 32(v6, 8191)
        if v7 eq32 0 jump b3 else b4
      b3:
        return 1
      b4:
        return 2`
    expect(changedBy(tested, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v9 = alu and 32(v1, 255)
        if v9 eq32 69 jump b1 else b4
      b1:
        v5 = load 2 6(v0)
        v10 = alu and 32(v5, 65311)
        if v10 eq32 0 jump b3 else b4
      b3:
        return 1
      b4:
        return 2
      "
    `)
  })

  test('neighbours are loaded together', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 2 0(v0)
        if v1 eq32 256 jump b1 else b3
      b1:
        v2 = load 2 2(v0)
        if v2 eq32 8 jump b2 else b3
      b2:
        return 1
      b3:
        return 2`
    expect(changedBy(tested, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v3 = load 4 0(v0)
        if v3 eq32 524544 jump b1 else b3
      b1:
        return 1
      b3:
        return 2
      "
    `)
  })

  test('octets that are all to be zero are looked at together', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v2 = load 2 4(v0)
        v3 = alu and 32(v1, 65535)
        v4 = alu rsh 32(v1, 16)
        v5 = alu or 32(v3, v4)
        v6 = alu or 32(v5, v2)
        if v6 eq32 0 jump b1 else b2
      b1:
        return 1
      b2:
        return 2`
    expect(changedBy(tested, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v2 = load 2 4(v0)
        v7 = alu or 32(v2, v1)
        if v7 eq32 0 jump b1 else b2
      b1:
        return 1
      b2:
        return 2
      "
    `)
  })

  test('of two bounds checks with nothing between them the longer one is left', () => {
    const text = `
      b0:
        v0 = context()
        v1 = start 4 76(v0)
        v2 = load 4 80(v0)
        v3 = alu add 64(v1, 14)
        if v3 ule64 v2 jump b1 else b3
      b1:
        v4 = alu add 64(v1, 34)
        if v4 ule64 v2 jump b2 else b3
      b2:
        return 1
      b3:
        return 2`
    expect(changedBy(tested, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 4 80(v0)
        v5 = alu add 64(v1, 34)
        if v5 ule64 v2 jump b1 else b3
      b1:
        return 1
      b3:
        return 2
      "
    `)
  })
})
