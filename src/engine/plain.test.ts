import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { readPlain } from './plain.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const examples = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(EXAMPLES, name), 'utf8'))

/** What the library says, with names in their order; undefined where it has something to say against it. */
function readByLibrary(text: string): string | undefined {
  const document = parseDocument(text, { prettyErrors: false })
  return document.errors.length + document.warnings.length > 0 ? undefined : JSON.stringify(document.toJS())
}

const PLAIN = `# A graph.
graph: office
attach: "tc egress"

instances:
  # Of two ports.
  s:
    cube: ./cubes/switch
    config: { mac: '02:00:00:00:00:01', on: true, off: false, nothing: {}, none: [], list: [ 1, two, [3] ] }
    ports:
      a: { interface: eth0.100 }
      b: {}
  r-1: { cube: router, config: { address: 10.0.0.1/24, yes: no, metric: 0 }, ports: {lan: {to: s.b}} }
  empty:
interfaces: { blue/eth0: { through: [guard] } }   
`

test('a plain document says what the library for YAML reads in it', () => {
  expect(JSON.stringify(readPlain(PLAIN))).toBe(readByLibrary(PLAIN))
  expect(JSON.stringify(readPlain(PLAIN.trimEnd()))).toBe(readByLibrary(PLAIN))
})

test.each([
  ['nothing', ''],
  ['a comment', '# nothing\n'],
  ['a name twice', 'a: 1\na: 2\n'],
  ['a name twice in brackets', 'a: { b: 1, b: 2 }\n'],
  ['a name that is none', 'null: 1\n'],
  ['a name of numbers', '1: 1\n'],
  ['a word for nothing', 'a: NULL\n'],
  ['a number with a sign', 'a: -1\n'],
  ['a number of sixteen', 'a: 0x10\n'],
  ['a fraction', 'a: 1.5\n'],
  ['a number with zeros before it', 'a: 010\n'],
  ['several words', 'a: b c\n'],
  ['a comment behind something', 'a: b # c\n'],
  ['a tab', 'a:\tb\n'],
  ['an escape', 'a: "\\n"\n'],
  ['an anchor', 'a: &b c\n'],
  ['a list by lines', 'a:\n  - b\n'],
  ['several lines in brackets', 'a: {\n  b: c }\n'],
  ['brackets that are open', 'a: { b: [c }\n'],
  ['a line further to the right', 'a: b\n  c: d\n'],
  ['a line between two others', 'a:\n    b: c\n  d: e\n'],
  ['a mapping on a line of another one', 'a: b: c\n'],
  ['what is nested deeply', `a: ${'['.repeat(20)}${']'.repeat(20)}\n`],
])('is left to the library: %s', (_, text) => {
  expect(readPlain(text)).toBeUndefined()
})

test('whatever is read as plain, the library reads alike', () => {
  const pieces = fc.constantFrom(
    ...[
      'a',
      'b1',
      'null',
      'True',
      'yes',
      '0',
      '12',
      '1.5',
      '10.0.0.1/8',
      'x.y',
      './z',
      '..',
      '"q r"',
      "'s: {'",
      '~',
      '-',
      '- ',
    ],
    ...[
      ':',
      ': ',
      ': ',
      ': ',
      ':\n',
      ', ',
      ',',
      '{ ',
      '{',
      ' }',
      '}',
      '[',
      ']',
      '#',
      ' # ',
      '\n',
      '\n',
      '\n  ',
      '\n    ',
      ' ',
      '\t',
      '<<',
      '&a ',
      '*a',
    ],
  )
  const made = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(''))
  const all = [PLAIN, ...examples]
  const edit = fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.array(pieces, { maxLength: 3 }))
  const changed = fc.tuple(fc.constantFrom(...all), fc.array(edit, { maxLength: 2 })).map(([text, edits]) =>
    edits.reduce((now, [at, length, parts]) => {
      const from = at % (now.length + 1)
      return now.slice(0, from) + parts.join('') + now.slice(from + length)
    }, text),
  )
  let plain = 0
  fc.assert(
    fc.property(fc.oneof(made, changed), (text) => {
      const read = readPlain(text)
      if (read === undefined) return
      plain++
      expect(JSON.stringify(read)).toBe(readByLibrary(text))
    }),
    { numRuns: 3000, seed: 1 },
  )
  expect(plain).toBeGreaterThan(300)
})
