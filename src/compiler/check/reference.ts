/** References that are chosen or returned: where several ways meet, all bring one of the same kind, or null. */
import type { Expression, Span } from '../narrow/tree.ts'
import { nameOfType, type Typed, type ValueType } from '../typed.ts'
import { carried, expression } from './expression.ts'
import { isStatic, type Scope, type Static } from './scope.ts'

export type ReferenceType = ValueType & { readonly kind: 'reference' }

/** What may be null itself, or a reference, or any other value. */
export type OrNull = Typed | (Static & { readonly static: 'null' })

/** Checks an expression where null may stand. */
export function valueOrNull(scope: Scope, node: Expression): OrNull {
  const checked = expression(scope, node)
  if (isStatic(checked) && checked.static === 'null') return { ...checked, static: 'null' }
  return isTested(scope, carried(scope, checked, node))
}

/** A reference that was tested is not null any more. */
function isTested(scope: Scope, typed: Typed): Typed {
  const { type } = typed
  const known = typed.op === 'variable' && scope.nonNull.has(typed.variable)
  return type.kind === 'reference' && known ? { ...typed, type: { ...type, nullable: false } } : typed
}

export const isReference = (type: ValueType): type is ReferenceType => type.kind === 'reference'

/** The type of what is one or the other: undefined where none of them is a reference or null. */
export function meeting(scope: Scope, span: Span, a: OrNull, b: OrNull): ReferenceType | undefined {
  const types = [a, b].flatMap((one) => (isStatic(one) ? [] : [one.type]))
  const [first, second = first] = types.filter(isReference)
  if (types.length === 2 && first === undefined) return undefined
  const given = (one: OrNull): string => (isStatic(one) ? 'null' : nameOfType(one.type))
  if (first === undefined || second === undefined || types.some((type) => !isReference(type)))
    throw scope.unfit(span, `${given(a)} on one side, ${given(b)} on the other`, 'give both sides one type')
  if (first.struct.layout !== second.struct.layout || first.space !== second.space)
    throw scope.unfit(
      span,
      `${nameOfType(first)} on one side, ${nameOfType(second)} on the other`,
      'choose between references to the same header, or to entries of the same table',
    )
  if (first.space === 'copy')
    throw scope.unfit(span, 'copies cannot be chosen between: they are in registers', 'choose between their fields')
  if (first.covered === true || second.covered === true)
    throw scope.unfit(span, 'the header around one of these would be forgotten', 'choose between their fields')
  const table = first.table === second.table ? first.table : undefined
  return { ...first, table, nullable: types.length < 2 || first.nullable || second.nullable }
}

/** One side as a value of the type that both meet in. */
export const asReference = (side: OrNull, type: ReferenceType): Typed =>
  isStatic(side) ? { op: 'null', type: { ...type, nullable: true }, at: side.at } : side
