import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { useRanges } from './use-ranges.ts'

describe('ranges', () => {
  test('a mask is left out, and a comparison decided, where the verifier knows how large the value is', () => {
    const text = `
      v0 = context()
      v1 = load 4 76(v0)
      v2 = load 1 14(v1)
      v3 = alu lsh 32(v2, 2)
      v4 = alu and 32(v3, 32767)
      if v3 ule32 32767 jump b1 else b2
      b1:
      return v4
      b2:
      return 0`
    expect(changedBy(useRanges, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 1 14(v1)
        v3 = alu lsh 32(v2, 2)
        jump b1
      b1:
        return v3
      "
    `)
  })

  test('of swapped bytes the verifier knows nothing: the mask stays', () => {
    const text = `
      v0 = context()
      v1 = load 4 76(v0)
      v2 = load 2 12(v1)
      v3 = swap 16(v2)
      v4 = alu rsh 32(v3, 3)
      v5 = alu and 32(v4, 32767)
      if v4 ule32 32767 jump b1 else b2
      b1:
      return v5
      b2:
      return 0`
    expect(changedBy(useRanges, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 12(v1)
        v3 = swap 16(v2)
        v4 = alu rsh 32(v3, 3)
        v5 = alu and 32(v4, 32767)
        jump b1
      b1:
        return v5
      "
    `)
  })

  test('the constant part of an offset is added last', () => {
    const text = `
      v0 = context()
      v1 = load 4 76(v0)
      v2 = load 1 14(v1)
      v3 = alu add 32(v2, 14)
      v4 = load 1 15(v1)
      v5 = alu add 32(v3, v4)
      v6 = alu add 64(v1, v5)
      v7 = alu add 64(v6, 20)
      return v7`
    expect(changedBy(useRanges, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 1 14(v1)
        v3 = alu add 32(v2, 14)
        v4 = load 1 15(v1)
        v5 = alu add 32(v3, v4)
        v8 = alu add 64(v1, v2)
        v9 = alu add 64(v8, v4)
        v6 = alu add 64(v9, 14)
        v7 = alu add 64(v6, 20)
        return v7
      "
    `)
  })
})
