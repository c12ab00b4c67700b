import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { wordSums } from './words.ts'

const START = `
  b0:
    v0 = context()
    v1 = start 4 76(v0)`

describe('sums of words', () => {
  test('that are folded by hand are folded', () => {
    const text = `${START}
        v2 = load 4 0(v1)
        v3 = alu and 32(v2, 65535)
        v4 = alu rsh 32(v2, 16)
        v5 = alu add 32(v3, v4)
        v6 = alu and 32(v5, 65535)
        v7 = alu rsh 32(v5, 16)
        v8 = alu add 32(v6, v7)
        return v8`
    expect(changedBy(wordSums, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 4 0(v1)
        v3 = alu and 32(v2, 65535)
        v4 = alu rsh 32(v2, 16)
        v5 = alu add 32(v3, v4)
        v6 = alu and 32(v5, 65535)
        v7 = alu rsh 32(v5, 16)
        v8 = fold 16(v2)
        return v8
      "
    `)
  })

  test('of which one carry may be left are not', () => {
    const text = `${START}
        v2 = load 8 0(v1)
        v3 = alu and 64(v2, 65535)
        v4 = alu rsh 64(v2, 16)
        v5 = alu add 64(v3, v4)
        v6 = alu and 64(v5, 65535)
        v7 = alu rsh 64(v5, 16)
        v8 = alu add 64(v6, v7)
        return v8`
    expect(changedBy(wordSums, text)).toContain('v8 = alu add 64(v6, v7)')
  })

  test('have room for carries, if they had none before', () => {
    const text = `${START}
        v2 = load 2 0(v1)
        v3 = load 4 8(v1)
        v4 = alu add 32(v2, 5)
        v5 = alu add 32(v4, v2)
        v6 = fold 16(v5)
        v7 = alu add 32(v2, v3)
        v8 = fold 16(v7)
        v9 = alu xor 32(v6, v8)
        return v9`
    expect(changedBy(wordSums, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 0(v1)
        v3 = load 4 8(v1)
        v4 = alu add 64(v2, 5)
        v5 = alu add 64(v4, v2)
        v6 = fold 16(v5)
        v7 = alu add 32(v2, v3)
        v8 = fold 16(v7)
        v9 = alu xor 32(v6, v8)
        return v9
      "
    `)
  })

  test('have their octets in the order of the packet', () => {
    const text = `${START}
        v2 = load 2 0(v1)
        v3 = load 2 8(v1)
        v4 = swap 16(v2)
        v5 = swap 16(v3)
        v6 = alu add 64(v4, v5)
        v7 = alu add 64(v6, 258)
        v8 = fold 16(v7)
        return v8`
    expect(changedBy(wordSums, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 0(v1)
        v3 = load 2 8(v1)
        v4 = swap 16(v2)
        v5 = swap 16(v3)
        v6 = alu add 64(v2, v3)
        v7 = alu add 64(v6, 513)
        v9 = fold 16(v7)
        v8 = swap 16(v9)
        return v8
      "
    `)
  })

  test('are read in pairs, where nothing is written in between', () => {
    const text = `${START}
        v2 = load 2 0(v1)
        v3 = load 2 2(v1)
        v4 = load 2 4(v1)
        v5 = put 1 20(v1, 1)
        v6 = load 2 6(v1)
        v7 = load 2 8(v1)
        v8 = alu add 64(v2, v3)
        v9 = alu add 64(v8, v4)
        v10 = alu add 64(v9, v6)
        v11 = alu add 64(v10, v7)
        v12 = fold 16(v11)
        return v12`
    expect(changedBy(wordSums, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 4 0(v1)
        v3 = load 2 2(v1)
        v4 = load 2 4(v1)
        v5 = store 1 20(v1, 1)
        v6 = load 4 6(v1)
        v7 = load 2 8(v1)
        v8 = alu add 64(v2, 0)
        v9 = alu add 64(v8, v4)
        v10 = alu add 64(v9, v6)
        v11 = alu add 64(v10, 0)
        v12 = fold 16(v11)
        return v12
      "
    `)
  })
})
