import type { Block, Comparison, Graph, Terminator, Value } from '../ir.ts'
import { newJump } from '../value.ts'
import { Analyses } from './analyses.ts'
import type { Dominators } from './dominators.ts'
import { prune, removeEdge } from './graph.ts'
import { isPointer } from './pointers.ts'

/**
 * What was found to be in the packet is not asked again, nor whether an address there is null: where `data + 54` is not past
 * its end, `data + 38` is not. To the verifier the other way would exist, and there it would take the very pointer that was asked
 * about for one past the end.
 */
export function knownBounds(graph: Graph, { dominators }: Analyses = new Analyses(graph)): boolean {
  const known = new Map<Block, Fact | undefined>()
  let changed = false
  for (const block of graph.blocks) {
    const above = dominators.of(block)
    const facts = above === undefined ? undefined : known.get(above)
    known.set(block, above === undefined ? facts : (factOn(above, block, dominators, facts) ?? facts))
    const { end } = block
    if (end?.op !== 'branch') continue
    const holds = isOfNull(end) ? end.comparison === 'ne' : decide(boundsTest(end), known.get(block))
    if (holds === undefined) continue
    const [to, gone] = holds ? [end.whenTrue, end.whenFalse] : [end.whenFalse, end.whenTrue]
    removeEdge(block, gone)
    block.end = newJump(to, end.at)
    changed = true
  }
  if (changed) prune(graph)
  return changed
}

/** `base + offset` is past the end of the packet, or is not. */
interface Fact {
  readonly base: Value
  readonly end: Value
  readonly offset: bigint
  readonly isPast: boolean
  readonly others: Fact | undefined
}

interface BoundsTest {
  readonly base: Value
  readonly end: Value
  readonly offset: bigint
  readonly pastWhenTrue: boolean
}

const PAST: Readonly<Partial<Record<Comparison, boolean>>> = { ugt: true, ule: false }

function boundsTest(end: Terminator | undefined): BoundsTest | undefined {
  if (end?.op !== 'branch' || end.bits !== 64) return undefined
  const pastWhenTrue = PAST[end.comparison]
  if (pastWhenTrue === undefined || !isPointer(end.left)) return undefined
  const [inner, constant] = end.left.arguments
  const isSum = end.left.op === 'alu' && constant?.op === 'const' && inner !== undefined
  const [base, offset] = isSum ? [inner, constant.value] : [end.left, 0n]
  return { base, offset, end: end.right, pastWhenTrue }
}

/** Whether an address in the packet is compared with null, which it never is. */
function isOfNull({ left, right, comparison }: Extract<Terminator, { op: 'branch' }>): boolean {
  const isEquality = comparison === 'eq' || comparison === 'ne'
  return isEquality && right.op === 'const' && right.value === 0n && isPointer(left)
}

/** What holds in a block because it is the only way on from the block above. */
function factOn(above: Block, block: Block, dominators: Dominators, others: Fact | undefined): Fact | undefined {
  const { end } = above
  const test = boundsTest(end)
  if (end?.op !== 'branch' || test === undefined || end.whenTrue === end.whenFalse) return undefined
  // Rounds of a loop come from the block itself.
  const [only, ...more] = block.predecessors.filter((one) => !dominators.dominates(block, one))
  if (only !== above || more.length > 0) return undefined
  const { base, offset, pastWhenTrue } = test
  return { base, end: test.end, offset, isPast: (end.whenTrue === block) === pastWhenTrue, others }
}

/** Whether the test holds, where that is known. */
function decide(test: BoundsTest | undefined, facts: Fact | undefined): boolean | undefined {
  if (test === undefined) return undefined
  const { base, end, offset, pastWhenTrue } = test
  for (let fact = facts; fact !== undefined; fact = fact.others) {
    if (fact.base !== base || fact.end !== end) continue
    if (fact.isPast && fact.offset <= offset) return pastWhenTrue
    if (!fact.isPast && fact.offset >= offset) return !pastWhenTrue
  }
  return undefined
}
