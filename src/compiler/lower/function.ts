/** Functions that are called: what is passed, and how a result gets through r0. */
import type { Builder } from '../builder.ts'
import type { Called } from '../calls.ts'
import { type Graph, isPure, type Signature, type Value } from '../ir.ts'
import { type Pieces, piecesOf } from '../pieces.ts'
import type { TypedFunction, ValueType } from '../typed.ts'

/** A function that has been lowered: what a call of it has to know. */
export interface Callee {
  readonly signature: Signature
  /** What is passed before the parameters. */
  readonly context: boolean
  readonly time: boolean
  readonly pure: boolean
}

export const signatureOf = ({ parameters, at }: TypedFunction, { name, context, time }: Called): Signature => ({
  name,
  parameters: [
    ...(context ? (['context'] as const) : []),
    ...(time ? (['u64'] as const) : []),
    ...parameters.flatMap(({ type }) =>
      piecesOf(type).map((size) => (size === 8 ? ('u64' as const) : ('u32' as const))),
    ),
  ],
  at,
})

export const calleeOf = (graph: Graph, signature: Signature, { context, time }: Called): Callee => ({
  signature,
  context,
  time,
  pure: graph.blocks.every(({ values }) =>
    values.every((value) => value.op === 'phi' || (isPure(value) && value.op !== 'load')),
  ),
})

/** A result in one register: what comes first in memory is in its low half. Nothing is 0. */
export function joined(builder: Builder, [first, second]: Pieces): Value {
  if (first === undefined) return builder.constant(0)
  if (second === undefined) return first
  const upper = builder.emit({ op: 'alu', alu: 'lsh', bits: 64 }, second, builder.constant(32))
  return builder.emit({ op: 'alu', alu: 'or', bits: 64 }, upper, first)
}

/** The inverse of {@link joined}. */
export function parted(builder: Builder, result: Value, type: ValueType): Pieces {
  if (type.kind === 'void') return []
  if (piecesOf(type).length === 1) return [result]
  return [
    builder.emit({ op: 'low32' }, result),
    builder.emit({ op: 'alu', alu: 'rsh', bits: 64 }, result, builder.constant(32)),
  ]
}
