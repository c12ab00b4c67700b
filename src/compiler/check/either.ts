/** `a && b` and `a || b` as values: of references one of them, as in JavaScript, and otherwise whether they are true. */
import type { Expression, Of } from '../narrow/tree.ts'
import type { Typed } from '../typed.ts'
import { condition } from './condition.ts'
import { asReference, isReference, type ReferenceType } from './reference.ts'
import type { Scope } from './scope.ts'

type ReferenceTyped = Typed & { readonly type: ReferenceType }

export function either(scope: Scope, node: Of<'and' | 'or'>): Typed {
  const { typed } = condition(scope, node)
  return chosen(node, typed) ?? typed
}

/** The reference that a condition looks at, or chooses by looking. Undefined where it is a truth value. */
function chosen(node: Expression, typed: Typed): ReferenceTyped | undefined {
  if (node.kind === 'compare' || node.kind === 'not') return undefined
  if (node.kind !== 'and' && node.kind !== 'or')
    return typed.op === 'not' && typed.operand.op === 'isNull' ? free(typed.operand.operand) : undefined
  if ((typed.op !== 'and' && typed.op !== 'or') || typed.op !== node.kind) return undefined
  const [left, right] = [chosen(node.left, typed.left), chosen(node.right, typed.right)]
  if (left === undefined || right === undefined) return undefined
  const { at } = typed
  const test = typed.left
  if (node.kind === 'and') {
    const type = { ...right.type, nullable: true }
    const none = asReference({ static: 'null', at }, type)
    return { op: 'conditional', test, whenTrue: right, whenFalse: none, type, at }
  }
  // It is looked at, and then taken.
  const isAlike = left.type.struct === right.type.struct && left.type.table === right.type.table
  if (left.op !== 'variable' || !isAlike) return undefined
  return { op: 'conditional', test, whenTrue: left, whenFalse: right, type: right.type, at }
}

/** What may be chosen. */
function free(typed: Typed): ReferenceTyped | undefined {
  const { type } = typed
  if (!isReference(type) || type.space === 'copy' || type.covered === true) return undefined
  return { ...typed, type }
}
