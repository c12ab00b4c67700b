/** Arithmetic: what its operands may be, and the type that they are computed in. */
import type { BinaryOperator, Expression, Of, Span } from '../narrow/tree.ts'
import { Decisive } from '../shared.ts'
import { type IntType, nameOfType, rangeOf, type Typed, wrap } from '../typed.ts'
import { convert } from './convert.ts'
import { value } from './expression.ts'
import { foldArithmetic } from './fold.ts'
import type { Scope } from './scope.ts'

export function unary(scope: Scope, node: Of<'negate' | 'complement'>): Typed {
  const operand = integer(scope, node.operand)
  const at = scope.at(node.span)
  if (operand.op === 'constant') {
    const folded = node.kind === 'negate' ? -operand.value : ~operand.value
    if (operand.type.kind !== 'int') return { ...operand, value: folded, at }
    const type = promoted(operand.type)
    return { ...operand, value: wrap(type, folded), type, at }
  }
  const type = promoted(operand.type as IntType)
  return { op: node.kind, operand: convert(operand, type), type, at }
}

/** An operand of arithmetic. */
function integer(scope: Scope, node: Expression): Typed {
  const typed = value(scope, node)
  if (typed.op === 'wired') throw new Decisive(`arithmetic on ${typed.wired.name}`, [typed.wired])
  if (typed.type.kind === 'int' || typed.type.kind === 'constant') return typed
  const remedy = typed.type.kind === 'bool' ? 'write x ? 1 : 0' : 'compute with its fields'
  throw scope.unfit(node.span, `${nameOfType(typed.type)} is not an integer`, remedy)
}

/** Integers of up to 32 bits are computed with in 32, wider ones in 64. */
const promoted = ({ bits, signed }: IntType): IntType => ({
  kind: 'int',
  bits: bits === 64 ? 64 : 32,
  signed: bits < 32 ? false : signed,
})

/** The type that two operands are computed in. */
export function common(scope: Scope, left: Typed, right: Typed, span: Span): IntType {
  if (left.type.kind === 'int' && right.type.kind === 'int') {
    const [a, b] = [promoted(left.type), promoted(right.type)]
    if (a.signed !== b.signed && left.type.bits >= 32 && right.type.bits >= 32)
      throw scope.unfit(
        span,
        `${nameOfType(left.type)} meets ${nameOfType(right.type)}`,
        'convert one of them: i64(x) or u64(x)',
      )
    return { kind: 'int', bits: a.bits === 64 || b.bits === 64 ? 64 : 32, signed: a.signed || b.signed }
  }
  const [typed, constant] = left.type.kind === 'int' ? [left, right] : [right, left]
  const type = promoted(typed.type as IntType)
  const [least, most] = rangeOf(type)
  const known = constant.op === 'constant' ? constant.value : 0n
  if (known >= least && known <= most) return type
  const wide: IntType = { kind: 'int', bits: 64, signed: type.signed }
  const [wideLeast, wideMost] = rangeOf(wide)
  if (known >= wideLeast && known <= wideMost) return wide
  throw scope.unfit(
    span,
    `${known} does not fit into ${nameOfType(type)}`,
    known < 0n ? 'subtract instead, or convert to i64(…)' : 'u64 is the widest',
  )
}

/** `2 ** 16`: of constants. */
export function power(scope: Scope, node: Of<'power'>): Typed {
  const left = integer(scope, node.left)
  const right = integer(scope, node.right)
  if (left.op !== 'constant' || right.op !== 'constant' || right.value < 0n || right.value > 64n)
    throw scope.unfit(node.span, '** is computed of constants, with an exponent of 0 to 64', 'write x * x, or 1 << n')
  return { op: 'constant', value: left.value ** right.value, type: { kind: 'constant' }, at: scope.at(node.span) }
}

export function arithmetic(scope: Scope, node: Of<'binary'>): Typed {
  const left = integer(scope, node.left)
  const right = integer(scope, node.right)
  return arithmeticOn(scope, node.operator, left, right, node.span)
}

function arithmeticOn(scope: Scope, operator: BinaryOperator, left: Typed, right: Typed, span: Span): Typed {
  const at = scope.at(span)
  if (
    left.op === 'constant' &&
    right.op === 'constant' &&
    left.type.kind === 'constant' &&
    right.type.kind === 'constant'
  ) {
    const folded = foldArithmetic(operator, left.value, right.value)
    if (folded === undefined)
      throw scope.unfit(
        span,
        'this cannot be computed',
        operator === '/' || operator === '%'
          ? 'divide by something else than 0'
          : 'shift by 0 to 63; >>> takes no negative number',
      )
    return { op: 'constant', value: folded, type: { kind: 'constant' }, at }
  }
  // A shift has the type of what is shifted; how far is a matter of its own.
  const shift = operator === '<<' || operator === '>>' || operator === '>>>'
  const type = shift && left.type.kind === 'int' ? promoted(left.type) : common(scope, left, right, span)
  if (shift && right.op === 'constant' && (right.value < 0n || right.value >= BigInt(type.bits)))
    throw scope.unfit(
      span,
      `a shift of ${nameOfType(type)} by ${right.value}`,
      `shift by 0 to ${type.bits - 1}; for more, convert first: u64(x) << 40`,
    )
  if ((operator === '/' || operator === '%') && right.op === 'constant' && right.value === 0n)
    throw scope.unfit(span, 'a division by 0', 'divide by something else')
  return { op: 'arithmetic', operator, left: convert(left, type), right: convert(right, type), type, at }
}
/** The narrowest type that computing is done in and that holds all of them. */
export function widest(...constants: readonly Typed[]): IntType {
  const values = constants.map((one) => (one.op === 'constant' ? one.value : 0n))
  const signed = values.some((one) => one < 0n)
  const narrow: IntType = { kind: 'int', bits: 32, signed }
  const [least, most] = rangeOf(narrow)
  return values.every((one) => one >= least && one <= most) ? narrow : { kind: 'int', bits: 64, signed }
}
