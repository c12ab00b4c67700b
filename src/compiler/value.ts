/** How values are made. */
import type { Operation, Value } from './ir.ts'
import type { Position } from './typed.ts'

type KeyOf<T> = T extends unknown ? keyof T : never
type Field<T, Key> = T extends unknown ? (Key extends keyof T ? T[Key] : undefined) : never

/** What any operation says. */
type Fields = { readonly [Key in KeyOf<Operation>]: Field<Operation, Key> }

/**
 * Every value has the fields of all operations, in the same order: the passes look at values all the time, and JavaScript finds a
 * field quickly where all objects are alike.
 */
export function newValue(operation: Operation, id: number, given: Value[], at: Position): Value {
  const from: Partial<Fields> = operation
  const fields: Fields & Pick<Value, 'id' | 'arguments' | 'at'> = {
    op: operation.op,
    id,
    arguments: given,
    at,
    alu: from.alu,
    bits: from.bits,
    value: from.value,
    size: from.size,
    offset: from.offset,
    from: from.from,
    start: from.start,
    to: from.to,
    operation: from.operation,
    object: from.object,
    name: from.name,
    helper: from.helper,
    edge: from.edge,
    callee: from.callee,
    pure: from.pure,
    index: from.index,
    wired: from.wired,
  }
  return fields as Value
}

/** Constants are in no block, and nothing asks for their numbers. */
export const newConstant = (value: bigint, at: Position): Value => newValue({ op: 'const', value }, -1, [], at)
