import type { Value } from '../ir.ts'

/** Whether a value is an address in the packet. Sums of such do not wrap. */
export function isPointer(value: Value, seen = new Set<Value>()): boolean {
  if (seen.has(value)) return true
  seen.add(value)
  if (value.op === 'load') return value.start === true
  if (value.op === 'phi') return value.arguments.every((one) => isPointer(one, seen))
  const [first] = value.arguments
  return value.op === 'alu' && value.alu === 'add' && value.bits === 64 && first !== undefined && isPointer(first, seen)
}

/** Whether a value is the distance between two addresses in the packet: to the verifier it is anything, of 64 bits. */
export function isDistance(value: Value): boolean {
  const [, from] = value.arguments
  return value.op === 'alu' && value.alu === 'sub' && from !== undefined && isPointer(from)
}
