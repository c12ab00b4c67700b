/** How values, and the ends of blocks, are made. */
import type { Block, Operation, Terminator, Value } from './ir.ts'
import type { Position } from './typed.ts'

type KeyOf<T> = T extends unknown ? keyof T : never
type Field<T, Key> = T extends unknown ? (Key extends keyof T ? T[Key] : undefined) : never

/** What any of them says. */
type Fields<T> = { -readonly [Key in KeyOf<T>]: Field<T, Key> }

/**
 * Every value has the fields of all operations, in the same order: the passes look at values all the time, and JavaScript finds a
 * field quickly where all objects are alike. For the same reason values are not made by spreading others, and of an operation only
 * what it has is read.
 */
export function newValue(operation: Operation, id: number, given: Value[], at: Position): Value {
  const made: Fields<Operation> & Pick<Value, 'id' | 'arguments' | 'at'> = {
    op: operation.op,
    id,
    arguments: given,
    at,
    alu: undefined,
    bits: undefined,
    value: undefined,
    size: undefined,
    offset: undefined,
    from: undefined,
    start: undefined,
    to: undefined,
    operation: undefined,
    object: undefined,
    name: undefined,
    helper: undefined,
    edge: undefined,
    callee: undefined,
    pure: undefined,
    index: undefined,
    wired: undefined,
  }
  switch (operation.op) {
    case 'const':
      made.value = operation.value
      break
    case 'alu':
      made.alu = operation.alu
      made.bits = operation.bits
      break
    case 'load':
      made.size = operation.size
      made.offset = operation.offset
      made.from = operation.from
      made.start = operation.start
      break
    case 'store':
      made.size = operation.size
      made.offset = operation.offset
      made.to = operation.to
      break
    case 'swap':
    case 'fold':
      made.bits = operation.bits
      break
    case 'cleared':
      made.size = operation.size
      made.offset = operation.offset
      break
    case 'atomic':
      made.operation = operation.operation
      made.size = operation.size
      made.offset = operation.offset
      break
    case 'stack':
      made.object = operation.object
      break
    case 'map':
      made.name = operation.name
      break
    case 'mapValue':
      made.name = operation.name
      made.offset = operation.offset
      break
    case 'wired':
      made.wired = operation.wired
      break
    case 'call':
      made.helper = operation.helper
      made.edge = operation.edge
      break
    case 'invoke':
      made.callee = operation.callee
      made.pure = operation.pure
      break
    case 'parameter':
      made.index = operation.index
      break
    default:
      operation satisfies { readonly op: 'context' | 'low32' | 'sext32' | 'mayGoto' | 'now' | 'phi' }
  }
  return made as Value
}

/** Constants are in no block, and nothing asks for their numbers. */
export const newConstant = (value: bigint, at: Position): Value => newValue({ op: 'const', value }, -1, [], at)

type Branch = Extract<Terminator, { op: 'branch' }>

/** Ends are all alike as well. */
const newEnd = (
  op: Terminator['op'],
  at: Position,
  to?: Block,
  value?: Value,
  branch?: Omit<Branch, 'op'>,
): Terminator => {
  const made: Fields<Terminator> = {
    op,
    at,
    to,
    value,
    comparison: branch?.comparison,
    bits: branch?.bits,
    left: branch?.left,
    right: branch?.right,
    whenTrue: branch?.whenTrue,
    whenFalse: branch?.whenFalse,
    counts: branch?.counts,
    proof: branch?.proof,
  }
  return made as Terminator
}

export const newJump = (to: Block, at: Position): Terminator => newEnd('jump', at, to)

export const newReturn = (value: Value, at: Position): Terminator => newEnd('return', at, undefined, value)

export const newBranch = (branch: Omit<Branch, 'op'>): Terminator =>
  newEnd('branch', branch.at, undefined, undefined, branch)
