import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { readUsual } from './usual-yaml.ts'

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url))
const files = readdirSync(EXAMPLES).filter((file) => file.endsWith('.yaml'))
const texts = files.map((file) => readFileSync(join(EXAMPLES, file), 'utf8'))

/** What the parser says that reads the others. Undefined where it refuses. */
function slowly(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false })
  return document.errors.length + document.warnings.length === 0 ? document.toJS() : undefined
}

test.each(files.map((file, at) => [file, texts[at] ?? '']))('the example %s is usual', (_, text) => {
  expect(readUsual(text)).toEqual(slowly(text))
  expect(readUsual(text)).toBeTypeOf('object')
})

const unusual: [what: string, text: string][] = [
  ['an anchor', 'a: &x 1\n'],
  ['an alias', 'a: &x 1\nb: *x\n'],
  ['a tag', 'a: !!str 1\n'],
  ['a tag of a mapping', 'a: !!map {}\n'],
  ['a directive', '%YAML 1.1\n---\na: yes\n'],
  ['two documents', 'a: 1\n---\nb: 2\n'],
  ['a name twice', 'a: 1\na: 2\n'],
  ['a name that is a number', '80: a\n'],
  ['a name that is nothing', '~: a\n'],
  ['a name that is a list', '? [a]\n: b\n'],
  ['__proto__', '__proto__: { a: 1 }\n'],
  ['an end of no document', '...\na: 1\n'],
  ['a number that has no double', 'a: 1e400\n'],
  ['a beginning of a document that is indented', ' ---\na: 1\n'],
  ['the same by a tab', '\t---\na: 1\n'],
  ['nothing', ''],
  ['a list', '- a\n'],
  ['what is no YAML', 'a: { b: 1\n'],
  ['what is nested very deeply', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
]

test.each(unusual)('%s is unusual', (_, text) => {
  expect(readUsual(text)).toBeUndefined()
})

/** What means something in YAML, or nearly does. */
const BITS =
  `: |: |- |? |# |{|}|[|]|,|"|'|\\|\n|\n  |\t| | |>-\n|---\n|...\n|&a |*a|!b |<<|~|null|yes|true|0x1F|0o17|017|1_000|1e3|.inf|-1|é|%|@|\``
    .split('|')
    .concat('|', '|-\n', '')

const changed = fc
  .tuple(
    fc.constantFrom(...texts, 'graph: lan\ninstances:\n  s: { cube: bridge, ports: { a: {}, b: {} } }\n'),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), fc.constantFrom(...BITS)), {
      maxLength: 4,
    }),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [where, gone, put]) => {
      const at = Math.floor(where * edited.length)
      return edited.slice(0, at) + put + edited.slice(at + gone)
    }, text),
  )

test('whatever is read quickly is what the other parser reads', () => {
  fc.assert(
    fc.property(changed, (text) => {
      const quickly = readUsual(text)
      if (quickly !== undefined) expect(quickly).toEqual(slowly(text))
    }),
    { numRuns: Number(process.env.TESSERA_YAML_RUNS ?? 300) },
  )
})
