import { expect, test } from 'vitest'
import { useFacts } from './facts.ts'
import { changedBy } from './graph-text.ts'

test('what was equal to a constant is the constant, wherever that leads; where it was not, it is not asked again', () => {
  const text = `
    b0:
      v0 = context()
      v1 = load 1 23(v0)
      if v1 ne32 6 jump b1 else b2
    b1:
      if v1 eq32 6 jump b3 else b4
    b2:
      v2 = alu add 32(v1, 1)
      jump b3
    b3:
      v3 = phi(v1, v1)
      return v3
    b4:
      return v1`
  expect(changedBy(useFacts, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 1 23(v0)
      if v1 ne32 6 jump b1 else b2
    b1:
      jump b4
    b4:
      return v1
    b2:
      v2 = alu add 32(6, 1)
      jump b3
    b3:
      v3 = phi(6)
      return v3
    "
  `)
})

test('equal in their low halves are not equal', () => {
  const text = `
    b0:
      v0 = context()
      v1 = load 8 8(v0)
      if v1 eq32 6 jump b1 else b2
    b1:
      return v1
    b2:
      return 0`
  expect(changedBy(useFacts, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 8 8(v0)
      if v1 eq32 6 jump b1 else b2
    b1:
      return v1
    b2:
      return 0
    "
  `)
})

test('what is not zero may have a low half that is', () => {
  const text = `
    b0:
      v0 = context()
      v1 = load 8 8(v0)
      if v1 ne64 0 jump b1 else b2
    b1:
      if v1 eq32 0 jump b2 else b3
    b2:
      return 0
    b3:
      return 1`
  expect(changedBy(useFacts, text)).toContain('if v1 eq32 0')
})

test('where ways meet, nothing is known that only one of them knows', () => {
  const text = `
    b0:
      v0 = context()
      v1 = load 4 8(v0)
      if v1 eq32 6 jump b1 else b2
    b1:
      v2 = call redirect(v1, 0)
      jump b2
    b2:
      return v1`
  expect(changedBy(useFacts, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 8(v0)
      if v1 eq32 6 jump b1 else b2
    b1:
      v2 = call redirect(6, 0)
      jump b2
    b2:
      return v1
    "
  `)
})
