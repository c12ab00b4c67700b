import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refusal } from './diagnostic.ts'
import { parseJson } from './json.ts'

function refused(text: string): readonly unknown[] {
  try {
    return ['accepted', parseJson(text)]
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const [{ message, path } = { message: '' }] = error.diagnostics
    return [message, path]
  }
}

test('what can be said in JSON is read as it is', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      if (text.includes('__proto__')) return
      expect(parseJson(text)).toEqual(JSON.parse(text))
    }),
  )
})

describe('JSON is refused', () => {
  test.each([
    ['with a name twice', '{"a": [1, {"b": 1, "c": {"b": 2}, "b": 3}]}', '"b" is there twice', ['a', 1, 'b']],
    ['with a name twice, spelt otherwise', '{"a": 1, "\\u0061": 2}', '"a" is there twice', ['a']],
    ['with a member that is none', '{"a": {"__proto__": {}}}', '"__proto__" is not a name', ['a']],
  ])('%s', (_, text, message, path) => expect(refused(text)).toEqual([message, path]))

  test('as deep as a well', () => {
    expect(refused(`${'['.repeat(65)}${']'.repeat(65)}`)[0]).toBe('nothing is deeper than 64 levels')
    expect(refused(`${'['.repeat(64)}${']'.repeat(64)}`)[0]).toBe('accepted')
    expect(refused(`${'['.repeat(1e6)}${']'.repeat(1e6)}`)[0]).toMatch(/^nothing is deeper|^this is no JSON/)
  })

  test('where it is none', () => expect(refused('{"a": }')[0]).toMatch(/^this is no JSON: /))
})

test('brackets, colons and quotes in texts mean nothing', () =>
  expect(parseJson('{"a:{": "\\"b\\": {[,", "b": ":\\\\"}')).toEqual({ 'a:{': '"b": {[,', b: ':\\' }))
