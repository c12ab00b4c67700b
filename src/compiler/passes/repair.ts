import type { ByValue } from '../by-value.ts'
import type { Block, Graph, Value } from '../ir.ts'
import { newValue } from '../value.ts'
import { countUse, type Numbers } from './graph.ts'

/**
 * Puts what a value is at each place in its place, after there has come to be a way that goes round the block of its definition:
 * `ends` has what it is where those blocks end, its own among them. Phis come to be where such ways meet (Braun et al., "Simple
 * and Efficient Construction of Static Single Assignment Form", 2013).
 */
export function repair(
  graph: Graph,
  original: Value,
  ends: ReadonlyMap<Block, Value>,
  { numbers, uses }: { readonly numbers: Numbers; readonly uses: ByValue<number> },
): void {
  const starts = new Map<Block, Value>()
  const added = new Map<Block, Value>()
  const homes = new Set(ends.keys())

  const counted = (value: Value): Value => {
    countUse(uses, value)
    return value
  }
  const atEnd = (block: Block): Value => ends.get(block) ?? atStart(block)
  const atStart = (block: Block): Value => {
    const known = starts.get(block)
    if (known !== undefined) return known
    const [only, ...others] = block.predecessors
    if (only !== undefined && others.length === 0) {
      const value = atEnd(only)
      starts.set(block, value)
      return value
    }
    const phi = newValue({ op: 'phi' }, numbers.next(), [], original.at)
    starts.set(block, phi)
    added.set(block, phi)
    phi.arguments = block.predecessors.map((one) => counted(atEnd(one)))
    return phi
  }

  for (const block of graph.blocks) {
    for (const value of block.values) {
      if (!value.arguments.includes(original)) continue
      value.arguments = value.arguments.map((one, index) => {
        const from = value.op === 'phi' ? block.predecessors[index] : undefined
        if (one !== original) return one
        if (from !== undefined) return counted(atEnd(from))
        return homes.has(block) ? one : counted(atStart(block))
      })
    }
    const { end } = block
    if (end?.op === 'jump' || end === undefined) continue
    if (end.op === 'return') {
      if (end.value === original) end.value = counted(atEnd(block))
      continue
    }
    if (end.left === original) end.left = counted(atEnd(block))
    if (end.right === original) end.right = counted(atEnd(block))
  }
  for (const [block, phi] of added) block.values.unshift(phi)
}
