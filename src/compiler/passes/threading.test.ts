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

  test('a phi that somebody else looks at stays', () => {
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
        return v2
      b5:
        return 3`
    expect(threadJumps(graphOf(text))).toBe(false)
  })
})
