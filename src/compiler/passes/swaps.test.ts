import { describe, expect, test } from 'vitest'
import { changedBy, graphOf } from './graph-text.ts'
import { swapLate } from './swaps.ts'

const TWO_WAYS = `
  b0:
    v0 = context()
    v1 = start 4 76(v0)
    v2 = load 2 12(v1)
    v3 = swap 16(v2)
    if v2 eq32 129 jump b1 else b2
  b1:
    v4 = load 2 16(v1)
    v5 = swap 16(v4)
    jump b3
  b2:
    jump b3
  b3:
    v6 = phi(v5, v3)
    if v6 eq32 2048 jump b4 else b5
  b4:
    return 1
  b5:
    return 0`

describe('the order of octets', () => {
  test('is changed once where ways meet, and not at all for a comparison', () => {
    expect(changedBy(swapLate, TWO_WAYS)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 12(v1)
        v3 = swap 16(v2)
        if v2 eq32 129 jump b1 else b2
      b1:
        v4 = load 2 16(v1)
        v5 = swap 16(v4)
        jump b3
      b2:
        jump b3
      b3:
        v7 = phi(v4, v2)
        v6 = swap 16(v7)
        if v7 eq32 8 jump b4 else b5
      b4:
        return 1
      b5:
        return 0
      "
    `)
  })

  test('is changed before where something else looks at what comes out', () => {
    expect(swapLate(graphOf(TWO_WAYS.replace('if v2 eq32 129', 'if v3 eq32 129')))).toBe(false)
  })

  test('is changed behind a complement', () => {
    const text = `
      b0:
        v0 = context()
        v1 = start 4 76(v0)
        v2 = load 2 12(v1)
        v3 = swap 16(v2)
        v4 = alu xor 32(v3, 65280)
        return v4`
    expect(changedBy(swapLate, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 12(v1)
        v3 = swap 16(v2)
        v5 = alu xor 32(v2, 255)
        v4 = swap 16(v5)
        return v4
      "
    `)
    expect(swapLate(graphOf(text.replace('65280', '65536')))).toBe(false)
    const wide = text.replace('load 2', 'load 8').replace('swap 16', 'swap 64')
    expect(swapLate(graphOf(wide))).toBe(false)
    expect(swapLate(graphOf(wide.replace('xor 32', 'xor 64')))).toBe(true)
  })
})
