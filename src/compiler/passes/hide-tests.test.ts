import { expect, test } from 'vitest'
import { tellingNumbers, waysByCounts } from './doubt.ts'
import { changedBy, graphOf } from './graph-text.ts'
import { hideTests } from './hide-tests.ts'

const flags = `
  b0:
    v0 = context()
    v1 = changing 4 8(v0)
    v2 = alu and 32(v1, 1)
    if v2 ne32 0 jump b1 else b2
  b1:
    jump b3
  b2:
    jump b3
  b3:
    v3 = phi(1, 0)
    if v1 ugt32 100 jump b4 else b5
  b4:
    jump b6
  b5:
    jump b6
  b6:
    if v3 eq32 0 jump b7 else b8
  b7:
    return 1
  b8:
    if v1 ugt32 200 jump b7 else b9
  b9:
    return 2`

test('what is known on some way, or compared again, has 0 added that the verifier does not know', () => {
  expect(changedBy(hideTests, flags)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v5 = stack()
      v6 = store 4 0(v5, 1)
      v7 = load 4 0(v5)
      v8 = alu xor 32(v7, 1)
      v1 = load 4 8(v0)
      v2 = alu and 32(v1, 1)
      if v2 ne32 0 jump b1 else b2
    b1:
      jump b3
    b2:
      jump b3
    b3:
      v3 = phi(1, 0)
      v11 = alu xor 32(v8, v3)
      v4 = alu xor 32(v8, v1)
      if v4 ugt32 100 jump b4 else b5
    b4:
      jump b6
    b5:
      jump b6
    b6:
      v9 = alu xor 32(v8, v11)
      if v9 eq32 0 jump b7 else b8
    b8:
      v10 = alu xor 32(v8, v1)
      if v10 ugt32 200 jump b7 else b9
    b7:
      return 1
    b9:
      return 2
    "
  `)
})

test('it may be told apart by as many numbers as are compared later', () => {
  expect(Math.max(...tellingNumbers(graphOf(flags)))).toBe(2)
})

test('what a loop counts is seen', () => {
  const text = `
  b0:
    v0 = context()
    jump b1
  b1:
    v1 = phi(0, v2)
    v2 = alu add 32(v1, 1)
    v3 = changing 4 8(v0)
    if v3 eq32 v1 jump b2 else b3
  b2:
    return 1
  b3:
    if v2 ne32 64 jump b1 else b4
  b4:
    return 0`
  expect(changedBy(hideTests, text)).toBe(changedBy(() => undefined, text))
  expect(Math.max(...tellingNumbers(graphOf(text)))).toBe(0)
})

test('each round tells more ways apart by what it compares with what it counts', () => {
  const loop = (inside: string, exit: string) => `
  b0:
    v0 = context()
    v5 = load 4 8(v0)
    jump b1
  b1:
    v1 = phi(0, v2)
    v2 = alu add 32(v1, 1)
    if ${inside} ult32 v1 jump b2 else b3
  b2:
    v4 = changing 4 8(v0)
    jump b4
  b3:
    jump b4
  b4:
    if v2 ne32 ${exit} jump b1 else b5
  b5:
    return 0`
  expect(waysByCounts(graphOf(loop('v5', '64')))).toBeGreaterThan(1)
  expect(waysByCounts(graphOf(loop('7', '64')))).toBe(1)
})

test('an address is never in a register as a number', () => {
  const text = `
  b0:
    v0 = context()
    v1 = changing 4 8(v0)
    if v1 ne32 0 jump b1 else b2
  b1:
    jump b3
  b2:
    jump b3
  b3:
    v2 = phi(v0, v0)
    v3 = load 4 0(v2)
    return v3`
  expect(changedBy(hideTests, text)).toBe(changedBy(() => undefined, text))
})

test('what a helper is told of memory is known, and what it is computed from is compared without that being known', () => {
  const text = `
  b0:
    v0 = context()
    v1 = changing 4 8(v0)
    v2 = stack()
    v3 = alu sub 64(v1, 1)
    if v1 ugt32 100 jump b1 else b2
  b1:
    jump b2
  b2:
    if v3 uge64 64 jump b3 else b4
  b3:
    jump b4
  b4:
    v4 = phi(v3, 63)
    v5 = alu add 64(v4, 1)
    v6 = call skb_load_bytes(v0, 0, v2, v5)
    if v1 ugt32 200 jump b5 else b6
  b5:
    return 1
  b6:
    return 2`
  expect(changedBy(hideTests, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v8 = stack()
      v9 = store 4 0(v8, 1)
      v10 = load 4 0(v8)
      v11 = alu xor 32(v10, 1)
      v12 = alu lsh 64(v11, 32)
      v13 = alu or 64(v12, v11)
      v1 = load 4 8(v0)
      v2 = stack()
      v7 = alu xor 64(v13, v1)
      v3 = alu sub 64(v7, 1)
      v14 = alu xor 32(v11, v1)
      if v14 ugt32 100 jump b1 else b2
    b1:
      jump b2
    b2:
      if v3 uge64 64 jump b3 else b4
    b3:
      jump b4
    b4:
      v4 = phi(v3, 63)
      v5 = alu add 64(v4, 1)
      v6 = call skb_load_bytes(v0, 0, v2, v5)
      v15 = alu xor 32(v11, v1)
      if v15 ugt32 200 jump b5 else b6
    b5:
      return 1
    b6:
      return 2
    "
  `)
})

test('of a place in memory, only comparisons with constants are left to the verifier', () => {
  const text = `
  b0:
    v0 = context()
    v1 = changing 4 8(v0)
    v2 = changing 4 12(v0)
    v3 = stack()
    if v1 ult32 v2 jump b1 else b3
  b1:
    if v1 ult64 8 jump b2 else b3
  b2:
    v4 = alu add 64(v3, v1)
    v5 = load 1 0(v4)
    return v5
  b3:
    if v2 ult32 5 jump b4 else b5
  b4:
    return 1
  b5:
    return 2`
  expect(changedBy(hideTests, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v7 = stack()
      v8 = store 4 0(v7, 1)
      v9 = load 4 0(v7)
      v10 = alu xor 32(v9, 1)
      v1 = load 4 8(v0)
      v2 = load 4 12(v0)
      v3 = stack()
      v6 = alu xor 32(v10, v1)
      v11 = alu xor 32(v10, v2)
      if v6 ult32 v11 jump b1 else b3
    b1:
      if v1 ult64 8 jump b2 else b3
    b2:
      v4 = alu add 64(v3, v1)
      v5 = load 1 0(v4)
      return v5
    b3:
      v12 = alu xor 32(v10, v2)
      if v12 ult32 5 jump b4 else b5
    b4:
      return 1
    b5:
      return 2
    "
  `)
})
