import type { AluName, Comparison, Operation, Value } from '../ir.ts'
import { newConstant } from '../value.ts'

type Rewritten = Value | { readonly operation: Operation; readonly arguments: Value[] }

const constant = (value: bigint): Rewritten => ({ operation: { op: 'const', value }, arguments: [] })

/**
 * One operation made simpler: a value that exists already, another operation, or undefined where there is nothing to gain.
 * Folding follows RFC 9669: 32-bit results are zero-extended, shifts are masked, division by zero gives zero.
 */
export function simplify(operation: Operation, given: readonly Value[]): Rewritten | undefined {
  const [a, b] = given
  if (operation.op === 'swap' && a?.op === 'const') return constant(swapBytes(a.value, operation.bits))
  if (operation.op === 'swap' && a?.op === 'swap' && a.bits === operation.bits && fits(a.arguments[0], a.bits))
    return a.arguments[0]
  const seen = operation.op === 'swap' && a !== undefined ? seenPart(a, operation.bits) : undefined
  if (seen !== undefined) return { operation, arguments: [seen] }
  if (operation.op === 'low32' && a !== undefined) {
    if (a.op === 'const') return constant(BigInt.asUintN(32, a.value))
    if (fits(a, 32)) return a
  }
  if (operation.op === 'fold' && a !== undefined) {
    if (a.op === 'const') return constant(a.value === 0n ? 0n : ((a.value - 1n) % 0xffffn) + 1n)
    if (fits(a, operation.bits)) return a
  }
  const near = displaced(operation, given)
  if (near !== undefined) return near
  if (operation.op === 'store' && a !== undefined && b !== undefined) {
    const kept = seenPart(b, operation.size * 8)
    if (kept !== undefined) return { operation, arguments: [a, kept] }
  }
  if (operation.op === 'sext32' && a?.op === 'const') return constant(BigInt.asUintN(64, BigInt.asIntN(32, a.value)))
  if (operation.op !== 'alu' || a === undefined || b === undefined) return undefined
  const { alu, bits } = operation
  if (a.op === 'const' && b.op === 'const') return constant(evaluate(alu, bits, a.value, b.value))
  if (a.op === 'const' && ['add', 'mul', 'and', 'or', 'xor'].includes(alu)) return { operation, arguments: [b, a] }
  if (a === b && (alu === 'xor' || alu === 'sub')) return constant(0n)
  if (a.op === 'const' && BigInt.asUintN(bits, a.value) === 0n && OF_NOTHING.has(alu)) return constant(0n)
  if (b.op !== 'const') return undefined
  const neutral = ['add', 'sub', 'or', 'xor', 'lsh', 'rsh', 'arsh'].includes(alu)
    ? 0n
    : ['mul', 'div'].includes(alu)
      ? 1n
      : undefined
  if (b.value === neutral && (bits === 64 || fits(a, 32))) return a
  if (b.value === 0n && (alu === 'and' || alu === 'mul')) return constant(0n)
  // The verifier refuses to divide by an immediate 0, although it defines what a register of 0 gives.
  if (BigInt.asUintN(bits, b.value) === 0n && alu === 'div') return constant(0n)
  if (BigInt.asUintN(bits, b.value) === 0n && alu === 'mod')
    return bits === 64 || fits(a, 32) ? a : { operation: { op: 'low32' }, arguments: [a] }
  const [inner, mask] = a.arguments
  if (
    alu === 'and' &&
    a.op === 'alu' &&
    a.alu === 'and' &&
    a.bits === bits &&
    mask?.op === 'const' &&
    inner !== undefined
  )
    return { operation, arguments: [inner, newConstant(b.value & mask.value, b.at)] }
  if (
    alu === 'add' &&
    a.op === 'alu' &&
    a.alu === 'add' &&
    a.bits === bits &&
    mask?.op === 'const' &&
    inner !== undefined
  )
    return { operation, arguments: [inner, newConstant(BigInt.asUintN(bits, b.value + mask.value), b.at)] }
  if (alu === 'xor' && a.op === 'alu' && a.alu === 'xor' && a.bits === bits && mask?.op === 'const' && inner)
    return { operation, arguments: [inner, newConstant(b.value ^ mask.value, b.at)] }
  // What is an immediate in 32 bits only: `x ^ 0xffff_ffff`.
  if (bits === 64 && alu === 'xor' && b.value >> 31n === 1n && fits(a, 32))
    return { operation: { ...operation, bits: 32 }, arguments: [a, b] }
  // One bit field after the other: of what is masked away, nothing is left.
  if (alu === 'and' && a.op === 'alu' && a.alu === 'or' && mask?.op === 'const' && isMasked(inner, b.value))
    return constant(mask.value & b.value)
  // The same for a shift by more than there are bits.
  const by = BigInt.asUintN(64, b.value) & BigInt(bits - 1)
  if ((alu === 'lsh' || alu === 'rsh' || alu === 'arsh') && by !== b.value)
    return { operation, arguments: [a, newConstant(by, b.at)] }
  const power = powerOfTwo(b.value)
  if (power !== undefined) {
    const by: Value = newConstant(BigInt(power), b.at)
    if (alu === 'mul') return { operation: { op: 'alu', alu: 'lsh', bits }, arguments: [a, by] }
    if (alu === 'div') return { operation: { op: 'alu', alu: 'rsh', bits }, arguments: [a, by] }
    if (alu === 'mod')
      return { operation: { op: 'alu', alu: 'and', bits }, arguments: [a, newConstant(b.value - 1n, b.at)] }
  }
  if (alu === 'and' && powerOfTwo(b.value + 1n) !== undefined && fits(a, powerOfTwo(b.value + 1n) ?? 64)) return a
  return undefined
}

/** What gives 0 of 0, whatever the other operand is. */
const OF_NOTHING: ReadonlySet<AluName> = new Set(['lsh', 'rsh', 'arsh', 'div', 'mod'])

/** A constant distance from a pointer goes into the instruction, which has 15 bits for it. */
function displaced(operation: Operation, [pointer, ...others]: readonly Value[]): Rewritten | undefined {
  if (operation.op !== 'load' && operation.op !== 'store') return undefined
  const [base, distance] = pointer?.arguments ?? []
  if (pointer?.op !== 'alu' || pointer.alu !== 'add' || pointer.bits !== 64 || distance?.op !== 'const')
    return undefined
  if (base === undefined || distance.value + BigInt(operation.offset) > 0x7fffn) return undefined
  return {
    operation: { ...operation, offset: operation.offset + Number(distance.value) },
    arguments: [base, ...others],
  }
}

/** What looks at `bits` bits, a store for one, sees nothing of what is masked away above them. */
function seenPart(value: Value, bits: number): Value | undefined {
  const [inner, mask] = value.arguments
  if (value.op === 'low32' && bits <= 32) return inner
  if (value.op !== 'alu' || value.alu !== 'and' || mask?.op !== 'const' || value.bits < bits) return undefined
  const ones = (1n << BigInt(bits)) - 1n
  return (mask.value & ones) === ones ? inner : undefined
}

/** Whether a mask takes away all that another one left. */
const isMasked = (value: Value | undefined, mask: bigint): boolean => {
  const kept = value?.op === 'alu' && value.alu === 'and' ? value.arguments[1] : undefined
  return kept?.op === 'const' && (kept.value & mask) === 0n
}

/** Looking at more of a value would take long. */
const MOST_DEPTH = 4

/** Whether a value is known to need no more than `bits` bits. */
export function fits(value: Value | undefined, bits: number, depth = 0): boolean {
  if (value === undefined || depth > MOST_DEPTH) return false
  if (value.op === 'const') return value.value >> BigInt(bits) === 0n
  // The kernel makes 8 bytes of the 4 that a context has of the packet's address.
  if (value.op === 'load') return value.size * 8 <= bits && value.start !== true
  if (value.op === 'alu' && value.bits > bits) {
    if (value.alu === 'and') return value.arguments.some((one) => fits(one, bits, depth + 1))
    return (value.alu === 'or' || value.alu === 'xor') && value.arguments.every((one) => fits(one, bits, depth + 1))
  }
  if (value.op === 'swap' || value.op === 'alu' || value.op === 'fold') return value.bits <= bits
  return value.op === 'low32' && bits >= 32
}

function powerOfTwo(value: bigint): number | undefined {
  if (value <= 0n || (value & (value - 1n)) !== 0n) return undefined
  return value.toString(2).length - 1
}

export function evaluate(alu: AluName, bits: 32 | 64, left: bigint, right: bigint): bigint {
  const a = BigInt.asUintN(bits, left)
  const b = BigInt.asUintN(bits, right)
  const by = b & BigInt(bits - 1)
  const results: Readonly<Record<AluName, () => bigint>> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    div: () => (b === 0n ? 0n : a / b),
    mod: () => (b === 0n ? a : a % b),
    and: () => a & b,
    or: () => a | b,
    xor: () => a ^ b,
    lsh: () => a << by,
    rsh: () => a >> by,
    arsh: () => BigInt.asIntN(bits, a) >> by,
  }
  return BigInt.asUintN(bits, results[alu]())
}

/** The low bytes in the opposite order, zero-extended. */
export function swapBytes(value: bigint, bits: 16 | 32 | 64): bigint {
  let swapped = 0n
  for (let i = 0; i < bits; i += 8) swapped = (swapped << 8n) | ((value >> BigInt(i)) & 0xffn)
  return swapped
}

export function compareConstants(comparison: Comparison, bits: 32 | 64, left: bigint, right: bigint): boolean {
  const signed = comparison.startsWith('s')
  const of = (value: bigint) => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value))
  const [a, b] = [of(left), of(right)]
  switch (comparison) {
    case 'eq':
      return a === b
    case 'ne':
      return a !== b
    case 'ult':
    case 'slt':
      return a < b
    case 'ule':
    case 'sle':
      return a <= b
    case 'ugt':
    case 'sgt':
      return a > b
    case 'uge':
    case 'sge':
      return a >= b
  }
}
