/** Loops → the small tree. */
import { type SourceText, unfit } from '../check/report.ts'
import type * as es from '../parse.ts'
import { span } from './expression.ts'
import type { Expression, Pattern, Span, Statement } from './tree.ts'
import { annotationOf } from './type.ts'

/** What narrowing one kind of statement takes from narrowing all others. */
export interface StatementNarrower {
  readonly source: SourceText
  once<T>(whole: Span, work: () => T): { readonly before: readonly Statement[]; readonly result: T }
  expression(node: es.Expression): Expression
  pattern(node: es.BindingPattern): Pattern
  statements(nodes: readonly es.Statement[]): Statement[]
  body(node: es.Statement): Statement[]
}

export function loop(narrower: StatementNarrower, node: Extract<es.Statement, { type: 'ForStatement' }>): Statement {
  const form = 'write for (let i = 0; i < 16; i++) { … }, and leave early with break'
  const { init, test, update } = node
  if (init?.type === 'VariableDeclaration' && init.declarations.length > 1)
    throw unfit(narrower.source, init, 'a loop has one variable', 'declare the others before it, with const or let')
  const declarator =
    init?.type === 'VariableDeclaration' && init.declarations.length === 1 ? init.declarations[0] : undefined
  if (declarator?.id.type !== 'Identifier' || !declarator.init || !test || !update)
    throw unfit(narrower.source, { start: node.start, end: node.body.start }, 'a loop without a bound', form)
  const variable = declarator.id.name
  if (init?.type !== 'VariableDeclaration' || init.kind !== 'let')
    throw unfit(narrower.source, init ?? node, 'the variable of a loop is declared with let', form)
  const names = (side: unknown) =>
    (side as es.Expression).type === 'Identifier' && (side as { name: string }).name === variable
  const head = { start: node.start, end: node.body.start }
  const annotation = annotationOf(declarator.id.typeAnnotation)
  const from = narrower.expression(declarator.init)
  if (test.type === 'LogicalExpression' && test.operator === '&&')
    return {
      kind: 'while',
      span: head,
      counter: { name: variable, annotation, from },
      test: narrower.expression(test),
      update: [stepping(narrower, update, names, variable)],
      body: narrower.body(node.body),
    }
  if (test.type !== 'BinaryExpression' || !['<', '<=', '>', '>='].includes(test.operator) || !names(test.left))
    throw unfit(narrower.source, test, `a loop ends by comparing its variable \`${variable}\` with a constant`, form)
  return {
    kind: 'loop',
    span: head,
    variable,
    annotation,
    from,
    operator: test.operator as '<' | '<=' | '>' | '>=',
    bound: narrower.expression(test.right),
    step: step(narrower, update, names, variable),
    body: narrower.body(node.body),
  }
}

/** `i++`, `i--`, `i += n`, `i -= n` → what is added each time. */
function step(
  narrower: StatementNarrower,
  update: es.Expression,
  names: (side: unknown) => boolean,
  variable: string,
): Expression {
  const at = span(update)
  if (update.type === 'UpdateExpression' && names(update.argument))
    return { kind: 'number', value: update.operator === '++' ? 1n : -1n, span: at }
  if (update.type === 'AssignmentExpression' && names(update.left) && ['+=', '-='].includes(update.operator)) {
    const step = narrower.expression(update.right)
    return update.operator === '+=' ? step : { kind: 'negate', operand: step, span: at }
  }
  throw unfit(
    narrower.source,
    update,
    `a loop steps its variable \`${variable}\` by a constant`,
    `write ${variable}++ or ${variable} += 2`,
  )
}

/** The same as a statement: `i += n`. */
function stepping(
  narrower: StatementNarrower,
  update: es.Expression,
  names: (side: unknown) => boolean,
  variable: string,
): Statement {
  const at = span(update)
  const by = step(narrower, update, names, variable)
  const target = { kind: 'name', name: variable, span: at } as const
  if (by.kind === 'negate') return { kind: 'assign', span: at, target, operator: '-', value: by.operand }
  const back = by.kind === 'number' && by.value < 0n
  return {
    kind: 'assign',
    span: at,
    target,
    operator: back ? '-' : '+',
    value: back ? { ...by, value: -by.value } : by,
  }
}

export function each(narrower: StatementNarrower, node: Extract<es.Statement, { type: 'ForOfStatement' }>): Statement {
  const head = { start: node.start, end: node.body.start }
  const form = 'write for (const one of …) { … }'
  const declared = node.left.type === 'VariableDeclaration' ? node.left : undefined
  const id = declared?.declarations[0]?.id
  if (node.await || declared?.kind !== 'const' || id === undefined)
    throw unfit(narrower.source, head, 'each element is a constant of its round', form)
  return {
    kind: 'each',
    span: head,
    pattern: narrower.pattern(id),
    subject: narrower.expression(node.right),
    body: narrower.body(node.body),
  }
}

/** The test changes what it does before it compares: `--left > 0`. */
export function doLoop(
  narrower: StatementNarrower,
  node: Extract<es.Statement, { type: 'DoWhileStatement' }>,
): Statement {
  const body = narrower.body(node.body)
  const { before, result } = narrower.once(node.test, () => narrower.expression(node.test))
  const update = before.filter(({ kind }) => kind === 'assign')
  if (update.length < before.length)
    throw unfit(
      narrower.source,
      node.test,
      'the test of a loop compares what is there after the change',
      'write ++i or --i, or a statement of its own before it',
    )
  return { kind: 'do', span: { start: node.start, end: node.body.start }, test: result, update, body }
}

/** What has a label: a loop, a switch, or anything else as a block. */
export function labelled(label: string, inside: readonly Statement[], at: Span): Statement[] {
  const last = inside.at(-1)
  const before = inside.slice(0, -1)
  switch (last?.kind) {
    case 'loop':
    case 'while':
    case 'do':
    case 'each':
    case 'breakable':
      if (last.label === undefined) return [...before, { ...last, label }]
  }
  return [{ kind: 'breakable', of: 'block', label, body: inside, span: at }]
}
