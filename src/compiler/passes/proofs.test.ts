import { describe, expect, test } from 'vitest'
import type { Graph } from '../ir.ts'
import { graphOf } from './graph-text.ts'
import { knownProofs } from './proofs.ts'

/** Whether a test of `v9` in block 5, which is there for the verifier alone, is taken out. */
function isKnown(values: string, test = 'if v9 ule32 7 jump b6 else b7'): boolean {
  const text = `
    b0:
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 4 80(v0)
      ${values}
      jump b5
    b5:
      ${test}
    b6:
      return 1
    b7:
      return 0`
  return isTakenOut(graphOf(text))
}

function isTakenOut(graph: Graph): boolean {
  const proof = graph.blocks.find(({ id }) => id === 5)
  if (proof?.end?.op !== 'branch') throw new Error('no test')
  Object.assign(proof.end, { proof: true })
  return knownProofs(graph) && proof.end.op !== ('branch' as string)
}

describe('tests for the verifier', () => {
  test.each([
    ['a mask', 'v3 = load 4 0(v1)\nv9 = alu and 32(v3, 7)'],
    ['a shift of few bits', 'v3 = load 1 0(v1)\nv9 = alu rsh 32(v3, 5)'],
    [
      'a test on the way',
      'v9 = load 4 0(v1)\nv8 = alu add 32(v9, 0)\nif v8 ule32 7 jump b1 else b7\nb1:\nv7 = alu or 32(v8, 0)',
    ],
    [
      'what is joined with itself again and again',
      `v3 = load 4 0(v1)\nv10 = alu and 32(v3, 7)\n${Array.from({ length: 60 }, (_, one) => `v${11 + one} = alu and 32(v${10 + one}, v${10 + one})`).join('\n')}\nv9 = alu and 32(v70, v70)`,
    ],
    [
      'a long sum of what a shift leaves nothing of',
      `v10 = load 1 0(v1)\n${Array.from({ length: 20_000 }, (_, one) => `v${11 + one} = alu add 32(v${10 + one}, v10)`).join('\n')}\nv9 = alu rsh 32(v20010, 29)`,
    ],
  ])('are taken out behind %s', (title, values) => {
    const tested = title === 'a test on the way' ? 'if v8 ule32 7 jump b6 else b7' : undefined
    expect(isKnown(values, tested)).toBe(true)
  })

  test.each([
    ['a mask that leaves more', 'v3 = load 4 0(v1)\nv9 = alu and 32(v3, 15)'],
    [
      'what two masks join, before Linux 6.10',
      'v3 = load 4 0(v1)\nv4 = alu and 32(v3, 3)\nv5 = alu and 32(v3, 4)\nv9 = alu or 32(v4, v5)',
    ],
    [
      'a shift by what is not known, of which the upper half is not either',
      'v3 = load 4 0(v1)\nv4 = load 1 0(v1)\nv5 = alu lsh 32(v3, v4)\nv9 = alu rsh 64(v5, 29)',
    ],
    [
      'a mask of what was tested, for the test may be hidden',
      'v3 = load 4 0(v1)\nv4 = alu add 32(v3, 1)\nif v4 ule32 7 jump b1 else b7\nb1:\nv9 = alu and 32(v4, 510)',
    ],
    ['a remainder', 'v3 = load 4 0(v1)\nv9 = alu mod 32(v3, 8)'],
    ['a division', 'v3 = load 1 0(v1)\nv9 = alu div 32(v3, 64)'],
    ['octets in another order', 'v3 = load 2 0(v1)\nv4 = alu and 32(v3, 7)\nv9 = swap 16(v4)'],
    ['a test of what is loaded, which may be loaded again', 'v9 = load 4 0(v1)\nif v9 ule32 7 jump b1 else b7\nb1:'],
    ['a test that only one way has passed', 'v9 = load 4 0(v1)\nif v9 ule32 7 jump b1 else b5\nb1:'],
  ])('stay behind %s', (_, values) => {
    expect(isKnown(values)).toBe(false)
  })
})
