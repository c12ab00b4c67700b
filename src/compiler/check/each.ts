/** `for (const x of …)`: over what is known now, round by round; over a list, with an index. */
import type { Each, Expression, Part, Pattern } from '../narrow/tree.ts'
import { nameOfType, type Typed, type TypedStatement, U32 } from '../typed.ts'
import { bindValue } from './declare.ts'
import { expression, value } from './expression.ts'
import { BYTES } from './indexed.ts'
import { elementOfList } from './list.ts'
import { bounded, inRounds, LONGEST_LOOP } from './loop.ts'
import { host } from './name.ts'
import { keep } from './ranges.ts'
import { type Checked, eitherMoved, isStatic, type Moved, type Scope, type Static } from './scope.ts'
import { useReference } from './stale.ts'

export function each(scope: Scope, node: Each): TypedStatement[] {
  const { subject, pattern } = node
  const list = entriesOf(subject)
  if (list === undefined)
    return [over(scope, node, subject, (_index, element, span) => bindValue(scope, pattern, element, span))]
  const [first, second] = partsOf(pattern)
  if (first === undefined && second === undefined)
    throw scope.unfit(
      subject.span,
      'entries() gives an index and an element',
      'write for (const [i, x] of list.entries())',
    )
  return [
    over(scope, node, list, (index, element, span) => [
      ...(first === undefined ? [] : bindValue(scope, first.to, index, span)),
      ...(second === undefined ? [] : bindValue(scope, second.to, element, span)),
    ]),
  ]
}

/** Of what nothing goes through. */
const INSTEAD: Partial<Readonly<Record<Static['static'], string>>> = {
  packet: `${BYTES}, in a loop`,
  table: 'get one entry by its key; the control plane goes through all of them: state.table.entries()',
}

/** What `entries()` is called of. */
const entriesOf = (node: Expression): Expression | undefined =>
  node.kind === 'call' &&
  node.arguments.length === 0 &&
  node.callee.kind === 'member' &&
  node.callee.property === 'entries'
    ? node.callee.object
    : undefined

const partsOf = (pattern: Pattern): readonly (Part | undefined)[] =>
  typeof pattern === 'string' ? [] : [0, 1].map((index) => pattern.find(({ of }) => of === index))

type Bind = (index: Typed, element: Checked, span: Expression['span']) => TypedStatement[]

function over(scope: Scope, node: Each, subject: Expression, bind: Bind): TypedStatement {
  const { span } = subject
  const at = scope.at(span)
  const place = (index: number): Typed => ({ op: 'constant', value: BigInt(index), type: { kind: 'constant' }, at })
  if (subject.kind === 'elements')
    return unrolled(
      scope,
      node,
      subject.elements.map((one, index) => () => bind(place(index), value(scope, one), one.span)),
    )
  const known = expression(scope, subject)
  if (isStatic(known)) {
    const values: unknown = known.static === 'host' ? known.value : undefined
    if (known.static !== 'host' || !Array.isArray(values))
      throw scope.unfit(
        span,
        'for … of goes through constant arrays, and lists of headers and entries',
        INSTEAD[known.static] ?? 'write for (let i = 0; i < 16; i++) { … }',
      )
    return unrolled(
      scope,
      node,
      values.map(
        (one: unknown, index) => () => bind(place(index), host(scope, one, `${known.name}[${index}]`, span), span),
      ),
    )
  }
  if (known.type.kind !== 'list' || known.op !== 'field')
    throw scope.unfit(
      span,
      `${nameOfType(known.type)} has no elements to go through`,
      'write for (let i = 0; i < 16; i++) { … }',
    )
  if (known.base.type.kind !== 'reference' || known.base.type.space !== 'copy')
    return overList(scope, node, subject, known, bind)
  return unrolled(
    scope,
    node,
    Array.from(
      { length: known.type.list.length },
      (_, index) => () => bind(place(index), elementOfList(scope, span, known, place(index)), span),
    ),
  )
}

function overList(scope: Scope, node: Each, subject: Expression, list: Typed, bind: Bind): TypedStatement {
  if (list.type.kind !== 'list') throw new Error(`${list.op} is no list`)
  const times = list.type.list.length
  const together = bounded(scope, node.span, times)
  return scope.block(() => {
    const at = scope.at(node.span)
    const variable = scope.variable('index', U32)
    keep(scope, variable, { least: 0n, most: BigInt(times - 1) })
    const index: Typed = { op: 'variable', variable, type: U32, at }
    let bound: TypedStatement[] = []
    const { body, settles } = inRounds(scope, node, together, () => {
      useReference(scope, list, subject.span)
      bound = bind(index, elementOfList(scope, subject.span, list, index), subject.span)
    })
    return { op: 'loop', variable, from: 0n, step: 1n, times, body: [...bound, ...body], settles, at }
  })
}

/** Every round is checked by itself, with its own constants. */
function unrolled(scope: Scope, node: Each, rounds: readonly (() => TypedStatement[])[]): TypedStatement {
  const { compilation } = scope
  compilation.unrolled = (compilation.unrolled ?? 0) + rounds.length
  if (compilation.unrolled > LONGEST_LOOP)
    throw scope.unfit(
      node.span,
      `more than ${LONGEST_LOOP} rounds would be compiled in`,
      'keep what is long in a table of the schema',
    )
  let left: Moved | undefined
  const checked = rounds.map((bind) =>
    scope.block(() => {
      let bound: TypedStatement[] = []
      const { body, movedOn, movedOut } = inRounds(scope, node, scope.rounds, () => {
        bound = bind()
      })
      // What leaves a round with `break` meets no other one.
      left = eitherMoved(left, movedOut)
      scope.moved = movedOn
      return [...bound, ...body]
    }),
  )
  scope.moved = eitherMoved(scope.moved, left)
  return { op: 'rounds', rounds: checked, at: scope.at(node.span) }
}
