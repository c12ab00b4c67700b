/**
 * What a configuration leaves out: it is compared with `undefined`, and what this decides against is not asked for it.
 * A field that is not there is refused anywhere else, for it may as well be misspelt.
 */
import type { Expression, Of } from '../narrow/tree.ts'
import { BOOL, type Typed } from '../typed.ts'
import { expression } from './expression.ts'
import { member } from './member.ts'
import { type Checked, isStatic, type Scope, Silent, type Static } from './scope.ts'

const isUndefined = (node: Expression): boolean => node.kind === 'name' && node.name === 'undefined'
const isNothing = (node: Expression): boolean => isUndefined(node) || node.kind === 'null'

/** A name, or what is in it: to check it does nothing. */
const isPath = (node: Expression): boolean =>
  node.kind === 'name' || ((node.kind === 'member' || node.kind === 'index') && isPath(node.object))

/** `config.limit === undefined` and `config.limit !== null`: known now, or not what this is about. */
export function compareAbsent(scope: Scope, node: Of<'compare'>): Typed | undefined {
  if (node.operator !== '===' && node.operator !== '!==') return undefined
  const [nothing, other] = isNothing(node.right) ? [node.right, node.left] : [node.left, node.right]
  if (!isNothing(nothing) || !isPath(other)) return undefined
  const checked = maybeAbsent(scope, other)
  if (!isKnown(checked)) return undefined
  const given = isStatic(checked) && checked.static === 'host' ? checked.value : checked
  const equal = given === (isUndefined(nothing) ? undefined : null)
  const holds = equal === (node.operator === '===')
  return { op: 'constant', value: holds ? 1n : 0n, type: BOOL, at: scope.at(node.span) }
}

const isKnown = (checked: Checked): boolean =>
  isStatic(checked) ? checked.static === 'host' : checked.op === 'constant' || checked.op === 'address'

/** Whether something of the configuration has no such field. */
export function lacks(object: Static, field: string): boolean {
  const holder: unknown = object.static === 'host' ? object.value : undefined
  if (typeof holder !== 'object' || holder === null) return false
  return Object.getOwnPropertyDescriptor(holder, field)?.value === undefined
}

export function maybeAbsent(scope: Scope, node: Expression): Checked {
  if (node.kind !== 'member') return expression(scope, node)
  const object = expression(scope, node.object)
  if (!isStatic(object) || !lacks(object, node.property)) return member(scope, node, object)
  return { static: 'host', value: undefined, name: node.property, at: scope.at(node.span) }
}

/** What a condition is known to be. */
export const decided = (test: Typed): boolean | undefined => (test.op === 'constant' ? test.value !== 0n : undefined)

/** Checks what may never be reached: undefined where it is not, and asks for what is not there. */
export function unlessDead<T>(scope: Scope, dead: boolean, check: () => T): T | undefined {
  const before = scope.unreached
  scope.unreached ||= dead
  try {
    return check()
  } catch (error) {
    if (dead && error instanceof Silent) return undefined
    throw error
  } finally {
    scope.unreached = before
  }
}
