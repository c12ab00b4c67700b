/** What fits into an instruction: immediates have 32 bits, and wider operations extend them with their sign. */
import type { Value } from '../ir.ts'
import type { Code } from './machine-code.ts'

/** A 64-bit value that a sign-extended 32-bit immediate gives. */
export function signed32(value: bigint): number | undefined {
  const signed = BigInt.asIntN(64, value)
  return signed >= -(1n << 31n) && signed < 1n << 31n ? Number(signed) : undefined
}

/** The immediate for an operation of this width; 32-bit ones only look at its low half. */
export const immediate = (value: bigint, bits: 32 | 64): number | undefined =>
  bits === 64 ? signed32(value) : Number(BigInt.asIntN(32, value))

/** The immediate for a store, sign-extended by the machine to 8 bytes. */
const storable = (value: bigint, size: number): number | undefined =>
  size === 8 ? signed32(value) : Number(BigInt.asIntN(32, BigInt.asUintN(8 * size, value)))

/** Of a number that is left open; it goes wherever an immediate does. */
export const wiredImm = ({ wired }: Extract<Value, { op: 'wired' }>): Pick<Code, 'imm' | 'wired'> => ({ imm: 0, wired })

export function storedImm(value: Value, size: number): Pick<Code, 'imm' | 'wired'> | undefined {
  if (value.op === 'wired') return wiredImm(value)
  const imm = value.op === 'const' ? storable(value.value, size) : undefined
  return imm === undefined ? undefined : { imm }
}

export function immediateOf(value: Value, bits: 32 | 64): Pick<Code, 'imm' | 'wired'> | undefined {
  if (value.op === 'wired') return value.wired.isLong ? undefined : wiredImm(value)
  const imm = value.op === 'const' ? immediate(value.value, bits) : undefined
  return imm === undefined ? undefined : { imm }
}
