/** `withLock(entry, update, …)`: what is possible under a lock, and what an entry is without it. */
import type { Span } from '../narrow/tree.ts'
import { addParts, type Node } from '../parts.ts'
import { nameOfType, type Typed, type TypedFunction } from '../typed.ts'
import type { Call } from './call.ts'
import { expression, value } from './expression.ts'
import { functionCall } from './function.ts'
import { present } from './member.ts'
import { unfit } from './report.ts'
import { isStatic, type Scope } from './scope.ts'

const FORM = 'write withLock(entry, update, …), where update(entry, …) is a function at the top of a module'

export function lockCall(scope: Scope, node: Call): Typed {
  const [first, second, ...rest] = node.arguments
  if (first === undefined || second === undefined)
    throw scope.unfit(node.span, 'an entry belongs here, and a function to run under its lock', FORM)
  const entry = value(scope, first)
  if (entry.type.kind !== 'reference' || entry.type.space !== 'locked' || entry.type.lock === undefined)
    throw scope.unfit(
      first.span,
      `${entry.type.kind === 'reference' ? entry.type.struct.name : nameOfType(entry.type)} has no lock`,
      'declare its table locked(hash({ … })), and give it what state.table.get({ … }) gave',
    )
  const { lock } = entry.type
  const held: Typed = { ...present(scope, entry, first), type: { ...entry.type, space: 'table', nullable: false } }
  const update = expression(scope, second)
  if (!isStatic(update) || update.static !== 'function')
    throw scope.unfit(second.span, 'this is no function of a module', FORM)
  const call = functionCall(scope, { ...node, arguments: [first, ...rest] }, update.module, update.name, held)
  if (call.type.kind === 'verdict')
    throw scope.unfit(node.span, 'no verdict is possible under a lock', 'return a truth value, and decide afterwards')
  refuseOutside(call.callee)
  return { op: 'withLock', call, lock, type: call.type, at: scope.at(node.span) }
}

/** What needs no help of the kernel's, which the verifier refuses under a lock. */
const POSSIBLE: ReadonlySet<Node['op']> = new Set([
  ...([
    'constant',
    'wired',
    'variable',
    'field',
    'byte',
    'arithmetic',
    'compare',
    'isNull',
    'not',
    'complement',
  ] as const),
  ...(['negate', 'convert', 'and', 'or', 'conditional', 'call', 'atomic'] as const),
  ...(['assign', 'store', 'if', 'loop', 'breakable', 'return', 'break', 'continue', 'evaluate'] as const),
  ...(['element', 'while', 'rounds', 'address', 'octets', 'mask'] as const),
])

function refuseOutside({ body }: TypedFunction): void {
  const waiting: Node[] = [...body].reverse()
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const { source, span } = node.at
    if (!POSSIBLE.has(node.op))
      throw unfit(
        source,
        span,
        'this is not possible under a lock, where only what was passed can be used',
        'compute it before, and pass it: withLock(entry, update, …)',
      )
    if (node.op === 'call') waiting.push(...node.callee.body)
    const parts: Node[] = []
    addParts(node, parts)
    waiting.push(...parts.reverse())
  }
}

/** Fields of an entry whose lock nobody holds. */
export function refuseUnlocked(scope: Scope, object: Typed, span: Span): void {
  if (object.type.kind === 'reference' && object.type.space === 'locked')
    throw scope.unfit(span, `${object.type.struct.name} is reached under its lock`, FORM)
}
