/** `break` and `continue`, and what they leave besides loops. */
import type { Breakable, Leave } from '../narrow/tree.ts'
import type { TypedStatement } from '../typed.ts'
import { type Block, statements } from './check.ts'
import { forget } from './ranges.ts'
import { Around, eitherMoved, type Scope } from './scope.ts'

export function breakable(scope: Scope, node: Breakable): Block {
  const { nonNull, ranges } = scope
  const around = new Around(node.of, node.label)
  scope.around.push(around)
  const inside = statements(scope, node.body)
  scope.around.pop()
  scope.moved = eitherMoved(inside.ends ? undefined : scope.moved, around.movedAtBreak)
  // Whoever leaves early has not seen the tests that follow.
  if (around.left) scope.nonNull = nonNull
  scope.ranges = ranges
  forget(scope, node.body)
  const at = scope.at(node.span)
  return { result: [{ op: 'breakable', body: inside.result, at }], ends: inside.ends && !around.left }
}

/** What each of them leaves, without a label and with one. */
const LEFT: Readonly<Record<Leave['kind'], Readonly<Record<'plain' | 'labelled', readonly Around['kind'][]>>>> = {
  break: { plain: ['loop', 'switch'], labelled: ['loop', 'switch', 'block'] },
  continue: { plain: ['loop', 'turn'], labelled: ['loop', 'turn'] },
}

export function leave(scope: Scope, node: Leave): TypedStatement {
  const { kind, label, span } = node
  const left = LEFT[kind][label === undefined ? 'plain' : 'labelled']
  const index = scope.around.findLastIndex(
    (one) => left.includes(one.kind) && (label === undefined || one.label === label),
  )
  const around = scope.around[index]
  if (around === undefined)
    throw label === undefined
      ? scope.unfit(span, `${kind} outside a loop`, 'return a verdict, or use if')
      : scope.unfit(
          span,
          `no ${kind === 'break' ? 'statement' : 'loop'} around this has the label \`${label}\``,
          `write ${label}: for (…) …`,
        )
  around.left = true
  // What follows a turn is the test that `continue` goes to.
  const op = around.kind === 'turn' ? 'break' : kind
  if (op === 'break') around.movedAtBreak = eitherMoved(around.movedAtBreak, scope.moved)
  else around.movedAtContinue = eitherMoved(around.movedAtContinue, scope.moved)
  return { op, out: scope.around.length - 1 - index, at: scope.at(span) }
}
