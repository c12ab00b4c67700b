import { describe, expect, test } from 'vitest'
import { simplifyBranches, splitCriticalEdges } from './branches.ts'
import { changedBy } from './graph-text.ts'

describe('branches', () => {
  test('those that are decided go one way, and blocks in a row become one', () => {
    const text = `
      v0 = context()
      if 5 ult32 3 jump b1 else b2
      b1:
        return 1
      b2:
        v1 = load 4 0(v0)
        jump b3
      b3:
        v2 = alu add 32(v1, 1)
        return v2`
    expect(changedBy(simplifyBranches, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v2 = alu add 32(v1, 1)
        return v2
      "
    `)
  })

  test('a swapped field is compared with a swapped constant', () => {
    const text = `
      v0 = context()
      v1 = load 2 12(v0)
      v2 = swap 16(v1)
      if v2 eq32 2048 jump b1 else b2
      b1:
        return 1
      b2:
        return 2`
    expect(changedBy(simplifyBranches, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 2 12(v0)
        v2 = swap 16(v1)
        if v1 eq32 8 jump b1 else b2
      b1:
        return 1
      b2:
        return 2
      "
    `)
  })

  test('a block that only jumps stays where a phi has to tell two ways apart', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      if v1 eq32 7 jump b1 else b2
      b1:
        jump b3
      b2:
        jump b3
      b3:
        v2 = phi(4, 5)
        return v2`
    expect(changedBy(simplifyBranches, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b3 else b2
      b2:
        jump b3
      b3:
        v2 = phi(5, 4)
        return v2
      "
    `)
  })

  test('critical edges get a block for the copies of phis', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      if v1 eq32 7 jump b1 else b2
      b1:
        jump b2
      b2:
        v2 = phi(4, 5)
        return v2`
    expect(changedBy(splitCriticalEdges, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 eq32 7 jump b1 else b3
      b1:
        jump b2
      b3:
        jump b2
      b2:
        v2 = phi(4, 5)
        return v2
      "
    `)
  })
})
