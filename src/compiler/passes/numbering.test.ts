import { expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { numberValues } from './numbering.ts'

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
