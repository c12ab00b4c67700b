import type { AluName, Comparison, Operation, Value } from '../ir.ts'
import { newConstant } from '../value.ts'
import { Wired, type WiredParts } from '../wired.ts'
import { bitLength, ones } from './bits.ts'

type Rewritten = Value | { readonly operation: Operation; readonly arguments: Value[] }

const constant = (value: bigint): Rewritten => ({ operation: { op: 'const', value }, arguments: [] })

/**
 * One operation made simpler: a value that exists already, another operation, or undefined where there is nothing to gain.
 * Folding follows RFC 9669: 32-bit results are zero-extended, shifts are masked, division by zero gives zero.
 */
export function simplify(operation: Operation, given: readonly Value[]): Rewritten | undefined {
  const [a, b] = given
  if (a === undefined) return undefined
  switch (operation.op) {
    case 'alu':
      return b && arithmetic(operation, a, b)
    case 'load':
      return displaced(operation, given)
    case 'store': {
      const kept = b && seenPart(b, operation.size * 8)
      return displaced(operation, given) ?? (kept && { operation, arguments: [a, kept] })
    }
    case 'swap': {
      if (a.op === 'const') return constant(swapBytes(a.value, operation.bits))
      if (a.op === 'wired' && operation.bits !== 64 && !a.wired.isLong) return swappedOpen(a.wired, operation.bits)
      if (a.op === 'swap' && a.bits === operation.bits && fits(a.arguments[0], a.bits)) return a.arguments[0]
      const seen = seenPart(a, operation.bits)
      return seen && { operation, arguments: [seen] }
    }
    case 'low32':
      if (a.op === 'const') return constant(BigInt.asUintN(32, a.value))
      return fits(a, 32) ? a : undefined
    case 'sext32':
      return a.op === 'const' ? constant(BigInt.asUintN(64, BigInt.asIntN(32, a.value))) : undefined
    case 'fold':
      if (a.op === 'const') return constant(a.value === 0n ? 0n : ((a.value - 1n) % 0xffffn) + 1n)
      return fits(a, operation.bits) ? a : undefined
    default:
      return undefined
  }
}

type Alu = Extract<Operation, { op: 'alu' }>
type Constant = Extract<Value, { op: 'const' }>

const COMMUTATIVE: ReadonlySet<AluName> = new Set(['add', 'mul', 'and', 'or', 'xor'])

/** What gives 0 of 0, whatever the other operand is. */
const OF_NOTHING: ReadonlySet<AluName> = new Set(['lsh', 'rsh', 'arsh', 'div', 'mod'])

function arithmetic(operation: Alu, a: Value, b: Value): Rewritten | undefined {
  const { alu, bits } = operation
  if (a.op === 'const' && b.op === 'const') return constant(evaluate(alu, bits, a.value, b.value))
  if (a.op === 'const' && COMMUTATIVE.has(alu)) return { operation, arguments: [b, a] }
  if (a.op === 'wired' && b.op !== 'const' && b.op !== 'wired' && COMMUTATIVE.has(alu))
    return { operation, arguments: [b, a] }
  if (a.op === 'wired' && b.op === 'const' && alu === 'lsh') return shiftedOpen(a.wired, Number(b.value))
  if (a.op === 'wired' && b.op === 'const' && alu === 'mul' && bits === 64) {
    const product = multipliedOpen(a.wired, Number(b.value))
    if (product !== undefined) return product
  }
  if (a === b && (alu === 'xor' || alu === 'sub')) return constant(0n)
  if (a.op === 'const' && BigInt.asUintN(bits, a.value) === 0n && OF_NOTHING.has(alu)) return constant(0n)
  return b.op === 'const' ? withConstant(operation, a, b) : undefined
}

/** Of a number that is left open, as far as an immediate has room for what becomes of it. */
function shiftedOpen({ name, bits, places, of }: Wired, by: number): Rewritten | undefined {
  if (by === 0 || bits + by >= 32) return undefined
  return openNumber({ name: `${name} << ${by}`, bits: bits + by, places, of: (numbers) => of(numbers) << by })
}

/** Where the product is long, whichever number it is, and exact as a double. */
function multipliedOpen({ name, bits, least, places, of }: Wired, by: number): Rewritten | undefined {
  const length = Math.ceil(Math.log2(2 ** bits * by))
  const wired = new Wired({
    name: `${name} * ${by}`,
    bits: length,
    least: least * by,
    places,
    of: (numbers) => of(numbers) * by,
  })
  return wired.isLong && length <= 53 ? { operation: { op: 'wired', wired }, arguments: [] } : undefined
}

function swappedOpen({ name, places, of }: Wired, bits: 16 | 32): Rewritten {
  const swapped = (value: number): number => Number(BigInt.asIntN(32, swapBytes(BigInt(value), bits)))
  return openNumber({ name: `${name} swapped in ${bits}`, bits, places, of: (numbers) => swapped(of(numbers)) })
}

const openNumber = (parts: WiredParts): Rewritten => ({
  operation: { op: 'wired', wired: new Wired(parts) },
  arguments: [],
})

/** Operands on the right that change nothing. */
const NEUTRAL: Readonly<Partial<Record<AluName, bigint>>> = {
  add: 0n,
  sub: 0n,
  or: 0n,
  xor: 0n,
  lsh: 0n,
  rsh: 0n,
  arsh: 0n,
  mul: 1n,
  div: 1n,
}

function withConstant(operation: Alu, a: Value, b: Constant): Rewritten | undefined {
  const { alu, bits } = operation
  const { value } = b
  if (value === NEUTRAL[alu] && (bits === 64 || fits(a, 32))) return a
  const [inner, before] = a.arguments
  const known = a.op === 'alu' && before?.op === 'const' ? before.value : undefined
  // One operation with a constant after the other: both at once.
  const isNested = known !== undefined && inner !== undefined && a.op === 'alu' && a.alu === alu && a.bits === bits
  switch (alu) {
    case 'add':
      return isNested ? computed(alu, bits, inner, BigInt.asUintN(bits, value + known), b) : undefined
    case 'xor':
      if (isNested) return computed(alu, bits, inner, value ^ known, b)
      // With 32 bits in one of them, nothing is left of what the upper half was before.
      if (a.op === 'alu' && a.alu === alu && inner && known !== undefined && (bits === 32 || value <= 0xffff_ffffn))
        return computed(alu, 32, inner, BigInt.asUintN(32, value ^ known), b)
      // What is an immediate in 32 bits only: `x ^ 0xffff_ffff`.
      if (bits === 64 && value >> 31n === 1n && fits(a, 32)) return computed(alu, 32, a, value, b)
      return undefined
    case 'and': {
      if (value === 0n) return constant(0n)
      if (isNested) return computed(alu, bits, inner, value & known, b)
      // One bit field after the other: of what is masked away, nothing is left.
      if (a.op === 'alu' && a.alu === 'or' && known !== undefined && isMasked(inner, value))
        return constant(known & value)
      const width = powerOfTwo(value + 1n)
      return width !== undefined && fits(a, width) ? a : undefined
    }
    case 'lsh':
    case 'rsh':
    case 'arsh': {
      // The same for a shift by more than there are bits.
      const by = value & BigInt(bits - 1)
      return by === value ? undefined : computed(alu, bits, a, by, b)
    }
    case 'mul': {
      if (value === 0n) return constant(0n)
      const power = powerOfTwo(value)
      return power === undefined ? undefined : computed('lsh', bits, a, BigInt(power), b)
    }
    case 'div': {
      // The verifier refuses to divide by an immediate 0, although it defines what a register of 0 gives.
      if (BigInt.asUintN(bits, value) === 0n) return constant(0n)
      const power = powerOfTwo(value)
      return power === undefined ? undefined : computed('rsh', bits, a, BigInt(power), b)
    }
    case 'mod': {
      if (BigInt.asUintN(bits, value) === 0n)
        return bits === 64 || fits(a, 32) ? a : { operation: { op: 'low32' }, arguments: [a] }
      return powerOfTwo(value) === undefined ? undefined : computed('and', bits, a, value - 1n, b)
    }
    default:
      return undefined
  }
}

const computed = (alu: AluName, bits: 32 | 64, a: Value, by: bigint, { at }: Constant): Rewritten => ({
  operation: { op: 'alu', alu, bits },
  arguments: [a, newConstant(by, at)],
})

/** A constant distance from a pointer goes into the instruction, which has 15 bits for it. */
function displaced(
  operation: Extract<Operation, { op: 'load' | 'store' }>,
  [pointer, ...others]: readonly Value[],
): Rewritten | undefined {
  if (pointer?.op !== 'alu' || pointer.alu !== 'add' || pointer.bits !== 64) return undefined
  const [base, distance] = pointer.arguments
  if (distance?.op !== 'const') return undefined
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
  return (mask.value & ones(bits)) === ones(bits) ? inner : undefined
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
  if (value.op === 'wired') return value.wired.bits <= Math.min(bits, 31)
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
  return bitLength(value - 1n)
}

export function evaluate(alu: AluName, bits: 32 | 64, left: bigint, right: bigint): bigint {
  const a = BigInt.asUintN(bits, left)
  const b = BigInt.asUintN(bits, right)
  return BigInt.asUintN(bits, exactly(alu, bits, a, b))
}

function exactly(alu: AluName, bits: 32 | 64, a: bigint, b: bigint): bigint {
  const by = b & BigInt(bits - 1)
  switch (alu) {
    case 'add':
      return a + b
    case 'sub':
      return a - b
    case 'mul':
      return a * b
    case 'div':
      return b === 0n ? 0n : a / b
    case 'mod':
      return b === 0n ? a : a % b
    case 'and':
      return a & b
    case 'or':
      return a | b
    case 'xor':
      return a ^ b
    case 'lsh':
      return a << by
    case 'rsh':
      return a >> by
    case 'arsh':
      return BigInt.asIntN(bits, a) >> by
  }
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
