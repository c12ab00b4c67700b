/** Statements of generated data planes. */
import { struct } from '../../../src/lang/index.ts'
import { sample } from '../cube.ts'
import { fieldsOf, isInt, promoted, TYPES, type Type } from '../types.ts'
import { type Draft, indented, isRecord } from './draft.ts'
import { compatible, constant, int } from './integers.ts'
import { underLock } from './locks.ts'
import { loop } from './loops.ts'
import { move } from './moves.ts'
import { takeApart, written } from './records.ts'
import { reference } from './references.ts'
import { cell, change, isWritable, record, store } from './tables.ts'
import { call, test, valueFor } from './values.ts'

export const DEEPEST = 3

export function statements(draft: Draft, depth: number): string[] {
  const count = 1 + draft.choose(depth === 0 ? 12 : 4)
  const lines: string[] = []
  for (let i = 0; i < count && draft.budget > 0; i++) {
    draft.budget--
    draft.cost++
    lines.push(...statement(draft, depth))
  }
  return lines
}

function statement(draft: Draft, depth: number): string[] {
  const nested = depth < DEEPEST ? 1 : 0
  const free = draft.locked ? 0 : 1
  return draft.oneOf<string[]>(
    [3, () => declare(draft)],
    [2, () => assign(draft)],
    [nested, () => branch(draft, depth)],
    [draft.inLong ? 0 : nested, () => loop(draft, depth)],
    [nested, () => choice(draft, depth)],
    [2 * free, () => reference(draft, depth)],
    [draft.alive().some(isWritable(draft)) ? 3 : 0, () => store(draft) ?? assign(draft)],
    [free, () => change(draft, depth)],
    [nested, () => ['{', ...indented(draft.opened(() => statements(draft, depth + 1))), '}']],
    [1, () => evaluate(draft)],
    [draft.alive().length > 0 ? 1 : 0, () => takeOut(draft)],
    [free, () => cell(draft)],
    [draft.helpers.some(({ returns }) => isRecord(returns)) ? 3 * free : 0, () => takeApart(draft)],
    [draft.updates.length > 0 ? 2 * free : 0, () => underLock(draft)],
    [draft.moving && draft.pinned === 0 ? free : 0, () => move(draft)],
  )
}

function evaluate(draft: Draft): string[] {
  const text = call(draft, draft.pick(TYPES), 1, true)
  return text === undefined ? declare(draft) : [text]
}

function declare(draft: Draft): string[] {
  const mutable = draft.choose(2) === 0
  const word = mutable ? 'let' : 'const'
  const name = draft.fresh('v')
  const type = draft.pick(TYPES)
  if (isInt(type)) {
    const value = int(draft, 2)
    const annotated = draft.choose(3) > 0
    draft.declare(name, annotated ? type : value.type, mutable)
    return [`${word} ${name}${annotated ? `: ${draft.word(type)}` : ''} = ${value.text}`]
  }
  const value = valueFor(draft, type, 2)
  if (value === undefined) return []
  draft.declare(name, type, mutable)
  return [`${word} ${name} = ${value}`]
}

function assign(draft: Draft): string[] {
  const mutable = draft.names.filter((one) => one.mutable)
  if (mutable.length === 0) return declare(draft)
  const { name, type } = draft.pick(mutable)
  if (!isInt(type)) {
    const value = valueFor(draft, type, 2)
    return value === undefined ? [] : [`${name} = ${value}`]
  }
  return draft.oneOf(
    [1, () => [`${name} = ${int(draft, 2).text}`]],
    [1, () => [`${name}${draft.pick(['++', '--'])}`]],
    [1, () => stepped(draft, name, type)],
    [
      2,
      () => {
        const operator = draft.pick(['+', '-', '*', '&', '|', '^', '<<', '>>', '>>>', '/', '%'])
        const divides = operator === '/' || operator === '%'
        const right = operator.length > 1 ? int(draft, 1) : compatible(draft, type, 1, divides)
        return [`${name} ${operator}= ${right.text}`]
      },
    ],
  )
}

/** `const value = name++` */
function stepped(draft: Draft, name: string, type: Type): string[] {
  const value = draft.fresh('v')
  const step = draft.pick(['++', '--'])
  draft.declare(value, type)
  return [`const ${value} = ${draft.once(2) ? `${step}${name}` : `${name}${step}`}`]
}

/** `const { field, field: name } = reference` */
function takeOut(draft: Draft): string[] {
  const { name, struct } = draft.pick(draft.alive())
  const taken = fieldsOf(struct).filter(() => draft.once(3))
  if (taken.length === 0) return declare(draft)
  const fields = taken.map(({ field, type }) => {
    const own = draft.fresh('v')
    draft.declare(own, type)
    return `${field}: ${own}`
  })
  return [`const { ${fields.join(', ')} } = ${name}`]
}

function branch(draft: Draft, depth: number): string[] {
  const lines = [`if (${test(draft, 2)}) {`, ...body(draft, depth)]
  if (draft.choose(2) === 1) lines.push('} else {', ...body(draft, depth))
  return [...lines, '}']
}

export const body = (draft: Draft, depth: number): string[] =>
  indented(draft.opened(() => [...statements(draft, depth + 1), ...leave(draft)]))

/** Sometimes a block leaves early. */
export function leave(draft: Draft): string[] {
  return draft.oneOf(
    [3, () => []],
    [1, () => (draft.breaks.length === 0 ? [] : ['break'])],
    [1, () => (draft.breaks.includes('loop') ? ['continue'] : [])],
    [1, () => (draft.labels.length > 0 ? [`${draft.pick(['break', 'continue'])} ${draft.pick(draft.labels)}`] : [])],
    [1, () => [`return ${returned(draft, 1)}`]],
  )
}

function choice(draft: Draft, depth: number): string[] {
  const subject = int(draft, 2)
  const type = promoted(subject.type)
  const inside = (): string[] => {
    draft.breaks.push('switch')
    const lines = body(draft, depth)
    draft.breaks.pop()
    return lines
  }
  const cases = Array.from({ length: draft.choose(4) }, () => {
    const labels = Array.from({ length: 1 + draft.choose(2) }, () => `case ${constant(draft, type)}:`)
    return [...labels, '{', ...inside(), ...(draft.choose(2) ? ['}', 'break'] : ['  break', '}'])]
  })
  const last = draft.choose(2) === 1 ? ['default: {', ...inside(), '}'] : []
  return [`switch (${subject.text}) {`, ...indented([...cases.flat(), ...last]), '}']
}

/** What a function returns: always something, for its parameters have every address that it may be. */
export function returned(draft: Draft, depth: number): string {
  const { returns } = draft
  if (returns === 'verdict') return verdict(draft, depth)
  if (isRecord(returns)) return written(draft, returns, depth)
  return valueFor(draft, returns, depth) ?? 'false'
}

function punt(draft: Draft): string {
  const metadata = draft.choose(2) === 0 ? undefined : record(draft, STRANGE)
  return metadata === undefined ? "punt('unknown')" : `punt('strange', ${metadata})`
}

const STRANGE = struct('metadata', sample.punts.strange.metadata)

export function verdict(draft: Draft, depth: number): string {
  const deeper = depth > 0 ? 1 : 0
  return draft.oneOf<string>(
    [1, () => 'pass()'],
    [2, () => `drop('${draft.pick(['truncated', 'unwanted', 'odd'])}')`],
    [1, () => `forward(${int(draft, 1).text} & 3)`],
    [1, () => 'flood()'],
    [1, () => punt(draft)],
    [deeper, () => `${test(draft, 1)} ? ${verdict(draft, depth - 1)} : ${verdict(draft, depth - 1)}`],
    [deeper, () => call(draft, 'verdict', 1, true) ?? 'pass()'],
  )
}
