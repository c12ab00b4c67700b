import { describe, expect, test } from 'vitest'
import { changedBy, graphOf } from './graph-text.ts'
import { joinedLoads } from './joined.ts'

const START = `
  b0:
    v0 = context()
    v1 = start 4 76(v0)`

describe('what lies together in the packet', () => {
  test('is read as one number, in the order of the network', () => {
    const text = `${START}
        v2 = load 2 34(v1)
        v3 = swap 16(v2)
        v4 = alu lsh 32(v3, 16)
        v5 = load 2 36(v1)
        v6 = swap 16(v5)
        v7 = alu or 32(v4, v6)
        v8 = load 1 0(v1)
        v9 = alu lsh 32(v8, 8)
        v10 = load 1 1(v1)
        v11 = alu add 32(v10, v9)
        v12 = alu xor 32(v7, v11)
        return v12`
    expect(changedBy(joinedLoads, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 34(v1)
        v3 = swap 16(v2)
        v4 = alu lsh 32(v3, 16)
        v5 = load 2 36(v1)
        v6 = swap 16(v5)
        v13 = load 4 34(v1)
        v7 = swap 32(v13)
        v8 = load 1 0(v1)
        v9 = alu lsh 32(v8, 8)
        v10 = load 1 1(v1)
        v14 = load 2 0(v1)
        v11 = swap 16(v14)
        v12 = alu xor 32(v7, v11)
        return v12
      "
    `)
  })

  test('is read as one number, in the order of the machine', () => {
    const text = `${START}
        v2 = load 1 1(v1)
        v3 = alu lsh 32(v2, 8)
        v4 = load 1 0(v1)
        v5 = alu or 32(v3, v4)
        v6 = load 4 12(v1)
        v7 = alu lsh 64(v6, 32)
        v8 = load 4 8(v1)
        v9 = alu or 64(v7, v8)
        v10 = alu xor 64(v5, v9)
        return v10`
    expect(changedBy(joinedLoads, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 1 1(v1)
        v3 = alu lsh 32(v2, 8)
        v4 = load 1 0(v1)
        v11 = load 2 0(v1)
        v6 = load 4 12(v1)
        v7 = alu lsh 64(v6, 32)
        v8 = load 4 8(v1)
        v12 = load 8 8(v1)
        v10 = alu xor 64(v11, v12)
        return v10
      "
    `)
  })

  test.each([
    ['is not where they are mixed', 'v3 = swap 16(v2)', 'v3 = alu and 32(v2, 4095)'],
    ['is not where something is written in between', 'v6 = swap 16(v5)', 'v6 = swap 16(v5)\nv9 = put 1 34(v1, 1)'],
    ['is not where a half is wanted by itself', 'return v7', 'return v5'],
    ['is not where they lie the other way round', 'load 2 36', 'load 2 32'],
    ['is not where they overlap', ', 16)\n', ', 8)\n'],
  ])('%s', (_, found, other) => {
    const text = `${START}
        v2 = load 2 34(v1)
        v3 = swap 16(v2)
        v4 = alu lsh 32(v3, 16)
        v5 = load 2 36(v1)
        v6 = swap 16(v5)
        v7 = alu or 32(v4, v6)
        return v7`
    expect(joinedLoads(graphOf(text))).toBe(true)
    expect(joinedLoads(graphOf(text.replace(found, other)))).toBe(false)
  })
})
