/** `i++` and `--i` where they are values. */
import { type SourceText, unfit } from '../check/report.ts'
import type * as es from '../parse.ts'
import { span } from './expression.ts'
import type { Expression, Span, Statement } from './tree.ts'

type Update = Extract<es.Expression, { type: 'UpdateExpression' }>

const FORM = 'make it a statement of its own'

/** `i++` as a statement. */
export const stepOf = (node: Update, target: Expression): Extract<Statement, { kind: 'assign' }> => ({
  kind: 'assign',
  span: span(node),
  target,
  operator: node.operator === '++' ? '+' : '-',
  value: { kind: 'number', value: 1n, span: span(node) },
})

/**
 * What a statement computes once, and first of all. What steps in it steps before it: nothing in front of that looks at the
 * variable, and what is behind it sees what JavaScript would.
 */
export class Once {
  readonly before: Statement[] = []
  /** Parts that are not always computed are around what is narrowed now. */
  sometimes = 0
  private readonly whole: Span
  private readonly named = new Set<string>()

  constructor(whole: Span) {
    this.whole = whole
  }

  names(name: string): void {
    this.named.add(name)
  }

  /** The value of `i++`. That of a field is taken where it is all there is. */
  step(source: SourceText, node: Update, narrow: () => Expression): Expression {
    const { argument } = node
    const at = span(node)
    if (this.sometimes > 0) throw unfit(source, at, `${node.operator} here happens only sometimes`, FORM)
    const isWhole = this.whole.start === node.start && this.whole.end === node.end
    if (argument.type !== 'Identifier' && !isWhole)
      throw unfit(source, at, `${node.operator} of a field inside an expression`, FORM)
    if (argument.type === 'Identifier' && this.named.has(argument.name))
      throw unfit(
        source,
        at,
        `\`${argument.name}\` changes here, and is used in front of that in the same statement`,
        FORM,
      )
    const target: Expression =
      argument.type === 'Identifier' ? { kind: 'name', name: argument.name, span: span(argument) } : narrow()
    const step = stepOf(node, target)
    if (node.prefix) {
      this.before.push(step)
      if (target.kind === 'name') this.names(target.name)
      return target
    }
    const name = `${node.operator}@${node.start}`
    this.before.push({ kind: 'declare', name, mutable: false, value: target, span: at }, step)
    return { kind: 'name', name, span: at }
  }
}
