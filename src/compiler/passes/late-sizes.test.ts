import { expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { computeSizesLate } from './late-sizes.ts'

test('a size that was computed before the test that bounds it is computed again behind that', () => {
  const graph = `
  b0:
    v0 = context()
    v1 = load 4 0(v0)
    v2 = alu sub 64(v1, 1)
    v3 = alu add 64(v2, 1)
    v4 = store 8 8(v0, v3)
    if v2 ult64 256 jump b1 else b2
  b1:
    v5 = stack()
    v6 = call xdp_load_bytes(v0, 0, v5, v3)
    return 1
  b2:
    return 2`
  expect(changedBy(computeSizesLate, graph)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 0(v0)
      v2 = alu sub 64(v1, 1)
      v3 = alu add 64(v2, 1)
      v4 = store 8 8(v0, v3)
      if v2 ult64 256 jump b1 else b2
    b1:
      v5 = stack()
      v7 = alu add 64(v2, 1)
      v6 = call xdp_load_bytes(v0, 0, v5, v7)
      return 1
    b2:
      return 2
    "
  `)
})

test('one that is computed behind it stays', () => {
  const graph = `
  b0:
    v0 = context()
    v1 = load 4 0(v0)
    v2 = alu sub 64(v1, 1)
    if v2 ult64 256 jump b1 else b3
  b1:
    v3 = alu add 64(v2, 1)
    v4 = stack()
    if v3 ne64 9 jump b2 else b3
  b2:
    v5 = call xdp_load_bytes(v0, 0, v4, v3)
    return 1
  b3:
    return 2`
  expect(changedBy(computeSizesLate, graph)).toBe(changedBy(() => {}, graph))
})
