/** Elements of lists: pointers that the verifier believes to stay within. */
import type { Builder } from '../builder.ts'
import type { Value } from '../ir.ts'

interface Place {
  /** Of the list, from the pointer on. */
  readonly offset: number
  /** From one element to the next. */
  readonly stride: number
  readonly length: number
  /** Where the packet ends, for a list in it. */
  readonly end: Value | undefined
  /** The address of a lock that is held: nobody may end with it, not even where nobody gets to. */
  readonly lock: Value | undefined
}

/**
 * The address of an element. The index is known to be one of the list: the tests here are for the verifier, and those that it
 * does not need are taken out later (passes/proofs.ts). What is tested is what is added: the verifier follows no other value
 * back to it. A packet pointer that something unknown is added to has lost its bounds, so they are tested again.
 */
export function elementPointer(
  builder: Builder,
  pointer: Value,
  index: { readonly value: Value; readonly bits: 32 | 64 },
  { offset, stride, length, end, lock }: Place,
): Value {
  const { bits } = index
  const prove = (left: Value, right: Value) => mustBeAtMost(builder, left, right, lock)
  const sum = (a: Value, b: Value) => builder.emit({ op: 'alu', alu: 'add', bits: 64 }, a, b)
  const distance =
    stride === 1 ? index.value : builder.emit({ op: 'alu', alu: 'mul', bits }, index.value, builder.constant(stride))
  if (distance.op === 'const') return plus(builder, pointer, offset + Number(distance.value))
  // In 64 bits: of what a division gives the verifier does not know the upper half.
  prove(distance, builder.constant((length - 1) * stride))
  // Constants come last: loads and stores take them along.
  const { base, constant } = apart(pointer)
  const place = plus(builder, sum(base, distance), constant + offset)
  if (end !== undefined) prove(plus(builder, place, stride), end)
  return place
}

function plus(builder: Builder, pointer: Value, distance: number): Value {
  const { base, constant } = apart(pointer)
  return builder.emit({ op: 'alu', alu: 'add', bits: 64 }, base, builder.constant(constant + distance))
}

/** A pointer as another one and a constant distance. */
function apart(pointer: Value): { base: Value; constant: number } {
  const [base, distance] = pointer.arguments
  const isSum = pointer.op === 'alu' && pointer.alu === 'add' && base !== undefined
  return isSum && distance?.op === 'const' ? { base, constant: Number(distance.value) } : { base: pointer, constant: 0 }
}

function mustBeAtMost(builder: Builder, left: Value, right: Value, lock: Value | undefined): void {
  const [holds, never] = [builder.newBlock(), builder.newBlock()]
  builder.branch('ule', 64, left, right, holds, never, { proof: true })
  builder.enter(never)
  if (lock !== undefined) builder.emit({ op: 'call', helper: 'spin_unlock' }, lock)
  builder.return(builder.constant(0))
  builder.enter(holds)
}
