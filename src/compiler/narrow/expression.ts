/** Expressions → the small tree. */
import { type SourceText, unfit } from '../check/report.ts'
import type * as es from '../parse.ts'
import { type Named, refused } from './refused.ts'
import { Once } from './step.ts'
import type { BinaryOperator, CompareOperator, Expression, Pattern, RecordField, Span, Statement } from './tree.ts'
import { annotationOf } from './type.ts'

/** Deeper ones would only be found by running out of stack. */
const DEEPEST = 200

export const BINARY = new Set<string>(['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>', '>>>'])
const COMPARE = new Set<string>(['===', '!==', '<', '<=', '>', '>='])

const INTEGERS: ReadonlySet<string> = new Set(['u8', 'u16', 'u32', 'u64', 'i32', 'i64'])

const isNothing = (node: { type: string }): boolean =>
  (node.type === 'Identifier' && 'name' in node && node.name === 'undefined') ||
  (node.type === 'Literal' && 'value' in node && node.value === null)

export const span = ({ start, end }: Span): Span => ({ start, end })

export class ExpressionNarrower {
  readonly source: SourceText
  private depth = 0
  /** What stands before `?.`, and the name that it has behind it. */
  private readonly subjects = new Map<object, string>()
  private stepping: Once | undefined

  constructor(source: SourceText) {
    this.source = source
  }

  /** Goes one level deeper into the syntax. */
  protected within<T>(node: Span, work: () => T): T {
    if (this.depth >= DEEPEST)
      throw unfit(
        this.source,
        { start: node.start, end: node.start + 1 },
        `this is nested more than ${DEEPEST} deep`,
        'give parts of it a name with const, or move them into a function',
      )
    this.depth++
    try {
      return work()
    } finally {
      this.depth--
    }
  }

  /** What `work` computes is computed once, and before what else the statement `whole` is of does. */
  once<T>(whole: Span, work: () => T): { readonly before: readonly Statement[]; readonly result: T } {
    const outside = this.stepping
    const once = new Once(whole)
    this.stepping = once
    try {
      const result = work()
      return { before: once.before, result }
    } finally {
      this.stepping = outside
    }
  }

  /** What is not computed always. */
  protected sometimes<T>(work: () => T): T {
    const { stepping } = this
    if (stepping !== undefined) stepping.sometimes++
    try {
      return work()
    } finally {
      if (stepping !== undefined) stepping.sometimes--
    }
  }

  expression(node: es.Expression | { type: string; start: number; end: number }): Expression {
    return this.within(node, () => this.expressionInside(node as es.Expression))
  }

  private expressionInside(syntax: es.Expression): Expression {
    const at = span(syntax)
    const known = this.subjects.get(syntax)
    if (known !== undefined) return { kind: 'name', name: known, span: at }
    switch (syntax.type) {
      case 'ParenthesizedExpression':
        return this.expression(syntax.expression)
      case 'TSAsExpression':
      case 'TSSatisfiesExpression': {
        const isAs = syntax.type === 'TSAsExpression'
        const { name } = annotationOf({ typeAnnotation: syntax.typeAnnotation }) ?? { name: 'void' }
        if (isAs ? name === 'const' : !INTEGERS.has(name)) return this.expression(syntax.expression)
        const form = 'convert with u8(…), u16(…), u32(…) or u64(…)'
        throw unfit(this.source, at, `${isAs ? 'as' : 'satisfies'} converts nothing`, form)
      }
      case 'Literal':
        return this.literal(syntax)
      case 'Identifier':
        this.stepping?.names(syntax.name)
        return { kind: 'name', name: syntax.name, span: at }
      case 'UpdateExpression': {
        if (this.stepping === undefined) throw this.refused(syntax)
        return this.stepping.step(this.source, syntax, () => this.expression(syntax.argument))
      }
      case 'MemberExpression':
        if (syntax.computed)
          return {
            kind: 'index',
            object: this.expression(syntax.object),
            index: this.expression(syntax.property),
            span: at,
          }
        return {
          kind: 'member',
          object: this.expression(syntax.object),
          property: syntax.property.name,
          propertySpan: span(syntax.property),
          span: at,
        }
      case 'CallExpression':
        return {
          kind: 'call',
          callee: this.expression(syntax.callee),
          arguments: syntax.arguments.map((argument) => this.expression(argument)),
          span: at,
        }
      case 'ChainExpression':
        return { kind: 'optional', ...this.chain(syntax), span: at }
      case 'TemplateLiteral': {
        const [text, ...others] = syntax.quasis
        if (text === undefined || others.length > 0) throw this.refused(syntax)
        return { kind: 'text', value: text.value.cooked ?? text.value.raw, span: at }
      }
      case 'ArrayExpression':
        return {
          kind: 'elements',
          span: at,
          elements: syntax.elements.map((element) => {
            if (element === null || element.type === 'SpreadElement')
              throw this.refused(element ?? syntax, element === null ? 'ArrayExpression' : 'SpreadElement')
            return this.expression(element)
          }),
        }
      case 'ObjectExpression':
        return { kind: 'record', span: at, fields: syntax.properties.map((property) => this.field(property)) }
      case 'UnaryExpression':
        if (syntax.operator === '!') return { kind: 'not', operand: this.expression(syntax.argument), span: at }
        if (syntax.operator === '-') return { kind: 'negate', operand: this.expression(syntax.argument), span: at }
        if (syntax.operator === '~') return { kind: 'complement', operand: this.expression(syntax.argument), span: at }
        if (syntax.operator === '+') return this.expression(syntax.argument)
        throw unfit(
          this.source,
          at,
          `${syntax.operator} is not in the language`,
          syntax.operator === 'delete'
            ? 'write state.table.delete({ … }), or leave the field out'
            : 'values have the type they are declared with',
        )
      case 'BinaryExpression':
        return this.binary(syntax)
      case 'LogicalExpression':
        if (syntax.operator === '??') {
          const { left } = syntax
          const otherwise = this.sometimes(() => this.expression(syntax.right))
          return { kind: 'otherwise', ...this.optional(left), otherwise, span: at }
        }
        return {
          kind: syntax.operator === '&&' ? 'and' : 'or',
          left: this.expression(syntax.left),
          right: this.sometimes(() => this.expression(syntax.right)),
          span: at,
        }
      case 'ConditionalExpression':
        return {
          kind: 'conditional',
          test: this.expression(syntax.test),
          whenTrue: this.sometimes(() => this.expression(syntax.consequent)),
          whenFalse: this.sometimes(() => this.expression(syntax.alternate)),
          span: at,
        }
      default:
        throw this.refused(syntax)
    }
  }

  /** `x?.field`: a plain name stays the name of what it is. */
  private chain({ expression }: Extract<es.Expression, { type: 'ChainExpression' }>) {
    let link = expression as es.Expression
    let subject: es.Expression | undefined
    // The first `?.` of several: fields are never null.
    while (link.type === 'MemberExpression' || link.type === 'CallExpression') {
      const inner: es.Expression = link.type === 'CallExpression' ? link.callee : link.object
      if (link.optional) subject = inner
      link = inner
    }
    if (subject === undefined) throw new Error('a chain without ?.')
    return this.named(subject, () => this.expression(expression))
  }

  /** What stands before `??`. */
  private optional(node: es.Expression) {
    const inner = node.type === 'ParenthesizedExpression' ? node.expression : node
    if (inner.type === 'ChainExpression') return this.chain(inner)
    return this.named(inner, () => this.expression(inner))
  }

  private named(subject: es.Expression, work: () => Expression) {
    const given = this.expression(subject)
    const name = given.kind === 'name' ? given.name : `?@${subject.start}`
    this.subjects.set(subject, name)
    const value = this.sometimes(work)
    this.subjects.delete(subject)
    return { subject: given, name, value }
  }

  private binary(node: Extract<es.Expression, { type: 'BinaryExpression' }>): Expression {
    const at = span(node)
    const { operator } = node
    if ((operator === '===' || operator === '!==') && node.left.type === 'ChainExpression' && !isNothing(node.right)) {
      const { value, ...chain } = this.chain(node.left)
      const compared: Expression = {
        kind: 'compare',
        operator: '===',
        left: value,
        right: this.expression(node.right),
        span: at,
      }
      const same: Expression = { kind: 'optional', ...chain, value: compared, span: at }
      return operator === '===' ? same : { kind: 'not', operand: same, span: at }
    }
    const sides = { left: this.expression(node.left), right: this.expression(node.right), span: at }
    if (BINARY.has(operator)) return { kind: 'binary', operator: operator as BinaryOperator, ...sides }
    if (COMPARE.has(operator)) return { kind: 'compare', operator: operator as CompareOperator, ...sides }
    if (operator === '==' || operator === '!=')
      throw unfit(this.source, at, `${operator} compares after converting`, `write ${operator}=`)
    if (operator === '**') return { kind: 'power', ...sides }
    throw unfit(this.source, at, `${operator} is not in the language`, 'compare values with ===')
  }

  private literal(node: Extract<es.Expression, { type: 'Literal' }>): Expression {
    const at = span(node)
    if (node.value === null && !('regex' in node)) return { kind: 'null', span: at }
    if (typeof node.value === 'boolean') return { kind: 'boolean', value: node.value, span: at }
    if (typeof node.value === 'string') return { kind: 'text', value: node.value, span: at }
    if (typeof node.value === 'bigint')
      throw unfit(this.source, at, 'bigint is for the control plane', `write ${node.value}: numbers have 64 bits here`)
    if (typeof node.value !== 'number') throw this.refused(node, 'RegExpLiteral')
    if (!Number.isInteger(node.value))
      throw unfit(
        this.source,
        at,
        `${node.raw} is a fraction; there are no floats in the kernel`,
        'count in a smaller unit: 1500 milliseconds, not 1.5 seconds',
      )
    // Digits beyond 2^53 are lost in a JavaScript number, but not in the text.
    const digits = (node.raw ?? '').replaceAll('_', '')
    const exact = /^(\d+|0[xob][\da-f]+)$/i.test(digits)
    return { kind: 'number', value: BigInt(exact ? digits : node.value), span: at }
  }

  private field(property: es.ObjectExpression['properties'][number]): RecordField {
    if (property.type !== 'Property')
      return { name: '…', value: this.expression(property.argument), spread: true, span: span(property) }
    const { key } = property
    if (property.computed || property.method || key.type !== 'Identifier')
      throw unfit(this.source, property, 'a field is a plain name and a value', 'write { address: x, port: 1 }')
    return { name: key.name, value: this.expression(property.value), span: span(property) }
  }

  protected refused(node: Named, as?: string) {
    return refused(this.source, node, as)
  }

  /** A name, `{ a, b: c, d: { e }, f = 1 }` or `[a, b]`. */
  pattern(node: es.BindingPattern): Pattern {
    switch (node.type) {
      case 'Identifier':
        return node.name
      case 'ObjectPattern':
        return node.properties.map((property) => {
          if (property.type !== 'Property' || property.computed || property.key.type !== 'Identifier')
            throw unfit(this.source, property, 'this cannot be taken out', 'name each one: { state, drop }')
          return this.part(property.key.name, property.value, property)
        })
      case 'ArrayPattern':
        return node.elements.flatMap((element, index) => {
          if (element?.type === 'RestElement')
            throw unfit(this.source, element, 'this cannot be taken out', 'name each one: [first, second]')
          return element === null ? [] : [this.part(index, element, element)]
        })
      default:
        throw unfit(this.source, node, 'this cannot be taken out', 'name each one: { state, drop }')
    }
  }

  private part(of: string | number, to: es.BindingPattern, at: Span) {
    const isDefault = to.type === 'AssignmentPattern'
    const otherwise = isDefault ? this.expression(to.right) : undefined
    return { of, to: this.pattern(isDefault ? to.left : to), otherwise, span: span(at) }
  }
}
