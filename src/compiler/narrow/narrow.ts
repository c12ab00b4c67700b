/**
 * ESTree → the small tree of tree.ts. This is where the edge of the language can be seen in one place: whatever is not
 * named here is refused, with the form that would compile (refused.ts).
 */
import type { Diagnostic } from '../../base/diagnostic.ts'
import { collecting, type SourceText, unfit } from '../check/report.ts'
import type * as es from '../parse.ts'
import { BINARY, ExpressionNarrower, span } from './expression.ts'
import { doLoop, each, labelled, loop, type StatementNarrower } from './loop.ts'
import { stepOf } from './step.ts'
import { choice } from './switch.ts'
import type { BinaryOperator, Expression, FunctionTree, Parameter, Part, Pattern, Statement } from './tree.ts'
import { annotationOf } from './type.ts'

export type FunctionSyntax = es.FunctionNode | es.ArrowFunctionExpression

/** Trees by the syntax that they come from: every instance of a cube, and every call of a function, asks for the same. */
const narrowed = new WeakMap<FunctionSyntax, FunctionTree>()

/** Narrows one function. What does not fit goes into `diagnostics`; the rest of the function is still read. */
export function narrow(
  source: SourceText,
  name: string,
  syntax: FunctionSyntax,
  diagnostics: Diagnostic[],
): FunctionTree {
  const known = narrowed.get(syntax)
  if (known?.name === name) return known
  const before = diagnostics.length
  const tree = new Narrower(source, diagnostics).function(name, syntax)
  if (diagnostics.length === before) narrowed.set(syntax, tree)
  return tree
}

/** Narrows one expression: the initial value of a constant of the module. */
export function narrowExpression(source: SourceText, syntax: es.Expression | es.Enum): Expression {
  const narrower = new Narrower(source, [])
  return syntax.type === 'TSEnumDeclaration' ? narrower.enumeration(syntax) : narrower.expression(syntax)
}

class Narrower extends ExpressionNarrower implements StatementNarrower {
  private readonly diagnostics: Diagnostic[]

  constructor(source: SourceText, diagnostics: Diagnostic[]) {
    super(source)
    this.diagnostics = diagnostics
  }

  function(name: string, syntax: FunctionSyntax): FunctionTree {
    if (syntax.async || ('generator' in syntax && syntax.generator))
      throw unfit(
        this.source,
        syntax,
        'a data-plane function cannot be async',
        'leave what must wait to the control plane',
      )
    if (syntax.body === null) throw unfit(this.source, syntax, 'a function without a body', 'write its body')
    const body =
      syntax.body.type === 'BlockStatement'
        ? this.statements(syntax.body.body)
        : [{ kind: 'return' as const, span: span(syntax.body), value: this.expression(syntax.body as es.Expression) }]
    return {
      name,
      span: span(syntax),
      parameters: syntax.params.map((parameter) => this.parameter(parameter)),
      returns: annotationOf(syntax.returnType),
      body,
    }
  }

  private parameter(node: es.ParamPattern): Parameter {
    const at = span(node)
    const form = 'write a plain name, or { name, … }'
    if (node.type === 'RestElement' || node.type === 'TSParameterProperty')
      throw unfit(this.source, at, 'this parameter cannot be compiled', form)
    const isDefault = node.type === 'AssignmentPattern'
    const otherwise = isDefault ? this.expression(node.right) : undefined
    const pattern = isDefault ? node.left : node
    return { span: at, pattern: this.pattern(pattern), annotation: annotationOf(pattern.typeAnnotation), otherwise }
  }

  /** An enum is an object of constants: a member without a value is one more than the one before it. */
  enumeration({ body, ...node }: es.Enum): Expression {
    const earlier = new Map<string, Expression>()
    let last: Expression = { kind: 'number', value: -1n, span: span(node) }
    let since = 0n
    const fields = body.members.map(({ id, initializer, ...member }) => {
      const at = span(member)
      if (id.type !== 'Identifier')
        throw unfit(this.source, at, 'a member is a plain name', 'write Kind { first, second }')
      if (initializer !== null) last = inserted(this.expression(initializer), earlier)
      since = initializer === null ? since + 1n : 0n
      const distance: Expression = { kind: 'number', value: since, span: at }
      const value: Expression =
        since === 0n ? last : { kind: 'binary', operator: '+', left: last, right: distance, span: at }
      earlier.set(id.name, value)
      return { name: id.name, value, span: at }
    })
    return { kind: 'record', fields, span: span(node) }
  }

  statements(nodes: readonly es.Statement[]): Statement[] {
    return nodes.flatMap(
      (node) =>
        collecting(this.diagnostics, () => this.statement(node)) ?? [
          { kind: 'refused', names: namesOf(node), span: span(node) },
        ],
    )
  }

  private statement(node: es.Statement): Statement[] {
    return this.within(node, () => this.statementInside(node))
  }

  private statementInside(node: es.Statement): Statement[] {
    const at = span(node)
    switch (node.type) {
      case 'EmptyStatement':
        return []
      case 'BlockStatement':
        return [{ kind: 'block', span: at, body: this.statements(node.body) }]
      case 'ReturnStatement': {
        const { argument } = node
        if (!argument) return [{ kind: 'return', span: at, value: undefined }]
        const { before, result } = this.once(argument, () => this.expression(argument))
        return [...before, { kind: 'return', span: at, value: result }]
      }
      case 'BreakStatement':
      case 'ContinueStatement':
        return [{ kind: node.type === 'BreakStatement' ? 'break' : 'continue', span: at, label: node.label?.name }]
      case 'LabeledStatement':
        return labelled(node.label.name, this.statement(node.body), at)
      case 'IfStatement': {
        const { before, result } = this.once(node.test, () => this.expression(node.test))
        const whenTrue = this.body(node.consequent)
        const whenFalse = node.alternate ? this.body(node.alternate) : []
        return [...before, { kind: 'if', span: at, test: result, whenTrue, whenFalse }]
      }
      case 'VariableDeclaration':
        return this.declaration(node)
      case 'ExpressionStatement': {
        const { expression } = node
        const given = expression.type === 'AssignmentExpression' ? expression.right : expression
        const { before, result } = this.once(given, () => this.effect(expression))
        return [...before, result]
      }
      case 'ForStatement':
        return [loop(this, node)]
      case 'WhileStatement':
        return [
          {
            kind: 'while',
            span: { start: node.start, end: node.body.start },
            test: this.expression(node.test),
            update: [],
            body: this.body(node.body),
          },
        ]
      case 'DoWhileStatement':
        return [doLoop(this, node)]
      case 'ForOfStatement':
        return [each(this, node)]
      case 'SwitchStatement':
        return choice(this, node)
      default:
        throw this.refused(node)
    }
  }

  body(node: es.Statement): Statement[] {
    return this.statements(node.type === 'BlockStatement' ? node.body : [node])
  }

  private declaration(node: es.VariableDeclaration): Statement[] {
    if (node.kind === 'var') throw unfit(this.source, node, 'var is not block-scoped', 'write let or const')
    if (node.kind !== 'let' && node.kind !== 'const')
      throw unfit(this.source, node, `a data plane cannot contain ${node.kind}`, 'write const')
    return node.declarations.flatMap((declarator): Statement[] => {
      const { id, init } = declarator
      if ((id.type === 'ObjectPattern' || id.type === 'ArrayPattern') && node.kind === 'const' && init) {
        const { before, result } = this.once(init, () => this.expression(init))
        return [...before, { kind: 'take', span: span(declarator), pattern: partsOf(this.pattern(id)), value: result }]
      }
      if (declarator.id.type !== 'Identifier')
        throw unfit(
          this.source,
          declarator.id,
          'a value cannot be taken apart here',
          'write const { field } = …, or one const for each',
        )
      if (!init)
        throw unfit(
          this.source,
          declarator,
          `\`${declarator.id.name}\` has no value`,
          `write let ${declarator.id.name} = 0`,
        )
      const { before, result } = this.once(init, () => this.expression(init))
      const { name, typeAnnotation } = declarator.id
      const mutable = node.kind === 'let'
      const annotation = annotationOf(typeAnnotation)
      return [...before, { kind: 'declare', span: span(declarator), name, mutable, annotation, value: result }]
    })
  }

  /** An expression for its effect: an assignment, `i++`, or a call. */
  private effect(node: es.Expression): Statement {
    const at = span(node)
    if (node.type === 'AssignmentExpression') {
      const target = node.left
      if (target.type !== 'Identifier' && target.type !== 'MemberExpression')
        throw unfit(
          this.source,
          target,
          'this cannot be assigned to',
          'assign one after the other; to swap two: const kept = a; a = b; b = kept',
        )
      const operator = node.operator.slice(0, -1)
      if (operator === '&&' || operator === '||') {
        const left = this.expression(target)
        const kind = operator === '&&' ? 'and' : 'or'
        const value = { kind, left, right: this.sometimes(() => this.expression(node.right)), span: at } as const
        return { kind: 'assign', span: at, target: left, value }
      }
      if (operator !== '' && !BINARY.has(operator))
        throw unfit(this.source, node, `${node.operator} is not in the language`, 'write it out: x = …')
      return {
        kind: 'assign',
        span: at,
        target: this.expression(target),
        operator: operator === '' ? undefined : (operator as BinaryOperator),
        value: this.expression(node.right),
      }
    }
    if (node.type === 'UpdateExpression') return stepOf(node, this.expression(node.argument as es.Expression))
    return { kind: 'evaluate', span: at, value: this.expression(node) }
  }
}

/** An expression with others in the place of names. */
function inserted(node: Expression, values: ReadonlyMap<string, Expression>): Expression {
  switch (node.kind) {
    case 'name':
      return values.get(node.name) ?? node
    case 'negate':
    case 'complement':
      return { ...node, operand: inserted(node.operand, values) }
    case 'binary':
      return { ...node, left: inserted(node.left, values), right: inserted(node.right, values) }
    default:
      return node
  }
}

/** The names that a statement declares. */
const namesOf = (node: es.Statement): string[] =>
  node.type === 'VariableDeclaration' ? node.declarations.flatMap(({ id }) => namesIn(id)) : []

function namesIn(node: es.BindingPattern): string[] {
  switch (node.type) {
    case 'Identifier':
      return [node.name]
    case 'ObjectPattern':
      return node.properties.flatMap((one) => (one.type === 'Property' ? namesIn(one.value) : []))
    case 'ArrayPattern':
      return node.elements.flatMap((one) => (one === null || one.type === 'RestElement' ? [] : namesIn(one)))
    case 'AssignmentPattern':
      return namesIn(node.left)
  }
}

const partsOf = (pattern: Pattern): readonly Part[] => (typeof pattern === 'string' ? [] : pattern)
