import { expect, test } from 'vitest'
import { knownBounds } from './bounds.ts'
import { changedBy, graphOf } from './graph-text.ts'

/** Two headers are read, one after the other; the second one's test is on the way from the first's that is named. */
const reads = (first: number, second: number, way: 'there' | 'short', base = 'v1') => `
  b0:
    v0 = context()
    v1 = start 4 76(v0)
    v2 = load 4 80(v0)
    v3 = load 1 14(v1)
    v4 = alu add 64(v1, v3)
    v5 = alu add 64(v1, ${first})
    if v5 ugt64 v2 jump b1 else b2
  b1:
    ${way === 'short' ? 'jump b3' : 'return 1'}
  b2:
    ${way === 'there' ? 'jump b3' : 'return 2'}
  b3:
    v6 = alu add 64(${base}, ${second})
    if v6 ule64 v2 jump b4 else b5
  b4:
    return 4
  b5:
    return 5`

test.each([
  ['a header within one that is there', 54, 38, 'there', 4],
  ['the same bytes', 38, 38, 'there', 4],
  ['a header as long as one that is not', 38, 38, 'short', 5],
  ['a header behind the end of one that is not', 38, 54, 'short', 5],
] as const)('nothing is compared twice: %s', (_, first, second, way, result) => {
  const graph = graphOf(reads(first, second, way))
  expect(knownBounds(graph)).toBe(true)
  const returned = graph.blocks.flatMap(({ end }) => (end?.op === 'return' ? [end.value] : []))
  expect(returned).toContainEqual(expect.objectContaining({ value: BigInt(result) }))
  expect(returned).toHaveLength(2)
})

test.each([
  ['a header behind one that is there', 38, 54, 'there', 'v1'],
  ['a header within one that is not', 54, 38, 'short', 'v1'],
  ['one from elsewhere', 54, 38, 'there', 'v4'],
] as const)('what is not known is compared: %s', (_, first, second, way, base) => {
  expect(knownBounds(graphOf(reads(first, second, way, base)))).toBe(false)
})

test('where both ways meet, nothing is known', () => {
  const text = `
    b0:
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 4 80(v0)
      v3 = alu add 64(v1, 54)
      if v3 ugt64 v2 jump b1 else b2
    b1:
      v4 = call ktime_get_ns()
      jump b2
    b2:
      v5 = alu add 64(v1, 38)
      if v5 ugt64 v2 jump b3 else b4
    b3:
      return 3
    b4:
      return 4`
  expect(changedBy(knownBounds, text)).toBe(changedBy(() => undefined, text))
})
