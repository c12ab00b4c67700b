/** What each pass does to a small function, which is written as `printGraph` prints it. */
import { describe, expect, test } from 'vitest'
import { simplifyBranches, splitCriticalEdges } from './branches.ts'
import { deadCode } from './dead.ts'
import { changedBy, graphOf, tested } from './graph-text.ts'
import { keysInPackets } from './keys.ts'
import { repeatedLoads } from './loads.ts'
import { numberValues } from './numbering.ts'
import { trivialPhis } from './phis.ts'
import { useRanges } from './ranges.ts'
import { shareReturns } from './tails.ts'
import { threadJumps } from './threading.ts'

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
})

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
      b2:
        return 0
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
      b2:
        return 0
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

test('value numbering: what was computed on every way here is not computed again', () => {
  const text = `
    v0 = context()
    v1 = load 4 0(v0)
    v2 = load 4 0(v0)
    if v1 eq32 7 jump b1 else b2
    b1:
      v3 = alu add 32(v1, 5)
      jump b3
    b2:
      v4 = alu add 32(v2, 5)
      jump b3
    b3:
      v5 = phi(v3, v4)
      v6 = alu add 32(v2, 5)
      v7 = alu xor 32(v5, v6)
      return v7`
  expect(changedBy(numberValues, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 0(v0)
      if v1 eq32 7 jump b1 else b2
    b1:
      v3 = alu add 32(v1, 5)
      jump b3
    b2:
      v4 = alu add 32(v1, 5)
      jump b3
    b3:
      v5 = phi(v3, v4)
      v6 = alu add 32(v1, 5)
      v7 = alu xor 32(v5, v6)
      return v7
    "
  `)
})

test('dead code: what nothing uses goes, with what only it has used; calls and stores stay', () => {
  const text = `
    v0 = context()
    v1 = load 4 0(v0)
    v2 = alu add 32(v1, 1)
    v3 = alu mul 32(v2, v2)
    v4 = call map_lookup_elem(v0)
    return 0`
  expect(changedBy(deadCode, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v4 = call map_lookup_elem(v0)
      return 0
    "
  `)
})

test('trivial phis: one value, whichever way', () => {
  const text = `
    v0 = context()
    v1 = load 4 0(v0)
    jump b1
    b1:
      v2 = phi(v1, v2)
      v3 = phi(5, 5)
      if v2 ult32 v3 jump b1 else b2
    b2:
      return v2`
  expect(changedBy(trivialPhis, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 0(v0)
      jump b1
    b1:
      if v1 ult32 5 jump b1 else b2
    b2:
      return v1
    "
  `)
})

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

describe('tables', () => {
  test('a key that is consecutive bytes of the packet is read there', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 4 6(v1)
      v3 = load 2 10(v1)
      v4 = stack 6()
      v5 = store 4 0(v4, v2)
      v6 = store 2 4(v4, v3)
      v7 = map stations()
      v8 = call map_lookup_elem(v7, v4)
      return v8`
    expect(changedBy(keysInPackets, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 4 6(v1)
        v3 = load 2 10(v1)
        v4 = stack()
        v7 = map stations()
        v10 = alu add 64(v1, 6)
        v8 = call map_lookup_elem(v7, v10)
        return v8
      "
    `)
  })

  test('a key that is not, and one with bytes in another order, stay on the stack', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 2 10(v1)
      v3 = load 2 14(v1)
      v4 = stack 4()
      v5 = store 2 0(v4, v2)
      v6 = store 2 2(v4, v3)
      v7 = map stations()
      v8 = call map_lookup_elem(v7, v4)
      v9 = swap 16(v2)
      v10 = stack 2()
      v11 = store 2 0(v10, v9)
      v12 = call map_lookup_elem(v7, v10)
      return v12`
    const before = graphOf(text)
    expect(keysInPackets(before)).toBe(false)
  })

  test('an entry is read once until something is written or called', () => {
    const text = `
      v0 = context()
      v1 = changing 4 0(v0)
      v2 = changing 4 0(v0)
      v3 = store 4 8(v0, v2)
      v4 = changing 4 0(v0)
      v5 = alu add 32(v1, v4)
      return v5`
    expect(changedBy(repeatedLoads, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        v3 = store 4 8(v0, v1)
        v4 = load 4 0(v0)
        v5 = alu add 32(v1, v4)
        return v5
      "
    `)
  })

  test('what is written to the packet or the stack is not written to an entry', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = stack 8()
      v3 = changing 4 0(v0)
      v4 = put 4 0(v1, v3)
      v5 = store 4 0(v2, v3)
      v6 = changing 4 0(v0)
      return v6`
    expect(changedBy(repeatedLoads, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = stack()
        v3 = load 4 0(v0)
        v4 = store 4 0(v1, v3)
        v5 = store 4 0(v2, v3)
        return v3
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
})
