/** Comparisons of values → branches. */
import type { Block, Comparison } from '../ir.ts'
import type { CompareOperator } from '../narrow/tree.ts'
import { piecesOf } from '../pieces.ts'
import type { Typed } from '../typed.ts'
import type { Values } from './reference.ts'

const COMPARISON: Readonly<Record<CompareOperator, readonly [Comparison, Comparison]>> = {
  '===': ['eq', 'eq'],
  '!==': ['ne', 'ne'],
  '<': ['ult', 'slt'],
  '<=': ['ule', 'sle'],
  '>': ['ugt', 'sgt'],
  '>=': ['uge', 'sge'],
}

export function compare(
  values: Values,
  node: Extract<Typed, { op: 'compare' }>,
  whenTrue: Block,
  whenFalse: Block,
): void {
  const { builder } = values
  const { type } = node.left
  const left = values.value(node.left)
  const right = values.value(node.right)
  builder.at = node.at
  const signed = type.kind === 'int' && type.signed
  const comparison = COMPARISON[node.operator][signed ? 1 : 0]
  const sizes = piecesOf(type)
  // Addresses differ as soon as one piece does.
  const [all, any] = node.operator === '!==' ? [whenFalse, whenTrue] : [whenTrue, whenFalse]
  for (const [index, size] of sizes.entries()) {
    const [a, b] = [left[index], right[index]]
    if (a === undefined || b === undefined) continue
    const bits = size === 8 ? 64 : 32
    if (index === sizes.length - 1) return builder.branch(comparison, bits, a, b, whenTrue, whenFalse)
    const next = builder.newBlock()
    builder.branch('eq', bits, a, b, next, any)
    builder.enter(next)
  }
  builder.jump(all)
}
