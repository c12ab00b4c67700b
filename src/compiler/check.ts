/**
 * The small tree → the typed tree: names, types, null discipline, bounds of loops. Whatever the verifier would refuse is
 * refused here, at the line where it is written.
 */

import { Refusal } from '../base/diagnostic.ts'
import { isList, isType, type Type } from '../lang/index.ts'
import { decided, unlessDead } from './check-absent.ts'
import { condition } from './check-condition.ts'
import { coerce } from './check-convert.ts'
import { declaredLater, expression, member, present, value } from './check-expression.ts'
import { each, loop, whileLoop } from './check-loop.ts'
import { declareRecord, isRecord, keepRecord, recordToTake, returnedAsRecord, returnedRecord } from './check-record.ts'
import { meeting, type OrNull, valueOrNull } from './check-reference.ts'
import { useReference } from './check-stale.ts'
import type { Module } from './modules.ts'
import { resolve } from './modules.ts'
import { type FunctionSyntax, narrow } from './narrow.ts'
import { acts, assigned, forget, keep, met, narrowed, rangeOfValue } from './ranges.ts'
import { collecting, unfit } from './report.ts'
import {
  Around,
  type Binding,
  type Checked,
  type Compilation,
  eitherMoved,
  isStatic,
  Scope,
  Silent,
  type Static,
} from './scope.ts'
import type { Annotation, FunctionTree, Pattern, Span, Statement } from './tree.ts'
import { type IntType, nameOfType, rangeOf, type Typed, type TypedStatement, type ValueType } from './typed.ts'

/** Rounds of a loop and calls write statements anew: more than these take time and memory that nobody means to spend. */
const MOST_STATEMENTS = 100_000

/** Checks a cube's data-plane function. The result means something only when no diagnostic was added. */
export function check(compilation: Compilation, module: Module, syntax: FunctionSyntax): readonly TypedStatement[] {
  const { diagnostics } = compilation
  const tree = collecting(diagnostics, () => narrow(module, 'dataplane', syntax, diagnostics))
  if (tree === undefined) return []
  const scope = new Scope(compilation, module, 'dataplane', [])
  scope.returns = { kind: 'verdict' }
  collecting(diagnostics, () => bindParameters(scope, tree))
  return body(scope, tree)
}

/** `(packet, { state, config, … })`: the two things that a data plane is given. */
function bindParameters(scope: Scope, tree: FunctionTree): void {
  const given: Static['static'][] = ['packet', 'context']
  for (const [index, parameter] of tree.parameters.entries()) {
    const kind = given[index]
    if (kind !== 'packet' && kind !== 'context')
      throw scope.unfit(
        parameter.span,
        'a data plane takes two parameters',
        'write (packet, { state, config, drop, … })',
      )
    const whole: Static = { static: kind, at: scope.at(parameter.span) }
    if (typeof parameter.pattern === 'string') {
      scope.bind(parameter.pattern, { kind: 'static', value: whole })
      continue
    }
    bindPattern(scope, whole, parameter.pattern)
  }
}

/** Takes `{ property: name }` out of something that exists only while compiling. */
export function bindPattern(
  scope: Scope,
  whole: Static,
  pattern: readonly { property: string; name: string; span: { start: number; end: number } }[],
): void {
  for (const { property, name, span } of pattern) {
    scope.bind(name, { kind: 'broken' })
    collecting(scope.compilation.diagnostics, () => {
      const part = expression(
        scope,
        { kind: 'member', object: { kind: 'null', span }, property, propertySpan: span, span },
        whole,
      )
      if (isStatic(part)) scope.bind(name, { kind: 'static', value: part })
      else if (part.op === 'constant' || part.op === 'address') scope.bind(name, { kind: 'alias', typed: part })
      else
        throw scope.unfit(
          span,
          `\`${property}\` cannot be taken out here`,
          'name the parameter and write parameter.field',
        )
    })
  }
}

/** The body of a function, and that it ends as its type says. */
export function body(scope: Scope, tree: FunctionTree): TypedStatement[] {
  const { ends, result } = statements(scope, tree.body)
  if (!ends) scope.movedAtReturn = eitherMoved(scope.movedAtReturn, scope.moved)
  const returns = scope.returns
  if (!ends && !scope.lenient && returns !== undefined && returns.kind !== 'void') {
    const verdict = returns.kind === 'verdict'
    collecting(scope.compilation.diagnostics, () => {
      const end = { start: tree.span.end - 1, end: tree.span.end }
      throw verdict
        ? scope.unfit(end, 'a path ends here without a verdict', 'return drop(…), forward(…), flood() or pass()')
        : scope.unfit(end, 'a path ends here without a value', `return ${nameOfType(returns)}`)
    })
  }
  return result
}

interface Block {
  readonly result: TypedStatement[]
  /** Control never reaches its end. */
  readonly ends: boolean
}

export function statements(scope: Scope, list: readonly Statement[]): Block {
  return scope.block(() => {
    const result: TypedStatement[] = []
    const { unreached } = scope
    let ends = false
    for (const one of list) for (const name of declared(one)) scope.announce(name)
    for (const one of list) {
      countStatement(scope, one)
      try {
        const checked = collecting(scope.compilation.diagnostics, () => statement(scope, one))
        if (checked === undefined) {
          ends = refused(scope, one) || ends
          continue
        }
        if (!ends) result.push(...checked.result)
        ends ||= checked.ends
      } catch (error) {
        if (!(error instanceof Silent)) throw error
        ends = refused(scope, one) || ends
      }
    }
    scope.unreached = unreached
    return { result, ends }
  })
}

function countStatement({ compilation, module }: Scope, { span }: Statement): void {
  compilation.statements = (compilation.statements ?? 0) + 1
  if (compilation.statements > MOST_STATEMENTS)
    throw new Refusal([
      unfit(
        module,
        span,
        `more than ${MOST_STATEMENTS} statements would be compiled in`,
        'call less, and loop less over constants',
      ).diagnostic,
    ])
}

/** One mistake, one message: what follows from a refused statement is not refused again. True where it ends the path. */
function refused(scope: Scope, node: Statement): boolean {
  const names = declared(node)
  for (const name of names) scope.bind(name, { kind: 'broken' })
  if (names.length > 0) return false
  if (node.kind !== 'assign' && node.kind !== 'evaluate' && !scope.unreached) scope.lenient = true
  return node.kind === 'return'
}

const declared = (node: Statement): readonly string[] =>
  node.kind === 'declare' ? [node.name] : node.kind === 'take' ? node.pattern.map(({ name }) => name) : []

const going = (...result: TypedStatement[]): Block => ({ result, ends: false })
const ending = (...result: TypedStatement[]): Block => ({ result, ends: true })

function statement(scope: Scope, node: Statement): Block {
  const at = scope.at(node.span)
  switch (node.kind) {
    case 'block':
      return statements(scope, node.body)
    case 'declare':
      return declare(scope, node)
    case 'take':
      return going(...take(scope, node))
    case 'assign':
      return going(assign(scope, node))
    case 'if': {
      const test = condition(scope, node.test)
      const before = scope.nonNull
      const { ranges, moved } = scope
      scope.nonNull = new Set([...before, ...test.whenTrue])
      scope.ranges = narrowed(scope, ranges, test.typed, true)
      const holds = decided(test.typed)
      const whenTrue = reached(scope, holds !== false, node.whenTrue)
      const afterTrue = scope.nonNull
      const rangesTrue = scope.ranges
      const movedTrue = whenTrue.ends ? undefined : scope.moved
      scope.moved = moved
      scope.nonNull = new Set([...before, ...test.whenFalse])
      scope.ranges = narrowed(scope, ranges, test.typed, false)
      const whenFalse = reached(scope, holds !== true, node.whenFalse)
      if (holds !== undefined && (holds ? whenTrue : whenFalse).ends) scope.unreached = true
      const afterFalse = scope.nonNull
      scope.moved = eitherMoved(movedTrue, whenFalse.ends ? undefined : scope.moved)
      if (whenTrue.ends || whenFalse.ends) scope.ranges = whenTrue.ends ? scope.ranges : rangesTrue
      else scope.ranges = met(rangesTrue, scope.ranges)
      if (whenTrue.ends) scope.nonNull = afterFalse
      else if (whenFalse.ends) scope.nonNull = afterTrue
      else scope.nonNull = new Set([...afterTrue].filter((variable) => afterFalse.has(variable)))
      const result = { op: 'if', test: test.typed, whenTrue: whenTrue.result, whenFalse: whenFalse.result, at } as const
      return { result: [result], ends: whenTrue.ends && whenFalse.ends }
    }
    case 'loop':
      return going(loop(scope, node))
    case 'while':
      return going(...whileLoop(scope, node))
    case 'each':
      return going(...each(scope, node))
    case 'switch': {
      const before = scope.nonNull
      const { ranges } = scope
      const around = new Around('switch')
      scope.around.push(around)
      const inside = statements(scope, node.body)
      scope.around.pop()
      scope.moved = eitherMoved(inside.ends ? undefined : scope.moved, around.movedAtBreak)
      // Whoever leaves early has not seen the tests that follow.
      if (around.left) scope.nonNull = before
      scope.ranges = ranges
      forget(scope, node.body)
      return { result: [{ op: 'breakable', body: inside.result, at }], ends: inside.ends && !around.left }
    }
    case 'break':
    case 'continue': {
      const around = scope.around.findLast(({ kind }) => node.kind === 'break' || kind === 'loop')
      if (around === undefined)
        throw scope.unfit(node.span, `${node.kind} outside a loop`, 'return a verdict, or use if')
      around.left = true
      if (node.kind === 'break') around.movedAtBreak = eitherMoved(around.movedAtBreak, scope.moved)
      else around.movedAtContinue = eitherMoved(around.movedAtContinue, scope.moved)
      return ending({ op: node.kind, at })
    }
    case 'return': {
      const { before = [], value } = returned(scope, node)
      scope.movedAtReturn = eitherMoved(scope.movedAtReturn, scope.moved)
      return ending(...before, { op: 'return', value, at })
    }
    case 'refused':
      for (const name of node.names) scope.bind(name, { kind: 'broken' })
      // It may have been a test, or the last return.
      scope.lenient ||= node.names.length === 0
      return going()
    case 'evaluate': {
      const typed = value(scope, node.value)
      if (typed.type.kind === 'verdict')
        throw scope.unfit(
          node.span,
          'this verdict is not returned, so nothing happens',
          `write return ${textOf(scope, node)}`,
        )
      return going({ op: 'evaluate', value: typed, at })
    }
  }
}

function reached(scope: Scope, isReached: boolean, body: readonly Statement[]): Block {
  return unlessDead(scope, !isReached, () => statements(scope, body)) ?? going()
}

const sameType = (a: IntType, b: IntType): boolean => a.bits === b.bits && a.signed === b.signed

const textOf = (scope: Scope, { span }: Statement): string =>
  scope.module.text.slice(span.start, span.end).split('\n')[0] ?? ''

function declare(scope: Scope, node: Extract<Statement, { kind: 'declare' }>): Block {
  const at = scope.at(node.span)
  if (scope.isDeclared(node.name))
    throw scope.unfit(node.span, `\`${node.name}\` is declared twice`, 'give one of them another name')
  if (node.value.kind === 'record' && !node.mutable) return going(...declareRecord(scope, node.name, node.value))
  const given = expression(scope, node.value)
  if (!isStatic(given) && given.type.kind === 'list') {
    if (node.mutable) throw scope.unfit(node.span, `\`${node.name}\` holds a list, which cannot change`, 'write const')
    bindList(scope, node.name, given, node.value.span)
    return going()
  }
  if (isStatic(given)) {
    // The subject of a switch: the arms compare with it.
    if (node.name.startsWith('switch@') && given.static !== 'host')
      throw scope.unfit(node.span, 'a switch chooses by a number', 'write if and else')
    if (node.mutable || given.static === 'null')
      throw scope.unfit(node.span, `\`${node.name}\` cannot hold this`, 'write const, or give it a number')
    scope.bind(node.name, { kind: 'static', value: given })
    return going()
  }
  if (isRecord(given)) {
    if (node.mutable)
      throw scope.unfit(node.span, `\`${node.name}\` holds a record, which cannot change`, 'write const')
    return going(...keepRecord(scope, node.name, given, node.value.span))
  }
  if (given.type.kind === 'verdict')
    throw scope.unfit(node.span, 'a verdict cannot be kept in a variable', 'return it at once')
  if (given.type.kind === 'void') throw scope.unfit(node.span, 'there is no value to keep', 'call it as a statement')
  if (given.type.kind === 'reference' && node.mutable)
    throw scope.unfit(
      node.span,
      `\`${node.name}\` holds a reference, which cannot change`,
      `write const ${node.name} = …`,
    )
  const declared = typeOfKept(scope, node.annotation, given.type)
  const type =
    declared ??
    (given.type.kind === 'constant' ? typeOfConstant(given.op === 'constant' ? given.value : 0n) : given.type)
  const typed = coerce(scope, given, type, node.value.span)
  const variable = scope.variable(node.name, type)
  scope.bind(node.name, { kind: 'variable', variable, mutable: node.mutable })
  if (node.mutable) assigned(scope, variable, typed)
  else keep(scope, variable, rangeOfValue(scope, typed))
  return going({ op: 'assign', variable, value: typed, at })
}

function take(scope: Scope, node: Extract<Statement, { kind: 'take' }>): TypedStatement[] {
  for (const [index, { name, span }] of node.pattern.entries())
    if (scope.isDeclared(name) || node.pattern.findIndex((one) => one.name === name) < index)
      throw scope.unfit(span, `\`${name}\` is declared twice`, 'give one of them another name')
  const given = expression(scope, node.value)
  if (!isStatic(given) && isRecord(given)) {
    const { first, whole } = recordToTake(given)
    return [first, ...bindValue(scope, node.pattern, whole, node.value.span)]
  }
  return bindValue(scope, node.pattern, isStatic(given) ? given : present(scope, given, node.value), node.value.span)
}

/** A name for a list that stays where it is. */
export function bindList(scope: Scope, name: string, list: Typed, span: Span): void {
  if (list.op !== 'field' || list.base.op !== 'variable')
    throw scope.unfit(span, 'this list may be another one later', 'keep what it belongs to: const entry = …')
  scope.bind(name, { kind: 'alias', typed: list })
}

/** Names for a value that does not change, or for parts of it. */
export function bindValue(scope: Scope, pattern: Pattern, given: Checked, span: Span): TypedStatement[] {
  if (isStatic(given)) {
    if (typeof pattern !== 'string') return pattern.flatMap((one) => bindPart(scope, one, span, given))
    scope.bind(pattern, { kind: 'static', value: given })
    return []
  }
  const at = scope.at(span)
  if (typeof pattern === 'string') {
    if (given.op === 'constant') {
      scope.bind(pattern, { kind: 'alias', typed: given })
      return []
    }
    if (given.type.kind === 'list') {
      bindList(scope, pattern, given, span)
      return []
    }
    const variable = scope.variable(pattern, given.type)
    scope.bind(pattern, { kind: 'variable', variable, mutable: false })
    keep(scope, variable, rangeOfValue(scope, given))
    return [{ op: 'assign', variable, value: given, at }]
  }
  if (given.type.kind !== 'reference')
    throw scope.unfit(span, `${nameOfType(given.type)} has no fields`, 'only headers and table entries have fields')
  const whole = given.op === 'variable' ? given.variable : scope.variable('whole', given.type)
  const reference: Typed = { op: 'variable', variable: whole, type: given.type, at }
  const parts = pattern.flatMap((one) => bindPart(scope, one, span, reference))
  return given.op === 'variable' ? parts : [{ op: 'assign', variable: whole, value: given, at }, ...parts]
}

function bindPart(scope: Scope, part: Exclude<Pattern, string>[number], span: Span, whole: Checked): TypedStatement[] {
  const { property, name, span: place } = part
  scope.bind(name, { kind: 'broken' })
  const object = { kind: 'null', span } as const
  const checked = member(scope, { kind: 'member', object, property, propertySpan: place, span: place }, whole)
  return bindValue(scope, name, checked, place)
}

/** A constant without a declared type: 32 bits if they hold it, else 64; signed if it is negative. */
export const typeOfConstant = (value: bigint): ValueType => {
  const signed = value < 0n
  const narrow = { kind: 'int', bits: 32, signed } as const
  const [least, most] = rangeOf(narrow)
  return value >= least && value <= most ? narrow : { kind: 'int', bits: 64, signed }
}

/** The type that an annotation names; undefined where it names none that the language has. */
export function typeOfAnnotation(scope: Scope, annotation: Annotation | undefined): ValueType | undefined {
  if (annotation === undefined) return undefined
  if (annotation.name === 'bool') return { kind: 'bool' }
  if (annotation.name === 'number')
    throw scope.unfit(annotation.span, 'a number has no width in the kernel', 'write u8, u16, u32, u64, i32 or i64')
  const { compilation, module } = scope
  const resolved = resolve(compilation.modules, module, annotation.name)
  if (resolved?.kind !== 'value' || !isType(resolved.value)) return undefined
  return typeOfDeclared(resolved.value)
}

/** The same where a value is kept: there a type that is not the language's would promise a width to an integer. */
export function typeOfKept(scope: Scope, annotation: Annotation | undefined, given: ValueType): ValueType | undefined {
  const declared = typeOfAnnotation(scope, annotation)
  const hasWidth = given.kind !== 'reference' && given.kind !== 'address'
  if (declared !== undefined || annotation === undefined || !hasWidth) return declared
  const what = annotation.name === '…' ? 'this type' : `the type \`${annotation.name}\``
  throw scope.unfit(
    annotation.span,
    `${what} is not one of the language`,
    'import and write u8, u16, u32, u64, i32, i64, mac, ipv4 or ipv6; or boolean',
  )
}

/** The type of a value that was declared with one of the language's types. */
export function typeOfDeclared(type: Type): ValueType {
  const { kind, layout, width = 0 } = type
  if (isList(type)) return { kind: 'list', list: type }
  if (kind === 'bool') return { kind: 'bool' }
  if (kind === 'mac' || kind === 'ipv4' || kind === 'ipv6') return { kind: 'address', role: kind }
  if (kind === 'bits')
    return { kind: 'int', bits: ([8, 16, 32, 64] as const).find((bits) => bits >= width) ?? 64, signed: false }
  const signed = layout.kind === 'scalar' && layout.signed
  return { kind: 'int', bits: (layout.size * 8) as 8 | 16 | 32 | 64, signed }
}

/** `stepping`: what a loop does with its own variable. */
export function assign(scope: Scope, node: Extract<Statement, { kind: 'assign' }>, stepping = false): TypedStatement {
  const at = scope.at(node.span)
  const { target, operator } = node
  const right =
    operator === undefined
      ? node.value
      : ({ kind: 'binary', operator, left: target, right: node.value, span: node.span } as const)
  if (target.kind === 'name') {
    const binding = scope.lookup(target.name)
    if (binding?.kind === 'broken') throw new Silent()
    if (binding?.kind === 'later') throw declaredLater(scope, target)
    if (binding?.kind !== 'variable' || !(binding.mutable || stepping))
      throw scope.unfit(target.span, `\`${target.name}\` cannot be assigned to`, assignable(target.name, binding))
    const typed = coerce(scope, value(scope, right), binding.variable.type, node.value.span)
    assigned(scope, binding.variable, typed)
    return { op: 'assign', variable: binding.variable, value: typed, at }
  }
  const place = expression(scope, target)
  if (operator !== undefined && !isStatic(place) && acts(place))
    throw scope.unfit(target.span, 'what is called here would be called twice', 'keep it in a const first')
  if (isStatic(place) || place.op !== 'field')
    throw scope.unfit(
      target.span,
      'this cannot be assigned to',
      'assign to a let variable, or to a field of a table entry',
    )
  if (place.struct.order === 'network' && (place.base.op === 'element' || place.field.layout.kind === 'list'))
    throw scope.unfit(
      target.span,
      'lists in headers are read-only',
      'declare fields of their own for what is assigned to',
    )
  if (place.base.type.kind === 'reference' && place.base.type.space === 'copy')
    throw scope.unfit(
      target.span,
      `this is a copy of ${place.struct.name}: writing to it changes nothing`,
      'push another value',
    )
  const given = value(scope, right)
  // What is assigned may have made it stale.
  useReference(scope, place.base, target.span)
  const { bits } = place.field
  if (bits !== undefined && given.op === 'constant' && given.value >= 1n << BigInt(bits.width))
    throw scope.unfit(
      node.value.span,
      `${given.value} does not fit into ${bits.width} bits`,
      `0 to ${2n ** BigInt(bits.width) - 1n} do`,
    )
  return {
    op: 'store',
    base: place.base,
    field: place.field,
    struct: place.struct,
    value: coerce(scope, given, place.type, node.value.span),
    at,
  }
}

function assignable(name: string, binding: Binding | undefined): string {
  if (binding === undefined) return `declare it: let ${name} = …`
  if (binding.kind !== 'variable') return `what a data plane is given does not change: let mine = …`
  if (binding.counts) return 'a loop steps its variable itself; leave early with break'
  if (binding.variable.type.kind === 'reference')
    return 'a reference stays what it is: give the other one a name of its own'
  return 'declare it with let'
}

interface Returned {
  readonly before?: TypedStatement[]
  readonly value?: Typed | undefined
}

function returned(scope: Scope, node: Extract<Statement, { kind: 'return' }>): Returned {
  if (node.value === undefined) {
    scope.returns ??= { kind: 'void' }
    if (scope.returns.kind !== 'void')
      throw scope.unfit(
        node.span,
        'nothing is returned here',
        scope.returns.kind === 'verdict'
          ? 'return drop(…), forward(…), flood() or pass()'
          : `return a value: ${nameOfType(scope.returns)}`,
      )
    return {}
  }
  const record = returnedRecord(scope, node.value)
  if (record !== undefined) return { before: record }
  const given = valueOrNull(scope, node.value)
  if (isStatic(given) || given.type.kind === 'reference') return { value: returnedReference(scope, node, given) }
  const typed = given
  if (isRecord(typed)) return { before: returnedAsRecord(scope, node.value, typed) }
  if (scope.returns?.kind === 'record')
    throw scope.unfit(
      node.value.span,
      `${nameOfType(typed.type)} is returned here, and this function returns ${nameOfType(scope.returns)}`,
      'return a value of one type',
    )
  const inferred = scope.returns
  if (scope.infersReturns && inferred?.kind === 'int' && typed.type.kind === 'int' && !sameType(inferred, typed.type))
    throw scope.unfit(
      node.value.span,
      `${nameOfType(typed.type)} is returned here, and ${nameOfType(inferred)} before`,
      'declare what the function returns: function f(…): u64',
    )
  scope.infersReturns ||= inferred === undefined
  scope.returns ??=
    typed.type.kind === 'constant' ? typeOfConstant(typed.op === 'constant' ? typed.value : 0n) : typed.type
  if (scope.returns.kind === 'verdict' && typed.type.kind !== 'verdict')
    throw scope.unfit(
      node.value.span,
      `${nameOfType(typed.type)} is no verdict`,
      'return drop(…), forward(…), flood() or pass()',
    )
  return { value: coerce(scope, typed, scope.returns, node.value.span) }
}

/** The first reference says what the function returns; null may come before it. */
function returnedReference(scope: Scope, { span, value: node }: Extract<Statement, { kind: 'return' }>, given: OrNull) {
  const { returns } = scope
  if (returns !== undefined && returns.kind !== 'reference')
    throw scope.unfit(
      node?.span ?? span,
      `${isStatic(given) ? 'null' : nameOfType(given.type)} is returned here, and this function returns ${nameOfType(returns)}`,
      returns.kind === 'verdict' ? 'return drop(…), forward(…), flood() or pass()' : 'return a value of one type',
    )
  scope.returnsNull ||= isStatic(given)
  const nothing: Typed = { op: 'null', type: { kind: 'void' }, at: scope.at(span) }
  if (returns === undefined && isStatic(given)) return nothing
  const before: OrNull = returns === undefined ? given : { ...nothing, type: returns }
  const type = meeting(scope, node?.span ?? span, given, before)
  scope.returns = type && { ...type, nullable: type.nullable || scope.returnsNull }
  return isStatic(given) ? nothing : given
}
