import { expect, test } from 'vitest'
import { nearest, suggestion } from './suggest.ts'

const CUBES = ['bridge', 'router', 'nat', 'firewall']

test.each([
  ['brigde', 'bridge'],
  ['bride', 'bridge'],
  ['bridges', 'bridge'],
  ['Bridge', 'bridge'],
  ['ruoter', 'router'],
  ['nta', 'nat'],
  ['bat', 'nat'],
  ['wall', undefined],
  ['x', undefined],
  ['pat', 'nat'],
  ['gate', undefined],
  ['', undefined],
  ['loadbalancer', undefined],
])('%j is nearest to %j', (word, near) => {
  expect(nearest(word, CUBES)).toBe(near)
})

test('of one letter, no other is near', () => expect(nearest('c', ['a', 'b'])).toBeUndefined())

test('of two as near, the first that is known', () => {
  expect(nearest('aab', ['aaa', 'aac'])).toBe('aaa')
})

test.each([
  ['brigde', CUBES, 'did you mean "bridge"? (known: bridge, router, nat, firewall)'],
  ['xyzzy', CUBES, 'known: bridge, router, nat, firewall'],
  ['bridge', [], 'there are none'],
])('a suggestion for %j among %j', (word, known, says) => {
  expect(suggestion(word, known)).toBe(says)
  expect(suggestion(word, new Set(known))).toBe(says)
})
