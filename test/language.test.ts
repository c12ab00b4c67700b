/**
 * `docs/language.md` says what is so: its samples satisfy `tsc --strict`, compile, and are loaded by both machines, or are
 * refused with the message under them; its tables of what is refused are what the compiler says.
 *
 *     TESSERA_UPDATE_LANGUAGE=1 npx vitest run test/language.test.ts     writes down what the compiler says now
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine, MachineMap } from '../src/backend/machine.ts'
import { Refusal, render } from '../src/base/diagnostic.ts'
import { compile, dataPlaneOf, mapsOf } from '../src/compiler/compile.ts'
import { loadModules, type Modules, parseModule } from '../src/compiler/modules.ts'
import { REFUSED } from '../src/compiler/narrow/refused.ts'
import type { Program } from '../src/isa/program.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { everyMachine } from '../src/testing/machines.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { gate } from './language/schema.ts'
import { typeErrors } from './language/tsc.ts'

const path = join(import.meta.dirname, '../docs/language.md')
const folder = join(import.meta.dirname, 'language')
const schema = join(folder, 'schema.ts')
const text = readFileSync(path, 'utf8')

/** A sample, and what the compiler says about it; a schema is not compiled. */
const SAMPLE = /```ts\n(?<source>[\s\S]*?)\n```\n(?:\n```text\n(?<expected>[\s\S]*?)\n```\n)?/g
/** A row of the table of refused expressions. */
const ROW = /^\| `(?<source>[^`]+)` \|(?<says>[^|]*)\|(?<remedy>[^|]*)\|$/gm
/** The tables that follow such a mark. */
const marked = (name: string): RegExp => new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*?(?=\\n<!-- / -->)`)

const GIVEN = '{ state, config, port, now, drop, punt, forward, flood, pass }'
const IMPORTS = `import { gate, Mpls, Ripv2 } from './schema.ts'; import { dataplane } from 'tessera/cube'; import { Arp, atomic, contains, Ethernet, ETHERTYPE, fill, flowOf, FRAGMENT, Gre, i32, i64, ipv4, IPv4, ipv6, IPv6, isMulticast, mac, masked, portId, prefix, PROTOCOL, seconds, Tcp, u8, u16, u32, u64, Udp, Vlan } from 'tessera/lang'`
const isModule = (source: string): boolean => source.includes('export default')
const moduleText = (source: string): string =>
  isModule(source) ? source : `${IMPORTS}; export default dataplane(gate, (packet, ${GIVEN}) => {\n${source}\n})\n`

const wiring = { port: 1, exits: [1, 2, 3].map((port) => ({ port, ifindex: 10 + port })), capacity: 4 }

function compiled(modules: Modules, source: string): Program {
  const file = join(folder, 'dataplane.ts')
  const module = parseModule(file, moduleText(source), { default: { cube: gate } })
  const options = { name: 'sample', config: gate.config.parse({}), port: gate.ports.parse({}), wiring }
  return compile(dataPlaneOf(new Map([...modules, [file, module]]), file), options)
}

function refusalOf(modules: Modules, source: string): Refusal | undefined {
  try {
    compiled(modules, source)
    return undefined
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return error
  }
}

function said(modules: Modules, source: string): string {
  const before = isModule(source) ? 0 : 1
  return (refusalOf(modules, source)?.diagnostics ?? [])
    .map(({ place, ...rest }) =>
      render({ ...rest, place: place && { ...place, file: 'dataplane.ts', line: place.line - before } }),
    )
    .join('\n\n')
}

/** A row of the table of refused expressions, as the compiler would write it. */
function row(modules: Modules, source: string): string {
  const first = refusalOf(modules, source.includes('return') ? source : `${source}; return pass()`)?.diagnostics[0]
  return `| \`${source}\` | ${first?.message ?? 'compiles'} | ${first?.remedy ?? ''} |`
}

/** The table of refused syntax, from the compiler's. */
const syntaxRows = (): string =>
  [...new Set(Object.values(REFUSED).map(([what, remedy]) => `| ${code(what)} | ${remedy} |`))].sort().join('\n')
const code = (what: string): string => (/[a-z]/i.test(what) ? what : `\`${what}\``)

describe('docs/language.md', async () => {
  const modules = await loadModules(schema)
  const tables = { syntax: syntaxRows(), expressions: refusedRows(modules) }

  if (process.env.TESSERA_UPDATE_LANGUAGE !== undefined) writeFileSync(path, rewritten(modules, tables))

  const samples = [...text.matchAll(SAMPLE)].map(({ groups: { source = '', expected = '' } = {}, index }) => ({
    line: text.slice(0, index).split('\n').length,
    source,
    expected,
  }))
  const dataPlanes = samples.filter(({ source }) => !source.includes('defineCube('))
  const accepted = dataPlanes.filter(({ expected }) => expected === '')
  test.each(dataPlanes)('the sample of line $line', ({ source, expected }) =>
    expect(said(modules, source)).toBe(expected),
  )
  test('tsc accepts every sample that compiles', () => {
    const files = accepted.map(({ line, source }): [string, string] => [`line-${line}.ts`, moduleText(source)])
    expect(typeErrors(new Map(files))).toBe('')
  })

  for (const { name, skip } of everyMachine)
    describe.skipIf(skip !== undefined)(`the ${name} loads${skip === undefined ? '' : ` (skipped: ${skip})`}`, () => {
      let machine: Machine
      let maps: Record<string, MachineMap>
      beforeAll(() => {
        machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
        maps = Object.fromEntries(
          Object.entries(mapsOf(gate, wiring.capacity)).map(([map, one]) => [map, machine.createMap(map, one)]),
        )
      })
      afterAll(() => machine[Symbol.dispose]())
      // The verifier's refusal would be the failure.
      test.each(accepted)('the sample of line $line', ({ source }) =>
        machine.load(compiled(modules, source), maps)[Symbol.dispose](),
      )
    })

  test('has the schema of its samples in full', () => expect(text).toContain(readFileSync(schema, 'utf8').trimEnd()))
  test('has all refused syntax', () => expect(marked('syntax').exec(text)?.[0]).toContain(tables.syntax))
  test('has what is said about refused expressions', () =>
    expect(marked('expressions').exec(text)?.[0]).toContain(tables.expressions))
})

function refusedRows(modules: Modules): string {
  const table = marked('expressions').exec(text)?.[0] ?? ''
  return [...table.matchAll(ROW)].map(({ groups: { source = '' } = {} }) => row(modules, source)).join('\n')
}

function rewritten(modules: Modules, tables: { syntax: string; expressions: string }): string {
  const head = (table: string): string => table.split('\n').slice(0, 2).join('\n')
  return text
    .replaceAll(SAMPLE, (_all, source: string) => {
      const says = source.includes('defineCube(') ? '' : said(modules, source)
      return `\`\`\`ts\n${source}\n\`\`\`\n${says === '' ? '' : `\n\`\`\`text\n${says}\n\`\`\`\n`}`
    })
    .replace(marked('syntax'), (table) => `${head(table)}\n${tables.syntax}`)
    .replace(marked('expressions'), (table) => `${head(table)}\n${tables.expressions}`)
}
