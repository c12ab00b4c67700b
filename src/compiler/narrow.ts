/**
 * ESTree → the small tree of tree.ts. This is where the edge of the language can be seen in one place: whatever is not
 * named here is refused, with the form that would compile (refused.ts).
 */
import type { Diagnostic } from '../base/diagnostic.ts'
import type * as es from './parse.ts'
import { type Named, refused } from './refused.ts'
import { collecting, type SourceText, unfit } from './report.ts'
import type {
  Annotation,
  BinaryOperator,
  CompareOperator,
  Expression,
  FunctionTree,
  Parameter,
  Pattern,
  Span,
  Statement,
} from './tree.ts'

export type FunctionSyntax = es.FunctionNode | es.ArrowFunctionExpression

/** Deeper ones would only be found by running out of stack. */
const DEEPEST = 200

const BINARY = new Set<string>(['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>', '>>>'])
const COMPARE = new Set<string>(['===', '!==', '<', '<=', '>', '>='])

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

class Narrower {
  private readonly source: SourceText
  private readonly diagnostics: Diagnostic[]
  private depth = 0

  constructor(source: SourceText, diagnostics: Diagnostic[]) {
    this.source = source
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
    if (node.type === 'Identifier')
      return { span: span(node), pattern: node.name, annotation: annotationOf(node.typeAnnotation) }
    if (node.type !== 'ObjectPattern')
      throw unfit(this.source, node, 'this parameter cannot be compiled', 'write a plain name, or { name, … }')
    return { span: span(node), pattern: this.pattern(node) }
  }

  private pattern(node: Extract<es.BindingPattern, { type: 'ObjectPattern' }>): Exclude<Pattern, string> {
    return node.properties.map((property) => {
      const named = property.type === 'Property' && property.key.type === 'Identifier' && !property.computed
      if (!named || property.key.type !== 'Identifier' || property.value.type !== 'Identifier')
        throw unfit(this.source, property, 'this cannot be taken out', 'name each one: { state, drop }')
      return { property: property.key.name, name: property.value.name, span: span(property) }
    })
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

  private statements(nodes: readonly es.Statement[]): Statement[] {
    return nodes.flatMap(
      (node) =>
        collecting(this.diagnostics, () => this.statement(node)) ?? [
          { kind: 'refused', names: namesOf(node), span: span(node) },
        ],
    )
  }

  /** Goes one level deeper into the syntax. */
  private within<T>(node: Span, work: () => T): T {
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
      case 'ReturnStatement':
        return [{ kind: 'return', span: at, value: node.argument ? this.expression(node.argument) : undefined }]
      case 'BreakStatement':
      case 'ContinueStatement':
        if (node.label) throw this.refused(node.label, 'LabeledStatement')
        return [{ kind: node.type === 'BreakStatement' ? 'break' : 'continue', span: at }]
      case 'IfStatement':
        return [
          {
            kind: 'if',
            span: at,
            test: this.expression(node.test),
            whenTrue: this.body(node.consequent),
            whenFalse: node.alternate ? this.body(node.alternate) : [],
          },
        ]
      case 'VariableDeclaration':
        return this.declaration(node)
      case 'ExpressionStatement':
        return [this.effect(node.expression)]
      case 'ForStatement':
        return [this.loop(node)]
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
      case 'ForOfStatement':
        return [this.each(node)]
      case 'SwitchStatement':
        return this.choice(node)
      default:
        throw this.refused(node)
    }
  }

  private body(node: es.Statement): Statement[] {
    return this.statements(node.type === 'BlockStatement' ? node.body : [node])
  }

  private declaration(node: es.VariableDeclaration): Statement[] {
    if (node.kind === 'var') throw unfit(this.source, node, 'var is not block-scoped', 'write let or const')
    if (node.kind !== 'let' && node.kind !== 'const')
      throw unfit(this.source, node, `a data plane cannot contain ${node.kind}`, 'write const')
    return node.declarations.map((declarator): Statement => {
      const { id, init } = declarator
      if (id.type === 'ObjectPattern' && node.kind === 'const' && init)
        return { kind: 'take', span: span(declarator), pattern: this.pattern(id), value: this.expression(init) }
      if (declarator.id.type !== 'Identifier')
        throw unfit(
          this.source,
          declarator.id,
          'a value cannot be taken apart here',
          'write const { field } = …, or one const for each',
        )
      if (!declarator.init)
        throw unfit(
          this.source,
          declarator,
          `\`${declarator.id.name}\` has no value`,
          `write let ${declarator.id.name} = 0`,
        )
      return {
        kind: 'declare',
        span: span(declarator),
        name: declarator.id.name,
        mutable: node.kind === 'let',
        annotation: annotationOf(declarator.id.typeAnnotation),
        value: this.expression(declarator.init),
      }
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
          'assign to a variable, or to a field of a table entry',
        )
      const operator = node.operator.slice(0, -1)
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
    if (node.type === 'UpdateExpression')
      return {
        kind: 'assign',
        span: at,
        target: this.expression(node.argument as es.Expression),
        operator: node.operator === '++' ? '+' : '-',
        value: { kind: 'number', value: 1n, span: at },
      }
    return { kind: 'evaluate', span: at, value: this.expression(node) }
  }

  private loop(node: Extract<es.Statement, { type: 'ForStatement' }>): Statement {
    const form = 'write for (let i = 0; i < 16; i++) { … }, and leave early with break'
    const { init, test, update } = node
    const declarator =
      init?.type === 'VariableDeclaration' && init.declarations.length === 1 ? init.declarations[0] : undefined
    if (declarator?.id.type !== 'Identifier' || !declarator.init || !test || !update)
      throw unfit(this.source, { start: node.start, end: node.body.start }, 'a loop without a bound', form)
    const variable = declarator.id.name
    if (init?.type !== 'VariableDeclaration' || init.kind !== 'let')
      throw unfit(this.source, init ?? node, 'the variable of a loop is declared with let', form)
    const names = (side: unknown) =>
      (side as es.Expression).type === 'Identifier' && (side as { name: string }).name === variable
    const head = { start: node.start, end: node.body.start }
    const annotation = annotationOf(declarator.id.typeAnnotation)
    const from = this.expression(declarator.init)
    if (test.type === 'LogicalExpression' && test.operator === '&&')
      return {
        kind: 'while',
        span: head,
        counter: { name: variable, annotation, from },
        test: this.expression(test),
        update: [this.stepping(update, names, variable)],
        body: this.body(node.body),
      }
    if (test.type !== 'BinaryExpression' || !['<', '<=', '>', '>='].includes(test.operator) || !names(test.left))
      throw unfit(this.source, test, `a loop ends by comparing its variable \`${variable}\` with a constant`, form)
    return {
      kind: 'loop',
      span: head,
      variable,
      annotation,
      from,
      operator: test.operator as '<' | '<=' | '>' | '>=',
      bound: this.expression(test.right),
      step: this.step(update, names, variable),
      body: this.body(node.body),
    }
  }

  /** `i++`, `i--`, `i += n`, `i -= n` → what is added each time. */
  private step(update: es.Expression, names: (side: unknown) => boolean, variable: string): Expression {
    const at = span(update)
    if (update.type === 'UpdateExpression' && names(update.argument))
      return { kind: 'number', value: update.operator === '++' ? 1n : -1n, span: at }
    if (update.type === 'AssignmentExpression' && names(update.left) && ['+=', '-='].includes(update.operator)) {
      const step = this.expression(update.right)
      return update.operator === '+=' ? step : { kind: 'negate', operand: step, span: at }
    }
    throw unfit(
      this.source,
      update,
      `a loop steps its variable \`${variable}\` by a constant`,
      `write ${variable}++ or ${variable} += 2`,
    )
  }

  /** The same as a statement: `i += n`. */
  private stepping(update: es.Expression, names: (side: unknown) => boolean, variable: string): Statement {
    const at = span(update)
    const by = this.step(update, names, variable)
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

  private each(node: Extract<es.Statement, { type: 'ForOfStatement' }>): Statement {
    const head = { start: node.start, end: node.body.start }
    const form = 'write for (const one of …) { … }'
    const declared = node.left.type === 'VariableDeclaration' ? node.left : undefined
    const id = declared?.declarations[0]?.id
    if (node.await || declared?.kind !== 'const' || (id?.type !== 'Identifier' && id?.type !== 'ObjectPattern'))
      throw unfit(this.source, head, 'each element is a constant of its round', form)
    return {
      kind: 'each',
      span: head,
      pattern: id.type === 'Identifier' ? id.name : this.pattern(id),
      subject: this.expression(node.right),
      body: this.body(node.body),
    }
  }

  /** A switch is a chain of ifs; every case leaves by itself, so nothing falls through. */
  private choice(node: Extract<es.Statement, { type: 'SwitchStatement' }>): Statement[] {
    const subject = this.expression(node.discriminant)
    const name: Expression = { kind: 'name', name: `switch@${node.start}`, span: subject.span }
    let labels: Expression[] = []
    let isDefault = false
    const arms: { test: Expression | undefined; body: Statement[]; span: Span }[] = []
    for (const [index, arm] of node.cases.entries()) {
      const final = index === node.cases.length - 1
      if (arm.test) {
        const value = this.expression(arm.test)
        labels.push({ kind: 'compare', operator: '===', left: name, right: value, span: value.span })
      } else isDefault = true
      const heading = { start: arm.start, end: arm.consequent[0]?.start ?? arm.end }
      if (isDefault && !final) throw unfit(this.source, heading, 'default is not the last case', 'move it to the end')
      if (arm.consequent.length === 0 && !final) continue
      if (!final && !arm.consequent.some(leaves))
        throw unfit(this.source, heading, 'this case falls through', 'end it with break or return')
      const test = isDefault ? undefined : anyOf(labels)
      arms.push({ test, body: this.statements(arm.consequent), span: span(arm) })
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
      { kind: 'switch', span: { start: node.start, end: node.discriminant.end + 1 }, body: [subjectIs, ...chain] },
    ]
  }

  expression(node: es.Expression | { type: string; start: number; end: number }): Expression {
    return this.within(node, () => this.expressionInside(node as es.Expression))
  }

  private expressionInside(syntax: es.Expression): Expression {
    const at = span(syntax)
    switch (syntax.type) {
      case 'ParenthesizedExpression':
        return this.expression(syntax.expression)
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
        if (syntax.typeAnnotation.type === 'TSTypeReference' && 'typeName' in syntax.typeAnnotation) {
          const to = annotationOf({ typeAnnotation: syntax.typeAnnotation })
          if (to?.name === 'const') return this.expression(syntax.expression)
        }
        throw unfit(
          this.source,
          at,
          `${syntax.type === 'TSAsExpression' ? 'as' : 'satisfies'} converts nothing`,
          'convert with u8(…), u16(…), u32(…) or u64(…)',
        )
      case 'Literal':
        return this.literal(syntax)
      case 'Identifier':
        return { kind: 'name', name: syntax.name, span: at }
      case 'MemberExpression':
        if (syntax.optional) throw this.refused(syntax, 'ChainExpression')
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
        if (syntax.optional) throw this.refused(syntax, 'ChainExpression')
        return {
          kind: 'call',
          callee: this.expression(syntax.callee),
          arguments: syntax.arguments.map((argument) => this.expression(argument)),
          span: at,
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
          'values have the type they are declared with',
        )
      case 'BinaryExpression':
        return this.binary(syntax)
      case 'LogicalExpression':
        if (syntax.operator === '??')
          throw unfit(this.source, at, '?? is not in the language', 'write x ? x.field : otherwise')
        return {
          kind: syntax.operator === '&&' ? 'and' : 'or',
          left: this.expression(syntax.left),
          right: this.expression(syntax.right),
          span: at,
        }
      case 'ConditionalExpression':
        return {
          kind: 'conditional',
          test: this.expression(syntax.test),
          whenTrue: this.expression(syntax.consequent),
          whenFalse: this.expression(syntax.alternate),
          span: at,
        }
      default:
        throw this.refused(syntax)
    }
  }

  private binary(node: Extract<es.Expression, { type: 'BinaryExpression' }>): Expression {
    const at = span(node)
    const { operator } = node
    const sides = { left: this.expression(node.left), right: this.expression(node.right), span: at }
    if (BINARY.has(operator)) return { kind: 'binary', operator: operator as BinaryOperator, ...sides }
    if (COMPARE.has(operator)) return { kind: 'compare', operator: operator as CompareOperator, ...sides }
    if (operator === '==' || operator === '!=')
      throw unfit(this.source, at, `${operator} compares after converting`, `write ${operator}=`)
    if (operator === '**') throw unfit(this.source, at, '** is not in the language', 'write x * x, or 1 << n')
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

  private field(property: es.ObjectExpression['properties'][number]) {
    if (property.type !== 'Property') throw this.refused(property, 'SpreadElement')
    const { key } = property
    if (property.computed || property.method || key.type !== 'Identifier')
      throw unfit(this.source, property, 'a field is a plain name and a value', 'write { address: x, port: 1 }')
    return { name: key.name, value: this.expression(property.value), span: span(property) }
  }

  private refused(node: Named, as?: string) {
    return refused(this.source, node, as)
  }
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
  node.type === 'VariableDeclaration'
    ? node.declarations.flatMap(({ id }) => {
        if (id.type === 'Identifier') return [id.name]
        if (id.type !== 'ObjectPattern') return []
        return id.properties.flatMap(({ value }) => (value?.type === 'Identifier' ? [value.name] : []))
      })
    : []

/** Whether control never comes to the end of a statement. */
function leaves(node: es.Statement): boolean {
  if (node.type === 'BlockStatement') return node.body.some(leaves)
  if (node.type === 'IfStatement') return node.alternate !== null && leaves(node.consequent) && leaves(node.alternate)
  return ['BreakStatement', 'ReturnStatement', 'ContinueStatement'].includes(node.type)
}

const span = ({ start, end }: Span): Span => ({ start, end })

/** A type's name, or its text where it is more than a name; undefined where there is none, or `void`. */
function annotationOf(node: { typeAnnotation: es.TSType } | null | undefined): Annotation | undefined {
  const type = node?.typeAnnotation
  if (type?.type === 'TSBooleanKeyword') return { name: 'bool', span: span(type) }
  if (type?.type === 'TSNumberKeyword') return { name: 'number', span: span(type) }
  if (!type || type.type === 'TSVoidKeyword') return undefined
  if (type.type === 'TSTypeReference' && type.typeName.type === 'Identifier' && !type.typeArguments)
    return { name: type.typeName.name, span: span(type) }
  return { name: '…', span: span(type) }
}
