import type { Operation, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import type { Numbers } from './graph.ts'
import { fits } from './simplify.ts'
import { holds } from './sources.ts'

/** What goes by way of the stack. */
export interface Stashed {
  readonly stores: readonly Value[]
  /** Anywhere behind the stores. */
  readonly loads: readonly Value[]
  /** The same, of which the verifier knows nothing. It is one of the loads. */
  readonly value: Value
}

/**
 * Writes a value to the stack and reads it again, in pieces of 4 bytes in upper halves of slots: only what is written to a
 * slot's start is remembered as a number (kernel/bpf/verifier.c, check_stack_write_fixed_off).
 */
export function stash(value: Value, numbers: Numbers): Stashed {
  const { at } = value
  const make = (made: Value[], operation: Operation, ...given: Value[]): Value => {
    const one = newValue(operation, numbers.next(), given, at)
    made.push(one)
    return one
  }
  const by = newConstant(32n, at)
  const stores: Value[] = []
  const loads: Value[] = []
  const isNarrow = fits32(value)
  const object = { size: isNarrow ? 4 : 16, align: 8, what: 'a value that a loop carries', at }
  const slot = make(stores, { op: 'stack', object })
  const pieces = isNarrow ? [value] : [value, make(stores, { op: 'alu', alu: 'rsh', bits: 64 }, value, by)]
  const offsets = isNarrow ? [0] : [4, 12]
  const parts = pieces.map((piece, index) => {
    const offset = offsets[index] ?? 0
    make(stores, { op: 'store', size: 4, offset }, slot, piece)
    return make(loads, { op: 'load', size: 4, offset, from: 'shared' }, slot)
  })
  const whole = parts.reduce((low, high) =>
    make(loads, { op: 'alu', alu: 'or', bits: 64 }, make(loads, { op: 'alu', alu: 'lsh', bits: 64 }, high, by), low),
  )
  return { stores, loads, value: whole }
}

/** Whether a value never needs more than 32 bits, if the phis on the way to it do not. */
export const fits32 = (value: Value): boolean =>
  holds(value, (one) => {
    if (one.op === 'phi') return one.arguments
    if (one.op === 'alu' && one.bits === 64)
      return one.alu === 'and' || one.alu === 'rsh' ? one.arguments.slice(0, 1) : undefined
    return fits(one, 32) ? [] : undefined
  })
