/**
 * Every Markdown file in `cases/` is a chapter about one thing, every heading of the second level in it a test: a data
 * plane (or the body of one), and under it what the compiler says. Where nothing is under it, it has to compile.
 *
 *     TESSERA_UPDATE_CASES=1 npx vitest run src/compiler/cases.test.ts     writes down what the compiler says now
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal, render } from '../base/diagnostic.ts'
import { config, lan } from './cases/lan.ts'
import { compile, dataPlaneOf } from './compile.ts'
import { loadModules, type Modules, parseModule } from './modules.ts'

/** As the generated modules import it, which lie in `cases/`. */
const LANG = '../../lang/index.ts'

const folder = join(import.meta.dirname, 'cases')
const update = process.env.TESSERA_UPDATE_CASES !== undefined
const wiring = { port: 1, exits: [1, 2, 3].map((port) => ({ port, ifindex: 10 + port })), capacity: 4 }

const WORDS =
  'array, Arp, bits, bool, Ethernet, ETHERTYPE, header, i32, i64, ipv4, IPv4, ipv6, IPv6, isMulticast, mac, seconds, u8, u16, u32, u64, Udp'
const IMPORTS = `import { ${WORDS} } from '${LANG}'; import { config as given, dataplane, lan, Trailer } from './lan.ts'`
const GIVEN = '{ state, config, port, now, drop, forward, flood, pass }'

/** All that a case does not repeat is in one line before it, which no place counts. */
function moduleText(source: string): string {
  if (source.includes('export default')) return `${IMPORTS}\n${source}\n`
  return `${IMPORTS}; export default dataplane(lan, (packet, ${GIVEN}) => {\n${source}\n})\n`
}

/** What the compiler says about a case: nothing, or every mistake in it. */
function said(modules: Modules, source: string): string {
  const path = join(folder, 'dataplane.ts')
  try {
    const module = parseModule(path, moduleText(source), { default: { cube: lan } })
    const read = dataPlaneOf(new Map([...modules, [path, module]]), path)
    compile(read, { name: 'case', config, port: {}, wiring })
    return ''
  } catch (error) {
    // Anything else is a mistake of the compiler, and no case may expect it.
    if (!(error instanceof Refusal)) throw error
    return error.diagnostics.map((one) => render({ ...one, place: one.place && shift(one.place) })).join('\n\n')
  }
}

const shift = <P extends { file: string; line: number }>(place: P): P => ({
  ...place,
  file: 'dataplane.ts',
  line: place.line - 1,
})

const CASE =
  /^## (?<title>.+)\n(?<prose>(?:(?!```|## ).*\n)*)```ts\n(?<source>[\s\S]*?)\n```\n(?:\n?```text\n(?<expected>[\s\S]*?)\n```\n)?/gm

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .sort()) {
  const text = readFileSync(join(folder, file), 'utf8')
  const [, chapter = file] = /^# (.+)$/m.exec(text) ?? []
  describe(chapter, async () => {
    const modules = await loadModules(join(folder, 'lan.ts'))
    const cases = [...text.matchAll(CASE)].map(({ groups = {} }) => groups)
    test('every heading has a data plane', () => expect(cases).toHaveLength([...text.matchAll(/^## /gm)].length))
    if (update) writeFileSync(join(folder, file), rewritten(text, modules))
    else
      test.each(cases)('$title', ({ source = '', expected = '' }) => {
        expect(said(modules, source)).toBe(expected)
      })
  })
}

const rewritten = (text: string, modules: Modules): string =>
  text.replaceAll(CASE, (_all, title: string, prose: string, source: string) => {
    const says = said(modules, source)
    const answer = says === '' ? '' : `\n\`\`\`text\n${says}\n\`\`\`\n`
    return `## ${title}\n${prose}\`\`\`ts\n${source}\n\`\`\`\n${answer}`
  })
