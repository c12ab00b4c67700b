/** Comparisons and conditions, and what a condition proves about nullable references. */
import type { CompareOperator, Expression, Of, Span } from '../narrow/tree.ts'
import { BOOL, nameOfType, type Typed, type ValueType } from '../typed.ts'
import { compareAbsent, decided, unlessDead } from './absent.ts'
import { common, widest } from './arithmetic.ts'
import { convert } from './convert.ts'
import { carried, expression, value } from './expression.ts'
import { foldCompare } from './fold.ts'
import { tested } from './name.ts'
import { optionalCondition } from './optional.ts'
import { narrowed } from './ranges.ts'
import { isRecord } from './record.ts'
import { asReference, meeting, valueOrNull } from './reference.ts'
import { absent, eitherMoved, type Fact, isStatic, type Scope } from './scope.ts'

export function compare(scope: Scope, node: Of<'compare'>): Typed {
  const absent = compareAbsent(scope, node)
  if (absent !== undefined) return absent
  const at = scope.at(node.span)
  const equality = node.operator === '===' || node.operator === '!=='
  const isTest = node.left.kind === 'null' || node.right.kind === 'null'
  const left = (isTest ? tested : expression)(scope, node.left)
  const right = (isTest ? tested : expression)(scope, node.right)
  if (isStatic(left) && isStatic(right) && left.static === 'host' && right.static === 'host' && equality)
    return {
      op: 'constant',
      value: (left.value === right.value) === (node.operator === '===') ? 1n : 0n,
      type: BOOL,
      at,
    }
  const nulls = [left, right].filter((side) => isStatic(side) && side.static === 'null')
  const other = [left, right].find((side): side is Typed => !isStatic(side))
  if (nulls.length === 1 && other !== undefined && equality) {
    if (other.type.kind !== 'reference')
      throw scope.unfit(node.span, `${nameOfType(other.type)} is never null`, 'compare it with a number')
    const isNull: Typed = { op: 'isNull', operand: other, type: BOOL, at }
    return node.operator === '===' ? isNull : { op: 'not', operand: isNull, type: BOOL, at }
  }
  return compareValues(
    scope,
    node.operator,
    carried(scope, left, node.left),
    carried(scope, right, node.right),
    node.span,
  )
}

export function compareValues(scope: Scope, operator: CompareOperator, left: Typed, right: Typed, span: Span): Typed {
  const at = scope.at(span)
  const equality = operator === '===' || operator === '!=='
  if (left.op === 'constant' && right.op === 'constant' && left.type.kind === right.type.kind)
    return { op: 'constant', value: foldCompare(operator, left.value, right.value) ? 1n : 0n, type: BOOL, at }
  const numbers = [left, right].every(({ type }) => type.kind === 'int' || type.kind === 'constant')
  if (numbers) {
    const type = common(scope, left, right, span)
    return { op: 'compare', operator, left: convert(left, type), right: convert(right, type), type: BOOL, at }
  }
  const alike =
    (left.type.kind === 'bool' && right.type.kind === 'bool') ||
    (left.type.kind === 'address' && right.type.kind === 'address' && left.type.role === right.type.role)
  if (!alike)
    throw scope.unfit(
      span,
      `${nameOfType(left.type)} is compared with ${nameOfType(right.type)}`,
      'compare values of one type',
    )
  if (!equality) throw scope.unfit(span, `${nameOfType(left.type)} has no order`, orderForm(left.type))
  if (left.op === 'address' && right.op === 'address') {
    const same = left.octets.join() === right.octets.join()
    return { op: 'constant', value: same === (operator === '===') ? 1n : 0n, type: BOOL, at }
  }
  return { op: 'compare', operator, left, right, type: BOOL, at }
}

function orderForm({ kind, ...type }: ValueType): string {
  const role = kind === 'address' && 'role' in type ? type.role : ''
  if (role === 'ipv4') return 'compare with === or !==, or the numbers: u32(a) < u32(b)'
  return role === 'mac' ? 'compare with === or !==, or the numbers: u64(a) < u64(b)' : 'compare with === or !=='
}

export function conditional(scope: Scope, node: Of<'conditional'>): Typed {
  for (const one of [node.whenTrue, node.whenFalse])
    if (one.kind === 'record')
      throw scope.unfit(
        one.span,
        'a record is not chosen as a whole',
        'choose its fields: const key = { port: test ? a : b }; or have a function return the one or the other',
      )
  const test = condition(scope, node.test)
  const before = scope.nonNull
  const { ranges } = scope
  scope.nonNull = new Set([...before, ...test.whenTrue])
  const moved = scope.moved
  scope.ranges = narrowed(scope, ranges, test.typed, true)
  const holds = decided(test.typed)
  const first = unlessDead(scope, holds === false, () => valueOrNull(scope, node.whenTrue))
  const movedTrue = scope.moved
  scope.moved = moved
  scope.nonNull = new Set([...before, ...test.whenFalse])
  scope.ranges = narrowed(scope, ranges, test.typed, false)
  const second = unlessDead(scope, holds === true, () => valueOrNull(scope, node.whenFalse))
  scope.moved = eitherMoved(movedTrue, scope.moved)
  scope.nonNull = before
  scope.ranges = ranges
  if (first === undefined || second === undefined)
    return second === undefined ? value(scope, node.whenTrue) : value(scope, node.whenFalse)
  const at = scope.at(node.span)
  const type = meeting(scope, node.span, first, second)
  if (type !== undefined) {
    const [whenTrue, whenFalse] = [asReference(first, type), asReference(second, type)]
    return { op: 'conditional', test: test.typed, whenTrue, whenFalse, type, at }
  }
  const whenTrue = carried(scope, first, node.whenTrue)
  const whenFalse = carried(scope, second, node.whenFalse)
  const [a, b] = [whenTrue.type, whenFalse.type]
  if ((a.kind === 'int' || a.kind === 'constant') && (b.kind === 'int' || b.kind === 'constant')) {
    const both = a.kind === 'constant' && b.kind === 'constant'
    const type = both ? { ...widest(whenTrue, whenFalse) } : common(scope, whenTrue, whenFalse, node.span)
    return {
      op: 'conditional',
      test: test.typed,
      whenTrue: convert(whenTrue, type),
      whenFalse: convert(whenFalse, type),
      type,
      at,
    }
  }
  if (isRecord(whenTrue) || isRecord(whenFalse))
    throw scope.unfit(node.span, 'records cannot be chosen between', 'take them apart first: const { … } = …')
  const alike = a.kind === b.kind && (a.kind !== 'address' || (b.kind === 'address' && a.role === b.role))
  if (!alike)
    throw scope.unfit(
      node.span,
      `${nameOfType(a)} on one side, ${nameOfType(b)} on the other`,
      'give both sides one type',
    )
  return { op: 'conditional', test: test.typed, whenTrue, whenFalse, type: a, at }
}
/** A condition, and what it proves about references when it holds and when it does not. */
export interface Condition {
  readonly typed: Typed
  readonly whenTrue: ReadonlySet<Fact>
  readonly whenFalse: ReadonlySet<Fact>
}

const NONE: ReadonlySet<Fact> = new Set()
const union = (a: ReadonlySet<Fact>, b: ReadonlySet<Fact>) => new Set([...a, ...b])
const intersection = (a: ReadonlySet<Fact>, b: ReadonlySet<Fact>) => new Set([...a].filter((one) => b.has(one)))

/** What is known where a reference is not null, and where it is. */
const factsOf = (typed: Typed): Omit<Condition, 'typed'> =>
  typed.op === 'variable'
    ? { whenTrue: new Set([typed.variable]), whenFalse: new Set([absent(typed.variable)]) }
    : { whenTrue: NONE, whenFalse: NONE }

export function condition(scope: Scope, node: Expression): Condition {
  const at = scope.at(node.span)
  if (node.kind === 'optional') return optionalCondition(scope, node)
  if (node.kind === 'not') {
    const { typed, whenTrue, whenFalse } = condition(scope, node.operand)
    const inverted: Typed =
      typed.op === 'constant'
        ? { ...typed, value: 1n - typed.value, at }
        : { op: 'not', operand: typed, type: BOOL, at }
    return { typed: inverted, whenTrue: whenFalse, whenFalse: whenTrue }
  }
  if (node.kind === 'and' || node.kind === 'or') {
    const left = condition(scope, node.left)
    const before = scope.nonNull
    const { ranges } = scope
    scope.nonNull = union(before, node.kind === 'and' ? left.whenTrue : left.whenFalse)
    scope.ranges = narrowed(scope, ranges, left.typed, node.kind === 'and')
    const holds = decided(left.typed)
    const skips = holds === (node.kind === 'or')
    const right = unlessDead(scope, skips, () => condition(scope, node.right))
    scope.nonNull = before
    scope.ranges = ranges
    if (right === undefined || skips) return left
    if (holds !== undefined) return right
    const typed = { op: node.kind, left: left.typed, right: right.typed, type: BOOL, at } as const
    return node.kind === 'and'
      ? {
          typed,
          whenTrue: union(left.whenTrue, right.whenTrue),
          whenFalse: intersection(left.whenFalse, union(left.whenTrue, right.whenFalse)),
        }
      : {
          typed,
          whenTrue: intersection(left.whenTrue, union(left.whenFalse, right.whenTrue)),
          whenFalse: union(left.whenFalse, right.whenFalse),
        }
  }
  const checked = tested(scope, node)
  if (isStatic(checked) && checked.static === 'host' && typeof checked.value !== 'function')
    throw scope.unfit(
      node.span,
      `${typeof checked.value === 'string' ? 'a text' : `\`${checked.name}\``} is neither true nor false`,
      'compare it: with undefined where it may be left out, or with a text',
    )
  const typed = carried(scope, checked, node)
  switch (typed.type.kind) {
    case 'reference': {
      const isNull: Typed = { op: 'isNull', operand: typed, type: BOOL, at }
      return { typed: { op: 'not', operand: isNull, type: BOOL, at }, ...factsOf(typed) }
    }
    case 'bool': {
      if (typed.op === 'isNull') {
        const { whenTrue, whenFalse } = factsOf(typed.operand)
        return { typed, whenTrue: whenFalse, whenFalse: whenTrue }
      }
      if (typed.op === 'not' && typed.operand.op === 'isNull') return { typed, ...factsOf(typed.operand.operand) }
      return { typed, whenTrue: NONE, whenFalse: NONE }
    }
    case 'int':
    case 'constant': {
      const zero: Typed = { op: 'constant', value: 0n, type: { kind: 'constant' }, at }
      return { typed: compareValues(scope, '!==', typed, zero, node.span), whenTrue: NONE, whenFalse: NONE }
    }
    default:
      throw scope.unfit(node.span, `${nameOfType(typed.type)} is neither true nor false`, 'compare it with something')
  }
}
