import { expect, test } from 'vitest'
import { listing } from '../passes/graph-text.ts'

test('a test of bits against zero is one instruction where it jumps if one is set', () => {
  const text = `
    v0 = context()
    v1 = changing 4 8(v0)
    v2 = alu and 32(v1, 7)
    if v2 eq32 0 jump b1 else b2
  b1:
    return 1
  b2:
    return 2`
  expect(listing(text)).toMatchInlineSnapshot(`
    "
    r0 = *(u32 *)(r1 +8)
    if w0 & 7 goto +2
    r0 = 1
    exit
    r0 = 2
    exit
    "
  `)
})

test('a mask that something else looks at stays', () => {
  const text = `
    v0 = context()
    v1 = changing 4 8(v0)
    v2 = alu and 32(v1, 7)
    if v2 eq32 0 jump b1 else b2
  b1:
    return 1
  b2:
    return v2`
  expect(listing(text)).toMatchInlineSnapshot(`
    "
    r0 = *(u32 *)(r1 +8)
    w0 &= 7
    if w0 != 0 goto +2
    r0 = 1
    exit
    exit
    "
  `)
})

test('a loop is closed by its own fork, not by a jump behind it', () => {
  const text = `
    b0:
      v0 = context()
      jump b1
    b1:
      v1 = changing 4 8(v0)
      if v1 eq32 3 jump b2 else b3
    b3:
      jump b1
    b2:
      return 0`
  expect(listing(text)).toMatchInlineSnapshot(`
    "
    r0 = *(u32 *)(r1 +8)
    if w0 != 3 goto -2
    r0 = 0
    exit
    "
  `)
})

test('jumps to jumps go where those go, and a jump to what follows is left out', () => {
  const text = `
    b0:
      v0 = context()
      v1 = changing 4 8(v0)
      if v1 eq32 3 jump b1 else b2
    b1:
      jump b4
    b2:
      v2 = changing 4 12(v0)
      if v2 eq32 3 jump b3 else b4
    b3:
      jump b5
    b4:
      return 1
    b5:
      return 2`
  expect(listing(text)).toMatchInlineSnapshot(`
    "
    r0 = *(u32 *)(r1 +8)
    if w0 == 3 goto +4
    r0 = *(u32 *)(r1 +12)
    if w0 != 3 goto +2
    r0 = 2
    exit
    r0 = 1
    exit
    "
  `)
})
