import type { Value } from '../ir.ts'
import { holds } from './sources.ts'

/** Whether a value is an address in the packet. Sums of such do not wrap. */
export const isPointer = (value: Value): boolean =>
  holds(value, (one) => {
    if (one.op === 'load') return one.start === true ? [] : undefined
    if (one.op === 'phi') return one.arguments
    const isSum = one.op === 'alu' && one.alu === 'add' && one.bits === 64
    return isSum && one.arguments.length > 0 ? one.arguments.slice(0, 1) : undefined
  })

/** Whether a value is the distance between two addresses in the packet: to the verifier it is anything, of 64 bits. */
export function isDistance(value: Value): boolean {
  const [, from] = value.arguments
  return value.op === 'alu' && value.alu === 'sub' && from !== undefined && isPointer(from)
}
