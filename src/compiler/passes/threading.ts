import type { Block, Graph } from '../ir.ts'
import { Analyses } from './analyses.ts'
import { prune, removeEdge } from './graph.ts'
import { compareConstants } from './simplify.ts'

/**
 * Jump threading: where a block does nothing but test a phi against a constant, a predecessor that brings a constant
 * jumps straight to where the test would send it. This is what makes `if (isMulticast(x))` a plain branch.
 */
export function threadJumps(graph: Graph, analyses = new Analyses(graph)): boolean {
  let changed = false
  // Threading takes uses away from phis and gives none to those that only their own block looks at.
  for (const block of graph.blocks) changed = thread(block, analyses) || changed
  if (changed) prune(graph)
  return changed
}

function thread(block: Block, analyses: Analyses): boolean {
  const { end } = block
  const [phi, ...others] = block.values
  if (end?.op !== 'branch' || phi?.op !== 'phi' || others.length > 0) return false
  if (end.left !== phi || end.right.op !== 'const' || analyses.uses.get(phi) !== 1) return false
  let changed = false
  for (const predecessor of [...block.predecessors]) {
    const value = phi.arguments[block.predecessors.indexOf(predecessor)]
    if (value?.op !== 'const' || predecessor.end?.op !== 'jump') continue
    const to = compareConstants(end.comparison, end.bits, value.value, end.right.value) ? end.whenTrue : end.whenFalse
    // Phis of the target take from the new way what they took from this block.
    const index = to.predecessors.indexOf(block)
    removeEdge(predecessor, block)
    predecessor.end = { op: 'jump', to, at: predecessor.end.at }
    to.predecessors.push(predecessor)
    for (const other of to.values) {
      const argument = other.op === 'phi' ? other.arguments[index] : undefined
      if (argument !== undefined) other.arguments.push(argument)
    }
    changed = true
  }
  return changed
}
