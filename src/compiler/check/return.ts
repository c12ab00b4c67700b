/** What functions return: every `return` of one gives the same type. */
import type { Statement } from '../narrow/tree.ts'
import { type IntType, nameOfType, type Typed, type TypedStatement } from '../typed.ts'
import { coerce } from './convert.ts'
import { isRecord, returnedAsRecord, returnedRecord } from './record.ts'
import { meeting, type OrNull, valueOrNull } from './reference.ts'
import { isStatic, type Scope, verdictForm } from './scope.ts'
import { typeOfConstant } from './type.ts'

const sameType = (a: IntType, b: IntType): boolean => a.bits === b.bits && a.signed === b.signed

interface Returned {
  readonly before?: TypedStatement[]
  readonly value?: Typed | undefined
}

export function returned(scope: Scope, node: Extract<Statement, { kind: 'return' }>): Returned {
  if (node.value === undefined) {
    scope.returns ??= { kind: 'void' }
    if (scope.returns.kind !== 'void')
      throw scope.unfit(
        node.span,
        'nothing is returned here',
        scope.returns.kind === 'verdict'
          ? verdictForm(scope.compilation.cube)
          : `return a value: ${nameOfType(scope.returns)}`,
      )
    return {}
  }
  const record = returnedRecord(scope, node.value)
  if (record !== undefined) return { before: record }
  const given = valueOrNull(scope, node.value)
  if (isStatic(given) || given.type.kind === 'reference') return { value: returnedReference(scope, node, given) }
  const typed = given
  if (isRecord(typed)) return { before: returnedAsRecord(scope, node.value, typed) }
  if (scope.returns?.kind === 'record')
    throw scope.unfit(
      node.value.span,
      `${nameOfType(typed.type)} is returned here, and this function returns ${nameOfType(scope.returns)}`,
      'return a value of one type',
    )
  const inferred = scope.returns
  if (scope.infersReturns && inferred?.kind === 'int' && typed.type.kind === 'int' && !sameType(inferred, typed.type))
    throw scope.unfit(
      node.value.span,
      `${nameOfType(typed.type)} is returned here, and ${nameOfType(inferred)} before`,
      'declare what the function returns: function f(…): u64',
    )
  scope.infersReturns ||= inferred === undefined
  scope.returns ??=
    typed.type.kind === 'constant' ? typeOfConstant(typed.op === 'constant' ? typed.value : 0n) : typed.type
  if (scope.returns.kind === 'verdict' && typed.type.kind !== 'verdict')
    throw scope.unfit(node.value.span, `${nameOfType(typed.type)} is no verdict`, verdictForm(scope.compilation.cube))
  return { value: coerce(scope, typed, scope.returns, node.value.span) }
}

/** The first reference says what the function returns; null may come before it. */
function returnedReference(scope: Scope, { span, value: node }: Extract<Statement, { kind: 'return' }>, given: OrNull) {
  const { returns } = scope
  if (returns !== undefined && returns.kind !== 'reference')
    throw scope.unfit(
      node?.span ?? span,
      `${isStatic(given) ? 'null' : nameOfType(given.type)} is returned here, and this function returns ${nameOfType(returns)}`,
      returns.kind === 'verdict' ? verdictForm(scope.compilation.cube) : 'return a value of one type',
    )
  scope.returnsNull ||= isStatic(given)
  const nothing: Typed = { op: 'null', type: { kind: 'void' }, at: scope.at(span) }
  if (returns === undefined && isStatic(given)) return nothing
  const before: OrNull = returns === undefined ? given : { ...nothing, type: returns }
  const type = meeting(scope, node?.span ?? span, given, before)
  scope.returns = type && { ...type, nullable: type.nullable || scope.returnsNull }
  return isStatic(given) ? nothing : given
}
