import { expect, test } from 'vitest'
import type { Graph } from '../ir.ts'
import { boundLoops } from './bound-loops.ts'
import { changedBy, graphOf, listing } from './graph-text.ts'
import { hideTests } from './hide-tests.ts'
import { Ranges } from './ranges.ts'

const bounded = (graph: Graph): void => {
  graph.bounded = true
  hideTests(graph)
  boundLoops(graph)
}

const counting = `
  b0:
    v0 = context()
    v1 = changing 4 8(v0)
    jump b1
  b1:
    v2 = phi(0, v4)
    v3 = changing 4 12(v0)
    v4 = alu add 32(v2, 1)
    if v3 ult32 v1 jump b2 else b3
  b2:
    return 1
  b3:
    if v4 ne32 64 jump b1 else b4
  b4:
    return 0`

test('each round asks for its budget, and of what goes round and is compared the verifier knows nothing', () => {
  expect(changedBy(bounded, counting)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v6 = stack()
      v7 = store 4 0(v6, 1)
      v8 = load 4 0(v6)
      v9 = alu xor 32(v8, 1)
      v1 = load 4 8(v0)
      jump b1
    b1:
      v2 = phi(0, v4)
      v11 = mayGoto()
      v10 = alu xor 32(v9, v2)
      v3 = load 4 12(v0)
      v4 = alu add 32(v10, 1)
      if v3 ult32 v1 jump b2 else b3
    b2:
      return 1
    b3:
      v5 = alu xor 32(v9, v4)
      if v5 ne32 64 jump b1 else b4
    b4:
      return 0
    "
  `)
})

test('what has no budget left is dropped', () => {
  expect(listing(counting, bounded)).toMatchInlineSnapshot(`
    "
    *(u32 *)(r10 -4) = 1
    r3 = *(u32 *)(r10 -4)
    w3 ^= 1
    r4 = *(u32 *)(r1 +8)
    r2 = 0
    may_goto +14
    r0 = r3
    w0 ^= w2
    r2 = *(u32 *)(r1 +12)
    w0 += 1
    if w2 >= w4 goto +2
    r0 = 1
    exit
    r2 = r3
    w2 ^= w0
    if w2 == 64 goto +2
    r2 = r0
    goto -13
    r0 = 0
    exit
    r0 = 2
    exit
    "
  `)
})

test('nobody relies on what such a loop counts', () => {
  const text = `
  b0:
    v0 = context()
    jump b1
  b1:
    v1 = phi(0, 1)
    v2 = changing 4 8(v0)
    if v2 ne32 0 jump b1 else b2
  b2:
    return v1`
  const most = (graph: Graph, eyes: 'values' | 'verifier'): bigint | undefined => {
    const phi = graph.blocks[1]?.values[0]
    return phi && new Ranges(graph, eyes).most(phi)
  }
  const graph = graphOf(text)
  expect(most(graph, 'verifier')).toBe(1n)
  graph.bounded = true
  expect(most(graph, 'verifier')).toBe(2n ** 64n - 1n)
  expect(most(graph, 'values')).toBe(1n)
})

test('with a lock, nobody may be dropped: the verifier walks every round', () => {
  const locked = (first: string, last: string) => `
  b0:
    v0 = context()
    v1 = call ${first}(v0)
    jump b1
  b1:
    v2 = phi(0, v3)
    v3 = alu add 32(v2, 1)
    if v3 ne32 64 jump b1 else b2
  b2:
    v4 = call ${last}(v0)
    return 0`
  const [held, free] = [locked('spin_lock', 'spin_unlock'), locked('spin_unlock', 'spin_lock')]
  expect(changedBy(bounded, held)).toBe(changedBy(() => undefined, held))
  expect(changedBy(bounded, free)).toContain('mayGoto')
})
