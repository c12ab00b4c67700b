/** `do … while`: a loop without an end that is left by its test, which stands last. */
import type { Do, Statement } from '../narrow/tree.ts'
import { BOOL, type TypedStatement } from '../typed.ts'
import { condition } from './condition.ts'
import { bound, bounded, checkRounds, inRounds } from './loop.ts'
import { forget } from './ranges.ts'
import type { Scope } from './scope.ts'
import { loopStart } from './stale.ts'

export function doLoop(scope: Scope, node: Do): TypedStatement {
  return scope.block(() => {
    const at = scope.at(node.span)
    const { label, span, update } = node
    const { nonNull, moved, ranges } = scope
    forget(scope, [...node.body, ...update])
    const outside = scope.ranges
    const loop = loopStart(scope)
    // Here only for how often it lets the loop run: it is checked again where it stands.
    const { typed } = condition(scope, node.test)
    scope.nonNull = nonNull
    scope.moved = moved
    const { rounds, variable, range } = bound(scope, { ...node, kind: 'while' }, typed, ranges, 'last')
    checkRounds(scope, span, variable, rounds)
    const together = bounded(scope, span, rounds)
    const test = { kind: 'not', operand: node.test, span: node.test.span } as const
    const out: Statement = { kind: 'break', span: node.test.span }
    const body: readonly Statement[] = [
      { kind: 'breakable', of: 'turn', label, body: node.body, span },
      ...update,
      { kind: 'if', test, whenTrue: [out], whenFalse: [], span: node.test.span },
    ]
    const known = () => {
      scope.ranges = new Map(scope.ranges).set(variable, range)
    }
    const inside = inRounds(scope, { body, label }, together, known, loop)
    scope.ranges = outside
    const always = { op: 'constant', value: 1n, type: BOOL, at } as const
    return { op: 'while', test: always, body: inside.body, settles: inside.settles, update: [], times: rounds, at }
  })
}
