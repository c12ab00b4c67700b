import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { shareReturns } from './tails.ts'

describe('returns', () => {
  test('of the same constant are one', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 1 jump b1 else b2
      b1:
        return 2
      b2:
        if v1 eq32 2 jump b3 else b4
      b3:
        return 2
      b4:
        return 0`
    expect(changedBy(shareReturns, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 1 jump b1 else b2
      b2:
        if v1 eq32 2 jump b1 else b4
      b1:
        return 2
      b4:
        return 0
      "
    `)
  })
})
