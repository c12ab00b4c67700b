/**
 * The small tree → the typed tree: names, types, null discipline, bounds of loops. Whatever the verifier would refuse is
 * refused here, at the line where it is written.
 */
import { Refusal } from '../../base/diagnostic.ts'
import type { Module } from '../modules.ts'
import { type FunctionSyntax, narrow } from '../narrow/narrow.ts'
import type { FunctionTree, Statement } from '../narrow/tree.ts'
import { nameOfType, type TypedStatement } from '../typed.ts'
import { decided, unlessDead } from './absent.ts'
import { assign } from './assign.ts'
import { condition } from './condition.ts'
import { bindValue, declare, namesIn, take } from './declare.ts'
import { doLoop } from './do.ts'
import { each } from './each.ts'
import { value } from './expression.ts'
import { breakable, leave } from './leave.ts'
import { loop, whileLoop } from './loop.ts'
import { met, narrowed } from './ranges.ts'
import { collecting, unfit } from './report.ts'
import { returned } from './return.ts'
import { type Compilation, eitherMoved, Scope, Silent, type Static, verdictForm } from './scope.ts'

/** Rounds of a loop and calls write statements anew: more than these take time and memory that nobody means to spend. */
const MOST_STATEMENTS = 100_000

/** Checks a cube's data-plane function. The result means something only when no diagnostic was added. */
export function check(compilation: Compilation, module: Module, syntax: FunctionSyntax): readonly TypedStatement[] {
  const { diagnostics } = compilation
  const tree = collecting(diagnostics, () => narrow(module, 'dataplane', syntax, diagnostics))
  if (tree === undefined) return []
  const scope = new Scope(compilation, module, 'dataplane', [])
  scope.returns = { kind: 'verdict' }
  const given = collecting(diagnostics, () => bindParameters(scope, tree)) ?? []
  return [...given, ...body(scope, tree)]
}

/** `(packet, { state, config, … })`: the two things that a data plane is given. */
function bindParameters(scope: Scope, tree: FunctionTree): TypedStatement[] {
  const given: Static['static'][] = ['packet', 'context']
  return tree.parameters.flatMap((parameter, index) => {
    const kind = given[index]
    if (kind !== 'packet' && kind !== 'context')
      throw scope.unfit(
        parameter.span,
        'a data plane takes two parameters',
        'write (packet, { state, config, drop, … })',
      )
    const whole: Static = { static: kind, at: scope.at(parameter.span) }
    return bindValue(scope, parameter.pattern, whole, parameter.span)
  })
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
        ? scope.unfit(end, 'a path ends here without a verdict', verdictForm(scope.compilation.cube))
        : scope.unfit(end, 'a path ends here without a value', `return ${nameOfType(returns)}`)
    })
  }
  return result
}

export interface Block {
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
  node.kind === 'declare' ? [node.name] : node.kind === 'take' ? namesIn(node.pattern) : []

const going = (...result: TypedStatement[]): Block => ({ result, ends: false })
const ending = (...result: TypedStatement[]): Block => ({ result, ends: true })

function statement(scope: Scope, node: Statement): Block {
  const at = scope.at(node.span)
  switch (node.kind) {
    case 'block':
      return statements(scope, node.body)
    case 'declare':
      return going(...declare(scope, node))
    case 'take':
      return going(...take(scope, node))
    case 'assign':
      return going(...assign(scope, node))
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
    case 'do':
      return going(doLoop(scope, node))
    case 'each':
      return going(...each(scope, node))
    case 'breakable':
      return breakable(scope, node)
    case 'break':
    case 'continue':
      return ending(leave(scope, node))
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

const textOf = (scope: Scope, { span }: Statement): string =>
  scope.module.text.slice(span.start, span.end).split('\n')[0] ?? ''
