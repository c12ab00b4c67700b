/** Entries that have a lock, and functions that run under it. */
import type { StructType } from '../../../src/lang/index.ts'
import { sample } from '../cube.ts'
import { INTS, TYPES, type Type } from '../types.ts'
import { annotation, type Draft, indented } from './draft.ts'
import { returned, statements } from './statements.ts'
import { KEYS } from './tables.ts'
import { valueFor } from './values.ts'

/** A function of its own at the top of the module. */
export function update(draft: Draft, name: string): string[] {
  const table = draft.pick(['vault', 'gates'] as const)
  // A number is always there to compute with.
  const parameters: Type[] = ['u64', ...Array.from({ length: draft.choose(3) }, () => draft.pick(TYPES))]
  const returns = draft.pick([...INTS, 'bool'] as const)
  draft.inHelper = true
  draft.locked = true
  draft.returns = returns
  draft.budget = 1 + draft.choose(5)
  const origin = { of: 'entry', table } as const
  draft.refer('entry', sample.state[table].value as StructType, origin)
  for (const [index, type] of parameters.entries()) draft.declare(`p${index}`, type, true)
  const body = draft.opened(() => [...statements(draft, 1), `return ${returned(draft, 1)}`])
  draft.locked = false
  draft.updates.push({ name, table, parameters, returns })
  const typed = parameters.map((type, index) => `, p${index}: ${annotation(draft, type)}`).join('')
  const first = `entry: DataOf<typeof sample.state.${table}.value.fields>`
  return [`function ${name}(${first}${typed}): ${annotation(draft, returns)} {`, ...indented(body), '}', '']
}

/** `withLock(entry, update, …)` */
export function underLock(draft: Draft): string[] {
  const { name, table, parameters, returns } = draft.pick(draft.updates)
  const entry = draft.fresh('e')
  const taken = `const ${entry} = state.${table}.get(${KEYS[table](draft)})`
  const given = parameters.map((type) => valueFor(draft, type, 1))
  if (given.includes(undefined)) return []
  const call = `${draft.word('withLock')}(${[entry, name, ...given].join(', ')})`
  if (draft.choose(2) === 0) return [taken, `if (${entry}) ${call}`]
  const result = draft.fresh('v')
  const lines = [taken, `if (!${entry}) return ${returned(draft, 0)}`, `const ${result} = ${call}`]
  draft.declare(result, returns)
  return lines
}
