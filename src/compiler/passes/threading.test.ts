import { describe, expect, test } from 'vitest'
import { changedBy, graphOf } from './graph-text.ts'
import { threadJumps } from './threading.ts'

describe('jump threading', () => {
  test('a test of what was just decided is not made again', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      if v1 eq32 7 jump b1 else b2
      b1:
        jump b3
      b2:
        jump b3
      b3:
        v2 = phi(1, 0)
        if v2 ne32 0 jump b4 else b5
      b4:
        return 2
      b5:
        return 3`
    expect(changedBy(threadJumps, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b1 else b2
      b1:
        jump b4
      b4:
        return 2
      b2:
        jump b5
      b5:
        return 3
      "
    `)
  })

  test('a phi that somebody else looks at is there where ways meet again', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b1 else b2
      b1:
        jump b3
      b2:
        v2 = load 4 4(v0)
        jump b3
      b3:
        v3 = phi(1, v2)
        v4 = phi(v1, v2)
        if v3 ne32 0 jump b4 else b5
      b4:
        v5 = alu add 32(v3, v4)
        return v5
      b5:
        return v4`
    expect(changedBy(threadJumps, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b1 else b2
      b1:
        jump b4
      b2:
        v2 = load 4 4(v0)
        jump b3
      b3:
        v3 = phi(v2)
        v4 = phi(v2)
        if v3 ne32 0 jump b4 else b5
      b4:
        v7 = phi(v4, v1)
        v6 = phi(v3, 1)
        v5 = alu add 32(v6, v7)
        return v5
      b5:
        return v4
      "
    `)
  })

  test('ways that meet twice before the test all meet there', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b1 else b2
      b1:
        v2 = load 4 4(v0)
        if v2 eq32 8 jump b3 else b4
      b3:
        jump b5
      b4:
        jump b5
      b5:
        v3 = phi(0, 1)
        v4 = phi(v1, v2)
        jump b6
      b2:
        v5 = load 4 8(v0)
        jump b6
      b6:
        v6 = phi(v3, v5)
        v7 = phi(v4, v5)
        if v6 eq64 0 jump b7 else b8
      b7:
        return v7
      b8:
        return 2`
    expect(changedBy(threadJumps, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b1 else b2
      b1:
        v2 = load 4 4(v0)
        if v2 eq32 8 jump b3 else b4
      b3:
        jump b7
      b4:
        jump b8
      b2:
        v5 = load 4 8(v0)
        jump b6
      b6:
        v6 = phi(v5)
        v7 = phi(v5)
        if v6 eq64 0 jump b7 else b8
      b7:
        v8 = phi(v7, v1)
        return v8
      b8:
        return 2
      "
    `)
  })

  test('a loop is entered where it begins', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        jump b1
      b1:
        v2 = phi(0, v5)
        v3 = phi(v1, v4)
        if v2 ult32 v1 jump b2 else b3
      b2:
        v4 = load 4 4(v3)
        v5 = alu add 32(v2, 1)
        jump b1
      b3:
        return v3`
    expect(threadJumps(graphOf(text))).toBe(false)
    expect(threadJumps(graphOf(text.replace('ult32 v1', 'ult32 9')))).toBe(false)
  })
})
