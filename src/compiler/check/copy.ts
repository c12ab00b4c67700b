/** Lists and their elements as a whole: what can be copied into what, and what differs where it cannot. */
import type { Field } from '../../isa/layout.ts'
import { elementAt, elementOf, type Fields, isType, type ListType, type StructType } from '../../lang/index.ts'
import type { Expression, Span } from '../narrow/tree.ts'
import { piecesOf } from '../pieces.ts'
import { nameOfType, type StructField, type Typed } from '../typed.ts'
import { sameList } from './convert.ts'
import { expression, value } from './expression.ts'
import { elementOfList } from './list.ts'
import { present } from './member.ts'
import { isStatic, type Scope } from './scope.ts'
import { record, shape } from './table.ts'
import { typeOfDeclared } from './type.ts'

/** More values than these are not in registers at once. */
const MOST_PARTS = 48

/** `entry.words = other.words` */
export function listAssigned(scope: Scope, place: Typed & { op: 'field' }, node: Expression): StructField[] {
  if (place.type.kind !== 'list') throw new Error(`${place.field.name} is no list`)
  const { list } = place.type
  const loop = `for (let i = 0; i < ${list.length}; i++) …`
  if (node.kind === 'elements' || node.kind === 'call')
    throw scope.unfit(
      node.span,
      `a list is assigned another list as a whole, or element by element`,
      `write ${loop}, or one statement for each element`,
    )
  const parts = listCopied(scope, place.struct, place.field, list, value(scope, node), node.span, `write ${loop}`)
  const count = parts.reduce((sum, { value: { type } }) => sum + piecesOf(type).length, 0)
  if (count > MOST_PARTS)
    throw scope.unfit(node.span, `${count} values are too many to be copied at once`, `copy them in a loop: ${loop}`)
  return parts
}

/** A list where another one is wanted: one of plain values as it is, of others each field of each element. */
export function listCopied(
  scope: Scope,
  { order }: StructType,
  field: Field,
  type: ListType,
  given: Typed,
  span: Span,
  form: string,
): StructField[] {
  const from = given.type.kind === 'list' && given.op === 'field' ? given.type.list : undefined
  if (from !== undefined && sameList(from, type)) return [{ field, value: given }]
  const wanted = type.element
  if (from === undefined || isType(wanted) || isType(from.element) || from.length !== type.length)
    throw scope.unfit(span, `${type.name} is wanted here, and this is ${nameOfType(given.type)}`, form)
  refuseOther(scope, span, wanted, from.element, 'in the elements of this list', form)
  return Array.from({ length: type.length }, (_, index) => {
    const at: Typed = { op: 'constant', value: BigInt(index), type: { kind: 'constant' }, at: given.at }
    const place = elementAt(field, index)
    return fieldsOf(scope, elementOf(wanted, order), elementOfList(scope, span, given, at), span).map((one) => ({
      ...one,
      field: { ...one.field, offset: place.offset + one.field.offset, name: `${place.name}.${one.field.name}` },
    }))
  }).flat()
}

/** `entry.pairs[i] = { … }`, or another element or entry with the same fields. */
export function elementGiven(scope: Scope, struct: StructType, node: Expression): StructField[] {
  const form = `write ${shape(struct)}`
  if (node.kind === 'record') return record(scope, node, struct, form)
  const checked = expression(scope, node)
  if (isStatic(checked)) return record(scope, node, struct, form)
  if (checked.type.kind !== 'reference')
    throw scope.unfit(node.span, `${shape(struct)} is wanted here, and this is ${nameOfType(checked.type)}`, form)
  const given = present(scope, checked, node)
  refuseOther(scope, node.span, struct.fields, checked.type.struct.fields, 'in what is given', form)
  return fieldsOf(scope, struct, given, node.span)
}

/** Every field of a struct, of a reference that has the same. */
function fieldsOf(scope: Scope, struct: StructType, base: Typed, span: Span): StructField[] {
  if (base.type.kind !== 'reference') throw new Error(`${base.op} has no fields`)
  const from = base.type.struct
  return struct.layout.fields.flatMap((field): StructField[] => {
    const [type, source] = [struct.fields[field.name], from.layout.fields.find(({ name }) => name === field.name)]
    if (type === undefined || source === undefined) return []
    const at = scope.at(span)
    const value: Typed = { op: 'field', base, field: source, struct: from, type: typeOfDeclared(type), at }
    return [{ field, value }]
  })
}

function refuseOther(scope: Scope, span: Span, wanted: Fields, given: Fields, where: string, form: string): void {
  const all = [...new Set([...Object.keys(wanted), ...Object.keys(given)])]
  for (const name of all) {
    const [one, other] = [wanted[name], given[name]]
    if (one !== undefined && other !== undefined && one.name === other.name && one.kind !== 'list') continue
    const what =
      other === undefined
        ? `\`${name}\` is missing ${where}`
        : one === undefined
          ? `\`${name}\` is too much ${where}`
          : one.kind === 'list'
            ? `\`${name}\` is a list ${where}`
            : `\`${name}\` is ${other.name} ${where}, and ${one.name} is wanted`
    throw scope.unfit(span, what, form)
  }
}
