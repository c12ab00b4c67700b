/** Loops, and that they end: the verifier walks every round. */
import type { Expression, Loop, Span, While } from '../narrow/tree.ts'
import { type IntType, nameOfType, rangeOf, type Typed, type TypedStatement, U32, type Variable } from '../typed.ts'
import { assign } from './assign.ts'
import { statements } from './check.ts'
import { condition } from './condition.ts'
import { coerce } from './convert.ts'
import { value } from './expression.ts'
import { settledInRound } from './owed.ts'
import { forget, keep, narrowed, type Range, rangeOfValue, unconverted } from './ranges.ts'
import { Around, eitherMoved, type Scope } from './scope.ts'
import { loopStart, staleInNextRound } from './stale.ts'
import { stepsOf } from './steps.ts'
import { typeOfConstant, typeOfKept } from './type.ts'

/** A loop longer than this is refused. */
export const LONGEST_LOOP = 4096

const I32: IntType = { kind: 'int', bits: 32, signed: true }

export function loop(scope: Scope, node: Loop): TypedStatement {
  const constant = (part: Loop['from'], what: string): bigint => {
    const typed = value(scope, part)
    if (typed.op === 'constant') return typed.value
    throw scope.unfit(
      part.span,
      `${what} of a loop must be a constant`,
      `write for (let ${node.variable} = 0; ${node.variable} < 16; ${node.variable}++) { if (!(…)) break; … }`,
    )
  }
  const from = constant(node.from, 'the start')
  const bound = constant(node.bound, 'the bound')
  const step = constant(node.step, 'the step')
  const type = typeOfKept(scope, node.annotation, U32) ?? (from < 0n || step < 0n ? I32 : U32)
  if (type.kind !== 'int') throw scope.unfit(node.span, 'a loop counts with an integer', 'write u32')
  const rounds = iterations(from, bound, step, node.operator)
  const together = bounded(scope, node.span, rounds)
  const [least, most] = rangeOf(type)
  const last = from + step * BigInt(rounds)
  if (from < least || last > most || last < least)
    throw scope.unfit(
      node.span,
      `the loop variable leaves the range of ${nameOfType(type)}`,
      'annotate it with a wider type',
    )
  return scope.block(() => {
    const variable = scope.variable(node.variable, type)
    scope.bind(node.variable, { kind: 'variable', variable, mutable: false, counts: true })
    const end = from + step * BigInt(Math.max(0, rounds - 1))
    keep(scope, variable, from < end ? { least: from, most: end } : { least: end, most: from })
    const inside = inRounds(scope, node, together)
    const { body, settles } = inside
    return { op: 'loop', variable, from, step, times: rounds, body, settles, at: scope.at(node.span) }
  })
}

/** The body of a loop: what its rounds change is not known at its start, nor after it. */
export function inRounds(
  scope: Scope,
  node: Pick<Loop, 'body' | 'label'>,
  together: number,
  more: () => void = () => undefined,
  start = loopStart(scope),
) {
  const { nonNull, rounds, moved } = scope
  const around = new Around('loop', node.label)
  forget(scope, node.body)
  const { ranges } = scope
  scope.around.push(around)
  scope.rounds = together
  more()
  const { result, ends } = statements(scope, node.body)
  scope.rounds = rounds
  scope.around.pop()
  scope.nonNull = nonNull
  scope.ranges = ranges
  const movedAtEnd = eitherMoved(ends ? undefined : scope.moved, around.movedAtContinue)
  const { settles, moved: movedInRound } =
    together > rounds ? settledInRound(scope, movedAtEnd, start.variables) : { settles: false, moved: movedAtEnd }
  if (together > rounds) staleInNextRound(scope, movedInRound, start)
  scope.moved = eitherMoved(eitherMoved(moved, movedInRound), around.movedAtBreak)
  return { body: result, settles, movedOn: movedInRound, movedOut: around.movedAtBreak }
}

/** How often `for (i = from; i operator bound; i += step)` runs its body. */
function iterations(from: bigint, bound: bigint, step: bigint, operator: Loop['operator']): number {
  const upwards = operator === '<' || operator === '<='
  const distance = (upwards ? bound - from : from - bound) + (operator.length === 2 ? 1n : 0n)
  if (distance <= 0n) return 0
  const towards = upwards ? step : -step
  if (towards <= 0n) return Number.POSITIVE_INFINITY
  return Number((distance + towards - 1n) / towards)
}

/** Refuses loops that run too often. Gives how often the body runs together with the loops around it. */
export function bounded(scope: Scope, span: Span, rounds: number): number {
  if (rounds > LONGEST_LOOP)
    throw scope.unfit(
      span,
      rounds === Number.POSITIVE_INFINITY
        ? 'this loop does not end'
        : `this loop runs ${rounds} times; ${LONGEST_LOOP} are the most`,
      'step towards the bound, or do less for each packet',
    )
  const together = rounds * scope.rounds
  if (together > LONGEST_LOOP)
    throw scope.unfit(
      span,
      `this loop and those around it run ${together} times together; ${LONGEST_LOOP} are the most`,
      'do less for each packet',
    )
  return together
}

export function whileLoop(scope: Scope, node: While): TypedStatement[] {
  return scope.block(() => {
    const at = scope.at(node.span)
    const started = node.counter === undefined ? [] : [start(scope, node.counter, node.update)]
    const before = scope.ranges
    forget(scope, [...node.body, ...node.update])
    const outside = scope.ranges
    const loop = loopStart(scope)
    const test = condition(scope, node.test)
    const { rounds, variable, range } = bound(scope, node, test.typed, before)
    checkRounds(scope, node.span, variable, rounds)
    const times = Math.max(1, rounds)
    const together = bounded(scope, node.span, times)
    const known = () => {
      scope.nonNull = new Set([...scope.nonNull, ...test.whenTrue])
      scope.ranges = new Map(narrowed(scope, scope.ranges, test.typed, true)).set(variable, range)
    }
    const { body, settles } = inRounds(scope, node, together, known, loop)
    const update = node.update.flatMap((one) => (one.kind === 'assign' ? assign(scope, one, true) : []))
    scope.ranges = outside
    return [...started, { op: 'while', test: test.typed, body, settles, update, times, at }]
  })
}

export function checkRounds(scope: Scope, span: Span, { name }: Variable, rounds: number): void {
  if (rounds > LONGEST_LOOP)
    throw scope.unfit(
      span,
      `\`${name}\` lets this loop run ${rounds} times; ${LONGEST_LOOP} are the most`,
      'count the rounds as well: while (i < 16 && …) { …; i++ }, with let i = 0 before it',
    )
}

/** The variable of a `for`. It may start anywhere. */
function start(
  scope: Scope,
  { name, annotation, from }: NonNullable<While['counter']>,
  update: While['update'],
): TypedStatement {
  const given = value(scope, from)
  const down = update.some((one) => one.kind === 'assign' && one.operator === '-')
  const ofConstant = down ? I32 : typeOfConstant(given.op === 'constant' ? given.value : 0n)
  const type = typeOfKept(scope, annotation, U32) ?? (given.type.kind === 'constant' ? ofConstant : given.type)
  if (type.kind !== 'int') throw scope.unfit(from.span, 'a loop counts with an integer', 'write let i = 0')
  const typed = coerce(scope, given, type, from.span)
  const variable = scope.variable(name, type)
  scope.bind(name, { kind: 'variable', variable, mutable: false, counts: true })
  scope.ranges = new Map(scope.ranges).set(variable, rangeOfValue(scope, typed))
  return { op: 'assign', variable, value: typed, at: scope.at(from.span) }
}

interface Bound {
  readonly rounds: number
  /** What is counted with, and its values in the body before it is stepped. */
  readonly variable: Variable
  readonly range: Range
}

const FORM = 'write while (i < 16 && …) { …; i++ }, with let i = 0 before it'

/**
 * How often a loop runs at most: by a part of its condition that compares a variable with a constant. `asked`: before its
 * rounds, or after them.
 */
export function bound(
  scope: Scope,
  node: While,
  test: Typed,
  before: ReadonlyMap<Variable, Range>,
  asked: 'first' | 'last' = 'first',
): Bound {
  const candidates = conjuncts(test).flatMap((one) => comparison(scope, one))
  const found = candidates.map((one) => boundBy(scope, node, one, before, asked))
  const bounds = found.filter((one): one is Bound => 'rounds' in one)
  const [first, ...others] = bounds
  if (first !== undefined) return others.reduce((least, one) => (one.rounds < least.rounds ? one : least), first)
  const [why] = found
  if (why !== undefined && 'message' in why) throw scope.unfit(why.span, why.message, why.remedy)
  const form =
    node.counter === undefined
      ? FORM
      : `write for (let ${node.counter.name} = 0; ${node.counter.name} < 16 && …; ${node.counter.name}++)`
  throw scope.unfit(
    node.span,
    'a loop without a bound: nothing in its condition compares a variable with a constant',
    form,
  )
}

const conjuncts = (test: Typed): Typed[] =>
  test.op === 'and' ? [...conjuncts(test.left), ...conjuncts(test.right)] : [test]

interface Comparison {
  readonly variable: Variable
  readonly upwards: boolean
  /** The last value that it runs with. */
  readonly last: bigint
  readonly span: Span
}

/** `i < 16`, `16 >= i`, `n > 0` and so on. */
function comparison(scope: Scope, test: Typed): Comparison[] {
  if (test.op !== 'compare') return []
  const left = unconverted(scope, test.left)
  const right = unconverted(scope, test.right)
  const { span } = test.at
  const of = (variable: Variable, constant: bigint, operator: string): Comparison[] => {
    const strict = operator.length === 1 ? 1n : 0n
    if (operator.startsWith('<')) return [{ variable, upwards: true, last: constant - strict, span }]
    return operator.startsWith('>') ? [{ variable, upwards: false, last: constant + strict, span }] : []
  }
  if (left.op === 'variable' && right.op === 'constant') return of(left.variable, right.value, test.operator)
  if (left.op !== 'constant' || right.op !== 'variable') return []
  const mirrored = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '===': '=', '!==': '!' }[test.operator]
  return of(right.variable, left.value, mirrored)
}

interface Unbounded {
  readonly span: Span
  readonly message: string
  readonly remedy: string
}

function boundBy(
  scope: Scope,
  node: While,
  { variable, upwards, last, span }: Comparison,
  before: ReadonlyMap<Variable, Range>,
  asked: 'first' | 'last',
): Bound | Unbounded {
  const { name, type } = variable
  if (type.kind !== 'int') throw new Error(`${name} is no integer`)
  const step = upwards ? `${name}++` : `${name}--`
  const steps = stepsOf(node, name, upwards, (one) => constantOf(scope, one))
  if ('strange' in steps)
    return {
      span: steps.strange,
      message: `\`${name}\` counts the rounds of this loop, and changes here by something else than a constant ${upwards ? 'upwards' : 'downwards'}`,
      remedy: `write ${step}, or count with a variable of its own`,
    }
  if (steps.least === undefined || steps.least <= 0n)
    return {
      span,
      message: `\`${name}\` does not change on every way through this loop`,
      remedy: `write ${step} where every round comes by, before continue as well`,
    }
  const [lowest, highest] = rangeOf(type)
  const from = before.get(variable) ?? scope.compilation.fixed?.get(variable) ?? { least: lowest, most: highest }
  // Of a loop that asks last, the first round begins with anything.
  const isLast = asked === 'last'
  const furthest = upwards ? larger(last, isLast ? from.most : last) : smaller(last, isLast ? from.least : last)
  const overflows = upwards ? furthest + steps.most > highest : furthest - steps.most < lowest
  if (overflows)
    return {
      span,
      message: `\`${name}\` may leave the range of ${nameOfType(type)} before it gets past ${last}`,
      remedy: 'declare it with a wider type, or compare it with less',
    }
  const distance = (upwards ? last - from.least : from.most - last) - (isLast ? steps.least : 0n)
  const rounds = (distance < 0n ? 0 : Number(distance / steps.least) + 1) + (isLast ? 1 : 0)
  const range = upwards
    ? { least: smaller(from.least, last), most: furthest }
    : { least: furthest, most: larger(from.most, last) }
  return { rounds, variable, range }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

function constantOf(scope: Scope, node: Expression): bigint | undefined {
  const isConstant = node.kind === 'number' || node.kind === 'name' || node.kind === 'member' || node.kind === 'negate'
  const typed = isConstant ? value(scope, node) : undefined
  return typed?.op === 'constant' ? typed.value : undefined
}
