import { expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { trivialPhis } from './phis.ts'

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
