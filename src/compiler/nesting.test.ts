import { expect, test } from 'vitest'
import { tooDeepAt } from './nesting.ts'
import { parse } from './parse.ts'

const times = (text: string, most = 100_000) => text.repeat(most)

test.each([
  ['parentheses', `x = ${times('(')}1${times(')')}`],
  ['blocks', times('{')],
  ['lists of lists', times('[')],
  ['templates', times('`${')],
  ['prefixes', `x = ${times('!')}1`],
  ['words before it', `type x = ${times('keyof ')}a`],
  ['a sum', `x = ${times('1 + ')}1`],
  ['a sum of many lines', `x = ${times('1 +\n')}1`],
  ['a choice of many lines', `x = ${times('a\n  ? 1\n  : ')}1`],
])('%s: the parser would run out of stack', (_, text) => {
  expect(tooDeepAt(text)).toBeDefined()
  expect(() => parse('deep.ts', text)).toThrow(/^deep\.ts:\d+:\d+: this is nested more than 200 deep\n/)
})

test.each([
  ['labels', `switch (x) { ${times('case 1: ')} x++ }`],
  ['a table', `x = [${times('1,')}]`],
  ['assignments', times('x = x + 1\n')],
  ['functions', times('function f(x: u32) { return [x] }\n', 1000)],
  ['brackets in a string', `x = "${times('(')}"`],
  ['brackets in comments', `// ${times('(')}\n/* ${times('{')} */`],
  ['a comment without an end', `/* ${times('{')}`],
  ['a quote in a string', `x = '\\'${times('[')}'`],
])('%s: not deep', (_, text) => {
  expect(tooDeepAt(text)).toBe(undefined)
})
