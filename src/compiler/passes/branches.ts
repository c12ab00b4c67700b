import { type Block, type Graph, MIRRORED, successors, type Terminator } from '../ir.ts'
import { newConstant, newJump } from '../value.ts'
import { prune, removeEdge, retarget } from './graph.ts'
import { compareConstants, swapBytes } from './simplify.ts'

/** Branches that are decided, blocks that only jump, blocks that could be one. True where something changed. */
export function simplifyBranches(graph: Graph): boolean {
  let changed = false
  for (const step of [decide, skip, merge] as const) {
    let found = false
    for (const block of graph.blocks) while (step(block, graph)) found = true
    if (found) prune(graph)
    changed ||= found
  }
  return changed
}

function decide(block: Block): boolean {
  const { end } = block
  if (end?.op !== 'branch') return false
  const { left, right, comparison, bits, whenTrue, whenFalse } = end
  if (whenTrue === whenFalse && !whenTrue.values.some(({ op }) => op === 'phi')) {
    removeEdge(block, whenTrue)
    block.end = newJump(whenTrue, end.at)
    return true
  }
  if (left.op === 'const' && right.op === 'const') {
    const holds = compareConstants(comparison, bits, left.value, right.value)
    const [to, gone] = holds ? [whenTrue, whenFalse] : [whenFalse, whenTrue]
    removeEdge(block, gone)
    block.end = newJump(to, end.at)
    return true
  }
  if (left.op === 'const') {
    end.comparison = MIRRORED[comparison]
    end.left = right
    end.right = left
    return true
  }
  return compareUnswapped(end)
}

/** `swap(x) === constant` compares x with the swapped constant. */
function compareUnswapped(end: Extract<Terminator, { op: 'branch' }>): boolean {
  const { left, right, comparison } = end
  const [operand] = left.arguments
  if (
    (comparison !== 'eq' && comparison !== 'ne') ||
    left.op !== 'swap' ||
    right.op !== 'const' ||
    operand?.op !== 'load'
  )
    return false
  if (operand.size * 8 !== left.bits || right.value >> BigInt(left.bits) !== 0n) return false
  end.left = operand
  end.right = newConstant(swapBytes(right.value, left.bits), right.at)
  return true
}

/** A block that only jumps on is left out, unless a phi needs to tell its ways apart. */
function skip(block: Block, graph: Graph): boolean {
  const { end } = block
  if (block === graph.entry || end?.op !== 'jump' || block.values.length > 0 || end.to === block) return false
  const { to } = end
  const hasPhis = to.values.some(({ op }) => op === 'phi')
  const index = to.predecessors.indexOf(block)
  for (const predecessor of [...block.predecessors]) {
    if (hasPhis && to.predecessors.includes(predecessor)) return false
  }
  if (block.predecessors.length === 0) return false
  for (const predecessor of block.predecessors) {
    retarget(predecessor, block, to)
    to.predecessors.push(predecessor)
    for (const value of to.values) {
      const argument = value.op === 'phi' ? value.arguments[index] : undefined
      if (argument !== undefined) value.arguments.push(argument)
    }
  }
  block.predecessors = []
  removeEdge(block, to)
  block.end = newJump(block, end.at)
  return true
}

/** A block whose only successor has no other predecessor becomes one with it. */
function merge(block: Block): boolean {
  const { end } = block
  if (end?.op !== 'jump' || end.to === block || end.to.predecessors.length !== 1) return false
  const next = end.to
  if (next.values.some(({ op }) => op === 'phi')) return false
  block.values.push(...next.values)
  block.end = next.end
  for (const successor of successors(next))
    successor.predecessors = successor.predecessors.map((one) => (one === next ? block : one))
  next.values = []
  next.predecessors = []
  next.end = newJump(next, end.at)
  return true
}

/** Gives every edge from a fork to a meeting with phis a block of its own, where copies for the phis can be made. */
export function splitCriticalEdges(graph: Graph): void {
  let id = Math.max(...graph.blocks.map((block) => block.id)) + 1
  for (const block of [...graph.blocks]) {
    const { end } = block
    if (end?.op !== 'branch') continue
    for (const side of ['whenTrue', 'whenFalse'] as const) {
      const to = end[side]
      if (!to.values.some(({ op }) => op === 'phi')) continue
      const between: Block = {
        id: id++,
        rounds: block.rounds,
        rare: block.rare === true || to.rare === true,
        place: 0,
        values: [],
        end: newJump(to, end.at),
        predecessors: [block],
      }
      end[side] = between
      // With both sides on one block, each edge has its own place among the predecessors.
      to.predecessors[to.predecessors.indexOf(block)] = between
    }
  }
  prune(graph)
}
