import { type Block, type Graph, NEGATED, type Terminator, type Value } from '../ir.ts'
import { newJump } from '../value.ts'
import { Analyses } from './analyses.ts'
import { prune, removeEdge } from './graph.ts'
import { seenBy } from './hide-tests.ts'
import { hasLoops } from './loops.ts'
import { fits } from './simplify.ts'

/**
 * What was compared with a constant is that constant on the way where they are equal, and is compared with it in vain on the
 * other: `if (ip.protocol === 6)` makes `ip.protocol` 6 wherever it leads.
 */
export function useFacts(graph: Graph, analyses = new Analyses(graph)): boolean {
  const facts = findFacts(graph)
  if (facts.size === 0) return false
  const { dominators } = analyses
  let changed = false

  /** The constant that `value` is at the end of `block`, or before. */
  const known = (value: Value, block: Block): Value => {
    const constant = facts.get(value)?.find((fact) => fact.equal && dominators.dominates(fact.from, block))?.constant
    changed ||= constant !== undefined
    return constant ?? value
  }
  for (const block of graph.blocks) {
    for (const value of block.values)
      value.arguments = value.arguments.map((one, index) =>
        known(one, value.op === 'phi' ? (block.predecessors[index] ?? block) : block),
      )
    const { end } = block
    if (end?.op === 'return') end.value = known(end.value, block)
    if (end?.op !== 'branch') continue
    const constant = end.right
    const isOther =
      isEquality(end) &&
      facts
        .get(end.left)
        ?.some((fact) => !fact.equal && dominators.dominates(fact.from, block) && isSame(fact.constant, constant))
    if (isOther) {
      const [to, gone] = end.comparison === 'ne' ? [end.whenTrue, end.whenFalse] : [end.whenFalse, end.whenTrue]
      removeEdge(block, gone)
      block.end = newJump(to, end.at)
      changed = true
    } else end.left = known(end.left, block)
  }
  if (changed) prune(graph)
  return changed
}

/** That a value is a constant, or is not, wherever `from` has been passed. */
interface Fact {
  readonly from: Block
  readonly constant: Value
  readonly equal: boolean
}

function findFacts(graph: Graph): Map<Value, Fact[]> {
  const { blocks } = graph
  const facts = new Map<Value, Fact[]>()
  // A constant in the place of a count would go round the loop, and nobody would see any more that it counts.
  const counted = hasLoops(blocks) ? seenBy(graph) : new Set<Value>()
  for (const { end } of blocks) {
    if (end?.op !== 'branch' || end.whenTrue === end.whenFalse || !isEquality(end)) continue
    for (const [to, comparison] of [
      [end.whenTrue, end.comparison],
      [end.whenFalse, NEGATED[end.comparison]],
    ] as const) {
      if (to.predecessors.length !== 1) continue
      const fact = { from: to, constant: end.right, equal: comparison === 'eq' }
      if (fact.equal && counted.has(end.left)) continue
      const known = facts.get(end.left)
      if (known === undefined) facts.set(end.left, [fact])
      else known.push(fact)
    }
  }
  return facts
}

/** Of all 64 bits, with a constant that an instruction has room for. Pointers stay what they are. */
function isEquality({ comparison, bits, left, right }: Extract<Terminator, { op: 'branch' }>): boolean {
  if (comparison !== 'eq' && comparison !== 'ne') return false
  if (right.op === 'const' ? right.value > 0x7fff_ffffn : right.op !== 'wired' || right.wired.isLong) return false
  return left.op !== 'const' && left.op !== 'call' && (bits === 64 || fits(left, 32))
}

const isSame = (a: Value, b: Value): boolean => a === b || (a.op === 'const' && b.op === 'const' && a.value === b.value)
