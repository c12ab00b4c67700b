import type { Block, Graph } from '../ir.ts'
import { prune, retarget } from './graph.ts'

/** Blocks that do nothing but return the same constant become one. True where something changed. */
export function shareReturns(graph: Graph): boolean {
  const kept = new Map<bigint, Block>()
  let changed = false
  for (const block of graph.blocks) {
    const { end, predecessors, values } = block
    if (block === graph.entry || end?.op !== 'return' || end.value.op !== 'const' || values.length > 0) continue
    const other = kept.get(end.value.value)
    // Rounds say what the verifier walks: one that is in no loop may take in one that is, and not the other way round.
    if (other === undefined || other.rounds > block.rounds) kept.set(end.value.value, block)
    if (other === undefined || other.rounds > block.rounds) continue
    for (const predecessor of predecessors) {
      retarget(predecessor, block, other)
      other.predecessors.push(predecessor)
    }
    block.predecessors = []
    changed = true
  }
  if (changed) prune(graph)
  return changed
}
