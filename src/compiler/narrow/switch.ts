/** Switches → the small tree. */
import { unfit } from '../check/report.ts'
import type * as es from '../parse.ts'
import { span } from './expression.ts'
import type { StatementNarrower } from './loop.ts'
import type { Expression, Span, Statement } from './tree.ts'

/** A switch is a chain of ifs; every case leaves by itself, so nothing falls through. */
export function choice(
  narrower: StatementNarrower,
  node: Extract<es.Statement, { type: 'SwitchStatement' }>,
): Statement[] {
  const { before, result: subject } = narrower.once(node.discriminant, () => narrower.expression(node.discriminant))
  const name: Expression = { kind: 'name', name: `switch@${node.start}`, span: subject.span }
  let labels: Expression[] = []
  let isDefault = false
  const arms: { test: Expression | undefined; body: Statement[]; span: Span }[] = []
  for (const [index, arm] of node.cases.entries()) {
    const final = index === node.cases.length - 1
    if (arm.test) {
      const value = narrower.expression(arm.test)
      labels.push({ kind: 'compare', operator: '===', left: name, right: value, span: value.span })
    } else isDefault = true
    const heading = { start: arm.start, end: arm.consequent[0]?.start ?? arm.end }
    if (isDefault && !final) throw unfit(narrower.source, heading, 'default is not the last case', 'move it to the end')
    if (arm.consequent.length === 0 && !final) continue
    if (!final && !arm.consequent.some(leaves))
      throw unfit(narrower.source, heading, 'this case falls through', 'end it with break or return')
    const test = isDefault ? undefined : anyOf(labels)
    arms.push({ test, body: narrower.statements(arm.consequent), span: span(arm) })
    labels = []
  }
  // Every arm but the last leaves, so what follows it is what happens otherwise.
  const chain = arms.map(
    ({ test, body, span: at }): Statement =>
      test === undefined
        ? { kind: 'block', span: at, body }
        : { kind: 'if', span: at, test, whenTrue: body, whenFalse: [] },
  )
  const subjectIs: Statement = {
    kind: 'declare',
    name: name.name,
    mutable: false,
    value: subject,
    span: subject.span,
  }
  return [
    ...before,
    {
      kind: 'breakable',
      of: 'switch',
      span: { start: node.start, end: node.discriminant.end + 1 },
      body: [subjectIs, ...chain],
    },
  ]
}

/** True where one of them is, tried in their order. As flat as it can be: there may be thousands. */
function anyOf(labels: readonly Expression[]): Expression {
  const [first, ...others] = labels
  if (first === undefined) throw new Error('no labels')
  if (others.length === 0) return first
  const middle = labels.length >> 1
  const [left, right] = [anyOf(labels.slice(0, middle)), anyOf(labels.slice(middle))]
  return { kind: 'or', left, right, span: right.span }
}

/** Whether control never comes to the end of a statement. */
function leaves(node: es.Statement): boolean {
  if (node.type === 'BlockStatement') return node.body.some(leaves)
  if (node.type === 'IfStatement') return node.alternate !== null && leaves(node.consequent) && leaves(node.alternate)
  return ['BreakStatement', 'ReturnStatement', 'ContinueStatement'].includes(node.type)
}
