import { expect, test } from 'vitest'
import { isSameNamespace } from './same-namespace.ts'

test.each([
  ['net:[4026531840] 1', 'net:[4026531840] 1', true],
  ['net:[4026532221] 7', 'net:[4026532222] 8', false],
  ['net:[4026532221] 7', 'net:[4026532221] 12', false],
  ['net:[4026532221] 7', 'net:[4026532221]', true],
  ['net:[4026532221]', 'net:[4026532221]', true],
  ['net:[4026532221]', 'net:[4026532222] 7', false],
])('%s and %s', (one, other, isSame) => {
  expect(isSameNamespace(one, other)).toBe(isSame)
  expect(isSameNamespace(other, one)).toBe(isSame)
})
