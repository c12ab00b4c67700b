/** Loops of generated data planes. */
import { INTS } from '../types.ts'
import { type Draft, indented } from './draft.ts'
import { literal } from './integers.ts'
import { overList } from './lists.ts'
import { body, leave, statements } from './statements.ts'
import { lasting } from './tables.ts'
import { test } from './values.ts'

export const loop = (draft: Draft, depth: number): string[] =>
  draft.oneOf(
    [4, () => counted(draft, depth)],
    [2, () => whileLoop(draft, depth)],
    [1, () => overConstants(draft, depth)],
    [2, () => overList(draft, depth) ?? counted(draft, depth)],
  )

/** A body with a name of the loop's in it. */
export const loopBody = (draft: Draft, depth: number, declare: () => void): string[] =>
  draft.opened(() => {
    // A reference from before would see what the round before has changed.
    draft.references = lasting(draft.references)
    declare()
    draft.breaks.push('loop')
    const inner = body(draft, depth)
    draft.breaks.pop()
    return inner
  })

function counted(draft: Draft, depth: number): string[] {
  const name = draft.fresh('n')
  const times = draft.choose(6)
  const step = 1 + draft.choose(3)
  const start = draft.choose(4)
  const down = draft.once(3)
  const type = down ? draft.pick(['i32', 'i64'] as const) : draft.pick(INTS)
  const end = down ? start - step * times : start + step * times
  const inclusive = draft.once(3) ? '=' : ''
  const bound = `${name} ${down ? '>' : '<'}${inclusive} ${literal(draft, BigInt(end))}`
  const sign = down ? '-' : '+'
  const next = step === 1 ? `${name}${sign}${sign}` : `${name} ${sign}= ${step}`
  const condition = draft.once(4) ? `${bound} && (${test(draft, 1)})` : bound
  const lines = loopBody(draft, depth, () => draft.declare(name, type))
  return [`for (let ${name}: ${draft.word(type)} = ${start}; ${condition}; ${next}) {`, ...lines, '}']
}

/** The variable steps first thing in the body, so that `continue` may stand anywhere. */
function whileLoop(draft: Draft, depth: number): string[] {
  const name = draft.fresh('w')
  const type = draft.pick(INTS)
  const [start, step] = [draft.choose(4), 1 + draft.choose(3)]
  const bound = `${name} < ${literal(draft, BigInt(start + step * draft.choose(6)))}`
  const asked = draft.choose(2) === 0 ? bound : `${bound} && (${test(draft, 1)})`
  const lines = loopBody(draft, depth, () => draft.declare(name, type))
  draft.declare(name, type)
  const next = step === 1 ? `${name}++` : `${name} += ${step}`
  return [`let ${name}: ${draft.word(type)} = ${start}`, `while (${asked}) {`, `  ${next}`, ...lines, '}']
}

/** The body is written out for each of the constants. */
function overConstants(draft: Draft, depth: number): string[] {
  const name = draft.fresh('k')
  const kept = draft.fresh('v')
  const type = draft.pick(INTS)
  const constants = Array.from({ length: 1 + draft.choose(4) }, () => literal(draft, BigInt(draft.choose(128))))
  draft.cost += 4 * constants.length
  const lines = draft.opened(() => {
    draft.references = lasting(draft.references)
    draft.declare(kept, type)
    draft.breaks.push('loop')
    const inner = [...statements(draft, depth + 1), ...leave(draft)]
    draft.breaks.pop()
    return inner
  })
  const first = `const ${kept}: ${draft.word(type)} = ${name}`
  return [`for (const ${name} of [${constants.join(', ')}]) {`, ...indented([first, ...lines]), '}']
}
