/** `...entry` in a key, a value or a record: fields of it that nothing behind it gives. */
import { isList, type StructType } from '../../lang/index.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { coerce } from './convert.ts'
import { listCopied } from './copy.ts'
import { carried, expression } from './expression.ts'
import { member } from './member.ts'
import type { Given } from './record.ts'
import { type Checked, isStatic, type Scope } from './scope.ts'
import { typeOfDeclared } from './type.ts'

/** `{ ...entry, port: 1 }`: those fields that nothing behind it gives. */
export function spreadFields(scope: Scope, { fields }: Of<'record'>, index: number, struct: StructType) {
  const [one, behind] = [fields[index], fields.slice(index + 1)]
  if (one === undefined) return []
  const given = expression(scope, one.value)
  const names = fieldNames(given)
  if (names === undefined) throw scope.unfit(one.span, 'this has no fields', 'spread an entry, a header or a record')
  const isLater = (name: string): boolean =>
    behind.some(
      (other) =>
        other.name === name || (other.spread === true && fieldNames(expression(scope, other.value))?.includes(name)),
    )
  return struct.layout.fields.flatMap((field) => {
    const { name } = field
    const type = struct.fields[name]
    if (type === undefined || !names.includes(name) || isLater(name)) return []
    const node = { kind: 'member', object: one.value, property: name, propertySpan: one.span, span: one.span } as const
    const typed = carried(scope, member(scope, node, given), one.value)
    const form = 'write its elements: [a, b, …], or fill(0)'
    const parts = isList(type)
      ? listCopied(scope, struct, field, type, typed, one.span, form)
      : [{ field, value: coerce(scope, typed, typeOfDeclared(type), one.span) }]
    return [{ name, fields: parts }]
  })
}

/** The fields of what can be spread. */
function fieldNames(given: Checked): readonly string[] | undefined {
  if (!isStatic(given)) return given.type.kind === 'reference' ? Object.keys(given.type.struct.fields) : undefined
  if (given.static === 'record') return [...given.fields.keys()]
  const live: unknown = given.static === 'host' ? given.value : undefined
  return typeof live === 'object' && live !== null ? Object.keys(live) : undefined
}

/** `...entry` */
export function spreadOf(scope: Scope, node: Expression): Given[] {
  const { span } = node
  const given = expression(scope, node)
  const names = fieldNames(given)
  if (names === undefined) throw scope.unfit(span, 'this has no fields', 'spread an entry, a header or a record')
  return names.map((property) => {
    const part = { kind: 'member', object: node, property, propertySpan: span, span } as const
    return { name: property, typed: carried(scope, member(scope, part, given), node), span }
  })
}
