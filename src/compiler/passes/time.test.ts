import { expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { readTimeOnce } from './time.ts'

test('readings of which one follows the other become one, where all ways to them come from', () => {
  const text = `
    b0:
      v0 = context()
      v1 = changing 4 8(v0)
      if v1 eq32 1 jump b1 else b2
    b1:
      v2 = now()
      v3 = call redirect(v2)
      jump b2
    b2:
      v4 = now()
      return v4`
  expect(changedBy(readTimeOnce, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 8(v0)
      v2 = now()
      if v1 eq32 1 jump b1 else b2
    b1:
      v3 = call redirect(v2)
      jump b2
    b2:
      return v2
    "
  `)
})

test('readings on ways that never meet stay where they are', () => {
  const text = `
    b0:
      v0 = context()
      v1 = changing 4 8(v0)
      if v1 eq32 1 jump b1 else b2
    b1:
      v2 = now()
      return v2
    b2:
      v3 = changing 4 12(v0)
      if v3 eq32 1 jump b3 else b4
    b3:
      v4 = now()
      return v4
    b4:
      return 0`
  expect(changedBy(readTimeOnce, text)).toBe(changedBy(() => undefined, text))
})

test('a reading in a loop is read before it', () => {
  const text = `
    b0:
      v0 = context()
      jump b1
    b1:
      v1 = now()
      v2 = changing 4 8(v0)
      if v2 eq32 1 jump b1 else b2
    b2:
      return v1`
  expect(changedBy(readTimeOnce, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = now()
      jump b1
    b1:
      v2 = load 4 8(v0)
      if v2 eq32 1 jump b1 else b2
    b2:
      return v1
    "
  `)
})
