/** Arithmetic of the language → operations of the machine. */
import type { Builder } from '../builder.ts'
import type { AluName, Value } from '../ir.ts'
import type { BinaryOperator } from '../narrow/tree.ts'
import { width } from '../pieces.ts'
import type { ValueType } from '../typed.ts'

const ALU_OF: Readonly<Record<BinaryOperator, AluName>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '&': 'and',
  '|': 'or',
  '^': 'xor',
  '<<': 'lsh',
  '>>': 'rsh',
  '>>>': 'rsh',
}

/** Both operands have the type already, and so has the result. */
export function arithmetic(
  builder: Builder,
  operator: BinaryOperator,
  type: ValueType,
  left: Value,
  right: Value,
): Value {
  const bits = width(type)
  const signed = type.kind === 'int' && type.signed
  if (signed && (operator === '/' || operator === '%')) return signedDivision(builder, operator, bits, left, right)
  const alu = operator === '>>' && signed ? 'arsh' : ALU_OF[operator]
  return builder.emit({ op: 'alu', alu, bits }, left, right)
}

/** `-x` */
export const negated = (builder: Builder, type: ValueType, value: Value): Value =>
  builder.emit({ op: 'alu', alu: 'sub', bits: width(type) }, builder.constant(0), value)

/** `~x` */
export function complemented(builder: Builder, type: ValueType, value: Value): Value {
  const bits = width(type)
  const ones = builder.constant(2n ** BigInt(bits) - 1n)
  return builder.emit({ op: 'alu', alu: 'xor', bits }, value, ones)
}

/**
 * Before version 4 of the instruction set (kernel 6.6) division is unsigned: the magnitudes are divided, and the
 * result gets its sign afterwards. With s all ones for a negative x and zero otherwise, (x ^ s) - s is |x|, and is x
 * again when applied to |x|.
 */
function signedDivision(builder: Builder, operator: '/' | '%', bits: 32 | 64, left: Value, right: Value): Value {
  const alu = (name: AluName, a: Value, b: Value): Value => builder.emit({ op: 'alu', alu: name, bits }, a, b)
  const signOf = (value: Value): Value => alu('arsh', value, builder.constant(bits - 1))
  const negateIf = (sign: Value, value: Value): Value => alu('sub', alu('xor', value, sign), sign)
  const [leftSign, rightSign] = [signOf(left), signOf(right)]
  const divided = alu(operator === '/' ? 'div' : 'mod', negateIf(leftSign, left), negateIf(rightSign, right))
  return negateIf(operator === '/' ? alu('xor', leftSign, rightSign) : leftSign, divided)
}

/** A value of one integer type as one of another: its low bits, or more of them by its sign. */
export function convert(builder: Builder, value: Value, from: ValueType, to: ValueType): Value {
  if (from.kind !== 'int' || to.kind !== 'int') return value
  if (to.bits < 32 && to.bits < from.bits)
    return builder.emit({ op: 'alu', alu: 'and', bits: 32 }, value, builder.constant(2 ** to.bits - 1))
  if (to.bits === 32 && from.bits === 64) return builder.emit({ op: 'low32' }, value)
  if (to.bits === 64 && from.bits === 32 && from.signed) return builder.emit({ op: 'sext32' }, value)
  return value
}
