/** `x?.field` and `x ?? y`: what may be null is looked at once, under a name of its own. */
import type { Expression, Of } from '../narrow/tree.ts'
import { nameOfType, type Typed } from '../typed.ts'
import { maybeAbsent } from './absent.ts'
import { type Condition, condition, conditional } from './condition.ts'
import { expression, value } from './expression.ts'
import { originOf } from './owed.ts'
import { type Checked, isStatic, type Scope } from './scope.ts'

export function otherwise(scope: Scope, node: Of<'otherwise'>): Checked {
  const { subject, span } = node
  const given = maybeAbsent(scope, subject)
  if (
    isStatic(given) &&
    (given.static === 'null' || (given.static === 'host' && (given.value ?? undefined) === undefined))
  )
    return expression(scope, node.otherwise)
  if (isStatic(given) || given.type.kind !== 'reference') {
    const isKnown = isStatic(given) ? given.static === 'host' : given.op === 'constant' || given.op === 'address'
    if (!isKnown && !isStatic(given))
      throw scope.unfit(subject.span, `${nameOfType(given.type)} is never null`, 'take ?? away, and what is behind it')
    return scope.block(() => {
      if (subject.kind !== 'name')
        scope.bind(node.name, isStatic(given) ? { kind: 'static', value: given } : { kind: 'alias', typed: given })
      return expression(scope, node.value)
    })
  }
  const name: Expression = { kind: 'name', name: node.name, span: subject.span }
  const choice = { kind: 'conditional', test: name, whenTrue: node.value, whenFalse: node.otherwise, span } as const
  if (subject.kind === 'name') return conditional(scope, choice)
  return named(scope, node, given, () => conditional(scope, choice))
}

/** `x?.field` where it is asked whether it is true. */
export function optionalCondition(scope: Scope, node: Of<'optional'>): Condition {
  const { subject, span } = node
  const name: Expression = { kind: 'name', name: node.name, span: subject.span }
  const both = { kind: 'and', left: name, right: node.value, span } as const
  if (subject.kind === 'name') return condition(scope, both)
  const typed = named(scope, node, value(scope, subject), () => condition(scope, both).typed)
  return { typed, whenTrue: new Set(), whenFalse: new Set() }
}

/** Computes something with what has a name only there. */
function named(scope: Scope, { name, span }: Of<'optional' | 'otherwise'>, given: Typed, work: () => Typed): Typed {
  const variable = scope.variable('found', given.type, originOf(given))
  const body = scope.block(() => {
    scope.bind(name, { kind: 'variable', variable, mutable: false })
    return work()
  })
  return { op: 'bound', variable, value: given, body, type: body.type, at: scope.at(span) }
}
