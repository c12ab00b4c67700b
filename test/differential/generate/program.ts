/** Random data planes that the checker accepts, as TypeScript text. */
import { Ethernet, type StructType } from '../../../src/lang/index.ts'
import { HEADERS, sample } from '../cube.ts'
import { ADDRESSES, isAddress, isInt, TYPES, type Type } from '../types.ts'
import { address } from './addresses.ts'
import {
  annotation,
  type Choose,
  Draft,
  type Helper,
  indented,
  isRecord,
  type Parameter,
  type Returns,
  type TableName,
} from './draft.ts'
import { update } from './locks.ts'
import { recordAnnotation, recordType } from './records.ts'
import { returned, statements, verdict } from './statements.ts'

export interface Generated {
  readonly text: string
  readonly config: Readonly<Record<string, number | bigint | boolean>>
}

/** Taken out by name, so that functions can be given all of it. */
const CONTEXT = ['state', 'config', 'now', 'drop', 'punt', 'forward', 'flood', 'pass'].map(
  (name) => `  const ${name} = context.${name}`,
)

/** `stress`: with as many long loops as there can be. */
export function generate(choose: Choose, stress = false): Generated {
  const draft = new Draft(choose, stress ? 1 : 10)
  draft.helpers.push(...LIBRARY)
  draft.moving = draft.once(4)
  const functions = [
    ...Array.from({ length: choose(4) }, (_, index) => alone(draft, () => helper(draft, `helper${index}`))),
    ...Array.from({ length: Math.max(0, choose(4) - 2) }, (_, index) =>
      alone(draft, () => update(draft, `update${index}`)),
    ),
  ]
  draft.inHelper = false
  draft.returns = 'verdict'
  draft.budget = draft.oneOf([2, () => 3 + choose(8)], [2, () => 6 + choose(20)], [1, () => 20 + choose(20)])
  draft.refer('first', Ethernet, { of: 'packet', header: 'Ethernet' })
  draft.word('Ethernet')
  const body = draft.opened(() => [
    ...parsed(draft),
    ...statements(draft, 0),
    ...results(draft),
    `return ${verdict(draft, 1)}`,
  ])
  const words = [...draft.imports].sort()
  const lines = [
    `import { ${words.filter((name) => !OWN.has(name)).join(', ')} } from '../../src/lang/index.ts'`,
    "import type { DataOf, Verdict } from '../../src/lang/index.ts'",
    `import { ${['dataplane', ...words.filter((name) => OWN.has(name)), 'sample'].join(', ')} } from './cube.ts'`,
    '',
    ...draft.constants,
    ...functions.flat(),
    'export default dataplane(sample, (packet, context) => {',
    ...CONTEXT,
    '  const first = packet.read(Ethernet)',
    "  if (!first) return drop('truncated')",
    ...indented(body),
    '})',
  ]
  return { text: `${lines.join('\n')}\n`, config: draft.config }
}

/** A function knows nothing but its parameters. */
function alone(draft: Draft, write: () => string[]): string[] {
  draft.names = []
  draft.references = []
  draft.cost = 0
  const lines = write()
  draft.names = []
  draft.references = []
  draft.cost = 0
  return lines
}

/** The start of many data planes: an IP header, and nothing else may come in. */
function parsed(draft: Draft): string[] {
  const kind = draft.pick(['none', 'IPv4', 'none', 'IPv6'] as const)
  if (kind === 'none') return []
  const name = draft.fresh('ip')
  const text = `const ${name} = packet.read(${draft.word(kind)}, ${draft.pick([14, 14, 18])})`
  const lines = [text, `if (!${name}) return ${verdict(draft, 0)}`]
  draft.refer(name, HEADERS[kind], { of: 'packet', header: kind })
  return kind === 'IPv4' && draft.once(2) ? [...lines, ...transport(draft, name)] : lines
}

/** What is behind the options of IPv4. */
function transport(draft: Draft, ip: string): string[] {
  const kind = draft.pick(['Udp', 'Tcp', 'Icmp'] as const)
  const name = draft.fresh('h')
  const text = `const ${name} = packet.read(${draft.word(kind)}, 14 + ${ip}.headerLength * 4)`
  const lines = [text, `if (!${name}) return ${verdict(draft, 0)}`]
  draft.refer(name, HEADERS[kind], { of: 'packet', header: kind })
  return lines
}

/** What `cube.ts` exports, and not the language. */
const OWN = new Set(['Listed', 'Mixed'])

function helper(draft: Draft, name: string): string[] {
  const returns: Returns = draft.oneOf<Returns>(
    [6, () => draft.pick(TYPES)],
    [2, () => 'verdict'],
    [3, () => recordType(draft)],
  )
  const parameters = Array.from({ length: draft.choose(4) }, () => parameter(draft))
  // What it returns must be there to be returned.
  if (typeof returns === 'string' && returns !== 'verdict' && isAddress(returns)) parameters.push(returns)
  draft.inHelper = true
  draft.returns = returns
  draft.budget = 1 + draft.choose(5)
  const { moves } = draft
  for (const [index, one] of parameters.entries())
    if (typeof one === 'string') draft.declare(`p${index}`, one, true)
    else draft.refer(`p${index}`, one.struct, one.origin)
  const body = draft.opened(() => [...statements(draft, 1), `return ${returned(draft, 1)}`])
  const typed = parameters.map((one, index) => `, p${index}: ${typeOf(draft, one)}`).join('')
  const result = isRecord(returns)
    ? recordAnnotation(draft, returns)
    : returns === 'verdict'
      ? 'Verdict'
      : annotation(draft, returns)
  const moved = draft.moves > moves
  draft.helpers.push({ name, imported: false, parameters, returns, cost: draft.cost + 4, moves: moved })
  return [`function ${name}(packet, context${typed}): ${result} {`, ...CONTEXT, ...indented(body), '}', '']
}

function parameter(draft: Draft): Parameter {
  return draft.oneOf<Parameter>(
    [4, () => draft.pick(TYPES)],
    [1, () => headerParameter(draft.pick(Object.keys(HEADERS) as (keyof typeof HEADERS)[]))],
    [1, () => entryParameter(draft.pick(['small', 'flows', 'cells', 'recent'] as const))],
  )
}

const headerParameter = (header: keyof typeof HEADERS): Parameter => ({
  struct: HEADERS[header] as StructType,
  origin: { of: 'packet', header },
})

const entryParameter = (table: TableName): Parameter => ({
  struct: sample.state[table].value as StructType,
  origin: { of: 'entry', table },
})

function typeOf(draft: Draft, parameter: Parameter): string {
  if (typeof parameter === 'string') return annotation(draft, parameter)
  const { origin } = parameter
  const struct = origin.of === 'packet' ? draft.word(origin.header) : `sample.state.${origin.table}.value`
  return `DataOf<typeof ${struct}.fields>`
}

/** Functions that the language comes with. */
const LIBRARY: readonly Helper[] = [
  ...['isMulticast', 'isZero', 'isReserved'].map((name) => library(name, ['mac'], 'bool', 4)),
  ...['seconds', 'milliseconds', 'xxhashEnd'].map((name) => library(name, ['u64'], 'u64', 3)),
  library('xxhash', ['u64', 'u64'], 'u64', 8),
  library('jenkins', ['u32', 'u32', 'u32', 'u32'], 'u32', 20),
  library('checksumFold', ['u32'], 'u16', 3),
  library('checksumReplace', ['u16', 'u16', 'u16'], 'u16', 5),
  library('checksumReplace32', ['u16', 'u32', 'u32'], 'u16', 10),
  library('tcpNext', ['u8', headerParameter('Tcp'), 'bool'], 'u8', 40),
  library('tcpTimeout', ['u8'], 'u64', 4),
  library('takeTokens', [entryParameter('buckets'), 'u32', 'u64', 'u64', 'u64'], 'bool', 30),
]

function library(name: string, parameters: readonly Parameter[], returns: Type, cost: number): Helper {
  return { name, imported: true, parameters, returns, cost, moves: false }
}

/** What is known at the end goes where the test can see it. */
function results(draft: Draft): string[] {
  const count = draft.oneOf([3, () => 1], [1, () => 2], [1, () => 0])
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const words = RESULTS.map(([field, type]) => {
      const fit = draft.names.filter((name) => (type === 'bool' ? name.type === 'bool' : isInt(name.type)))
      return `${field}: ${fit.length > 0 ? draft.pick(fit).name : type === 'bool' ? 'false' : '0'}`
    })
    const addresses = ADDRESSES.flatMap((type) => {
      const known = address(draft, type, 1)
      return known === undefined ? [] : [`state.${RESULT_OF[type]}.set({ index: ${index} }, { address: ${known} })`]
    })
    return [`state.results.set({ index: ${index} }, { ${words.join(', ')} })`, ...addresses]
  })
}

const RESULT_OF = { mac: 'macs', ipv4: 'fours', ipv6: 'sixes' } as const
const RESULTS = [
  ['wide', 'u64'],
  ['long', 'i64'],
  ['word', 'u32'],
  ['minus', 'i32'],
  ['short', 'u16'],
  ['octet', 'u8'],
  ['flag', 'bool'],
] as const
