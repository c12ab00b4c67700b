import { describe, expect, test } from 'vitest'
import type { Graph } from '../ir.ts'
import { changedBy, graphOf } from './graph-text.ts'
import { unrollShort } from './unroll.ts'

/** Adds up words of the packet, and remembers the last one but one. */
const loop = (rounds: number, more = '') => `
  b0:
    v0 = context()
    v1 = start 4 76(v0)
    jump b1
  b1:
    v2 = phi(0, v8)
    v3 = phi(0, v7)
    v4 = phi(7, v6)
    v5 = alu add 64(v1, v2)
    v6 = load 2 0(v5)
    v7 = alu add 32(v3, v6)${more}
    v8 = alu add 32(v2, 2)
    if v8 ne32 ${2 * rounds} jump b1 else b2
  b2:
    v9 = alu xor 32(v7, v4)
    return v9`

function counting(text: string): Graph {
  const graph = graphOf(text)
  for (const { end } of graph.blocks) if (end?.op === 'branch') Object.assign(end, { counts: true })
  return graph
}

describe('loops', () => {
  test('of few rounds become what they do in each', () => {
    const unrolled = (graph: Graph) => unrollShort(Object.assign(graph, counting(loop(3))))
    expect(changedBy(unrolled, loop(3))).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        jump b1
      b1:
        v10 = alu add 64(v1, 0)
        v11 = load 2 0(v10)
        v12 = alu add 32(0, v11)
        v14 = alu add 64(v1, 2)
        v15 = load 2 0(v14)
        v16 = alu add 32(v12, v15)
        v18 = alu add 64(v1, 4)
        v19 = load 2 0(v18)
        v20 = alu add 32(v16, v19)
        jump b2
      b2:
        v9 = alu xor 32(v20, v15)
        return v9
      "
    `)
  })

  test('of one round are none', () => {
    const unrolled = (graph: Graph) => unrollShort(Object.assign(graph, counting(loop(1))))
    expect(changedBy(unrolled, loop(1))).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        jump b1
      b1:
        v10 = alu add 64(v1, 0)
        v11 = load 2 0(v10)
        v12 = alu add 32(0, v11)
        jump b2
      b2:
        v9 = alu xor 32(v12, 7)
        return v9
      "
    `)
  })

  test('stay where they are long, where they call, or where something else ends them', () => {
    expect(unrollShort(counting(loop(33)))).toBe(false)
    expect(unrollShort(counting(loop(3, '\nv10 = call ktime_get_ns()')))).toBe(false)
    expect(unrollShort(graphOf(loop(3)))).toBe(false)
  })
})
