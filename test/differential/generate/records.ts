/** Functions that return several values under names, and what is done with those. */
import { TYPES } from '../types.ts'
import { annotation, type Draft, isRecord, type RecordType } from './draft.ts'
import { call, valueFor } from './values.ts'

export const recordType = (draft: Draft): RecordType =>
  Array.from({ length: 1 + draft.choose(4) }, (_, index) => ({ field: `f${index}`, type: draft.pick(TYPES) }))

export const recordAnnotation = (draft: Draft, fields: RecordType): string =>
  `{ ${fields.map(({ field, type }) => `${field}: ${annotation(draft, type)}`).join('; ')} }`

/** A record of these fields, in some order. */
export function written(draft: Draft, fields: RecordType, depth: number): string {
  const again = draft.once(6) ? call(draft, fields, depth) : undefined
  const values = fields.map(({ field, type }) => `${field}: ${valueFor(draft, type, depth) ?? 'false'}`)
  return again ?? `{ ${(draft.once(2) ? values.reverse() : values).join(', ')} }`
}

/** `const { field: name } = helper(…)`, or all of it under one name. */
export function takeApart(draft: Draft): string[] {
  const fields = draft.pick(draft.helpers.map(({ returns }) => returns).filter(isRecord))
  const text = call(draft, fields, 1, true)
  if (text === undefined) return []
  if (draft.once(3)) {
    const name = draft.fresh('r')
    for (const { field, type } of fields) draft.declare(`${name}.${field}`, type)
    return [`const ${name} = ${text}`]
  }
  const taken = fields.filter((_, index) => index === 0 || draft.once(2))
  const parts = taken.map(({ field, type }) => {
    const name = draft.fresh('v')
    draft.declare(name, type)
    return `${field}: ${name}`
  })
  return [`const { ${parts.join(', ')} } = ${text}`]
}
