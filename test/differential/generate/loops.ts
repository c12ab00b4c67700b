/** Loops of generated data planes. */
import { INTS } from '../types.ts'
import type { Draft } from './draft.ts'
import { literal } from './integers.ts'
import { overList } from './lists.ts'
import { body } from './statements.ts'
import { lasting } from './tables.ts'
import { test } from './values.ts'

export const loop = (draft: Draft, depth: number): string[] =>
  draft.oneOf(
    [4, () => counted(draft, depth)],
    [2, () => whileLoop(draft, depth)],
    [1, () => doLoop(draft, depth)],
    [1, () => overConstants(draft, depth)],
    [2, () => overList(draft, depth) ?? counted(draft, depth)],
  )

/**
 * What is written in a loop, its condition included: of what is known, it uses what no round changes. If it may move the
 * packet, or settle checksums where its rounds end, no header from before.
 */
export function inLoop(draft: Draft, mayMove: boolean, write: () => string[]): string[] {
  const pins = !(mayMove && draft.pinned === 0)
  if (pins) draft.pinned++
  else draft.moves++
  const lines = draft.opened(() => {
    draft.references = lasting(draft.references)
    draft.breaks.push('loop')
    const inner = write()
    draft.breaks.pop()
    return inner
  })
  if (pins) draft.pinned--
  return lines
}

/** With a label, sometimes, by which what is in it may leave it. */
function labelled(draft: Draft, write: (label: string) => string[]): string[] {
  if (!draft.once(3)) return write('')
  const label = draft.fresh('l')
  draft.labels.push(label)
  const lines = write(`${label}: `)
  draft.labels.pop()
  return lines
}

function counted(draft: Draft, depth: number): string[] {
  const name = draft.fresh('n')
  const isLong = !draft.breaks.includes('loop') && !draft.inHelper && draft.once(draft.oneLongOf)
  const times = isLong ? draft.choose(64) : draft.choose(6)
  const step = 1 + draft.choose(3)
  const start = draft.choose(4)
  const down = draft.once(3)
  const type = down ? draft.pick(['i32', 'i64'] as const) : draft.pick(INTS)
  const end = down ? start - step * times : start + step * times
  const inclusive = draft.once(3) ? '=' : ''
  const bound = `${name} ${down ? '>' : '<'}${inclusive} ${literal(draft, BigInt(end))}`
  const sign = down ? '-' : '+'
  const next = step === 1 ? `${name}${sign}${sign}` : `${name} ${sign}= ${step}`
  return inLoop(draft, draft.once(4), () => {
    draft.declare(name, type)
    const condition = draft.once(4) ? `${bound} && (${test(draft, 1)})` : bound
    const head = `for (let ${name}: ${draft.word(type)} = ${start}; ${condition}; ${next}) {`
    return labelled(draft, (label) => [`${label}${head}`, ...body(draft, depth), '}'])
  })
}

/** The variable steps first thing in the body, so that `continue` may stand anywhere. */
function whileLoop(draft: Draft, depth: number): string[] {
  const name = draft.fresh('w')
  const type = draft.pick(INTS)
  const [start, step] = [draft.choose(4), 1 + draft.choose(3)]
  const bound = `${name} < ${literal(draft, BigInt(start + step * draft.choose(6)))}`
  const next = step === 1 ? `${name}++` : `${name} += ${step}`
  draft.declare(name, type)
  return inLoop(draft, draft.once(4), () => {
    const asked = draft.choose(2) === 0 ? bound : `${bound} && (${test(draft, 1)})`
    const first = `let ${name}: ${draft.word(type)} = ${start}`
    return labelled(draft, (label) => [first, `${label}while (${asked}) {`, `  ${next}`, ...body(draft, depth), '}'])
  })
}

/** Steps where it asks. */
function doLoop(draft: Draft, depth: number): string[] {
  const name = draft.fresh('d')
  const type = draft.pick(INTS)
  const down = draft.once(2)
  const times = 1 + draft.choose(5)
  draft.declare(name, type)
  return inLoop(draft, draft.once(4), () => {
    const first = `let ${name}: ${draft.word(type)} = ${down ? times : 0}`
    const bound = down ? `--${name} > ${draft.choose(2)}` : `++${name} < ${times}`
    return labelled(draft, (label) => {
      const lines = [first, `${label}do {`, ...body(draft, depth)]
      return [...lines, `} while (${draft.choose(2) === 0 ? bound : `${bound} && (${test(draft, 1)})`})`]
    })
  })
}

/** The body is written out for each of the constants. */
function overConstants(draft: Draft, depth: number): string[] {
  const name = draft.fresh('k')
  const kept = draft.fresh('v')
  const type = draft.pick(INTS)
  const constants = Array.from({ length: 1 + draft.choose(4) }, () => literal(draft, BigInt(draft.choose(128))))
  draft.cost += 4 * constants.length
  return inLoop(draft, draft.once(4), () => {
    draft.declare(kept, type)
    const first = `  const ${kept}: ${draft.word(type)} = ${name}`
    return [`for (const ${name} of [${constants.join(', ')}]) {`, first, ...body(draft, depth), '}']
  })
}
