import { expect, test } from 'vitest'
import { merged, patchBetween } from './merge-patch.ts'

test('a merge patch makes the one of the other', () => {
  const documents: readonly unknown[] = [
    {},
    { a: 1 },
    { a: { b: 1, c: [1, 2] } },
    { a: { b: 1, c: [1] }, d: 'x' },
    { a: [1] },
    { constructor: { b: 1 } },
  ]
  for (const from of documents)
    for (const to of documents) expect(merged(from, patchBetween(from, to)), JSON.stringify([from, to])).toEqual(to)
  expect(patchBetween({ a: 1, b: 2 }, { a: 1, b: 3 })).toEqual({ b: 3 })
  expect(patchBetween({ a: 1 }, undefined)).toBe(null)
})

/** RFC 7396, appendix A. */
test.each<[target: unknown, patch: unknown, result: unknown]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('of %j, %j makes %j', (target, patch, result) => {
  expect(merged(target, patch)).toEqual(result)
})
