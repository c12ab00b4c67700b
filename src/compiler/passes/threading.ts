import type { ByValue } from '../by-value.ts'
import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { newJump } from '../value.ts'
import { Analyses } from './analyses.ts'
import { countUse, Numbers, prune, removeEdge, retarget } from './graph.ts'
import { repair } from './repair.ts'
import { compareConstants } from './simplify.ts'

/**
 * Jump threading: where a block does nothing but test a phi against a constant, a predecessor that brings a constant
 * jumps straight to where the test would send it. This is what makes `if (isMulticast(x))` a plain branch.
 */
export function threadJumps(graph: Graph, analyses = new Analyses(graph)): boolean {
  let changed = false
  // Uses are kept up to date, except that those that are gone may still be counted.
  const numbers = new Numbers(graph)
  for (const block of graph.blocks) {
    const phi = testedPhi(block)
    if (phi === undefined) continue
    for (const before of [...block.predecessors]) {
      const brought = phi.arguments[block.predecessors.indexOf(before)]
      const isOpen = brought?.op === 'phi' && before.values.includes(brought) && !isLoop(before)
      if (isOpen && brought.arguments.some(({ op }) => op === 'const'))
        changed = meetHere(before, block, analyses.uses) || changed
    }
    const wanted = block.values.filter((one) => one !== phi || analyses.uses.get(one) !== 1)
    if (wanted.length > 0 && isLoop(block)) continue
    const ways = thread(block, analyses.uses)
    if (ways.length === 0) continue
    changed = true
    for (const phi of wanted) {
      const ends = new Map(ways.map(({ from, brought }) => [from, brought.get(phi) ?? phi]))
      repair(graph, phi, ends.set(block, phi), { numbers, uses: analyses.uses })
    }
  }
  if (changed) prune(graph)
  return changed
}

/** A loop that was entered in its middle would be none that the verifier, and hide.ts, know. */
const isLoop = (block: Block): boolean => block.predecessors.some(({ place }) => place >= block.place)

/** A way that goes round the block now, and what it would have brought for each phi. */
interface Way {
  readonly from: Block
  readonly brought: ReadonlyMap<Value, Value>
}

/** The phi that a block does nothing but test, except that others may be in it. */
function testedPhi({ end, values }: Block): Value | undefined {
  if (end?.op !== 'branch' || end.right.op !== 'const' || values.some(({ op }) => op !== 'phi')) return undefined
  return values.find((one) => one === end.left)
}

/** Ways that meet in a block that does nothing else, to meet others in the next one, all meet there. */
function meetHere(block: Block, next: Block, uses: ByValue<number>): boolean {
  const at = next.predecessors.indexOf(block)
  const phis = next.values.filter(({ op }) => op === 'phi')
  const isSeenElsewhere = (phi: Value) =>
    phi.op !== 'phi' || uses.get(phi) !== phis.filter((one) => one.arguments[at] === phi).length
  if (block.end?.op !== 'jump' || block.values.some(isSeenElsewhere)) return false
  const isTwice = (one: Block) => successors(one).filter((to) => to === block || to === next).length > 1
  if (block.predecessors.some(isTwice)) return false
  for (const [index, predecessor] of block.predecessors.entries()) {
    retarget(predecessor, block, next)
    next.predecessors.push(predecessor)
    for (const phi of phis) {
      const given = phi.arguments[at]
      const brought = given !== undefined && block.values.includes(given) ? given.arguments[index] : given
      if (brought === undefined) throw new Error('a phi without an argument')
      bring(phi, brought, uses)
    }
  }
  block.predecessors = []
  removeEdge(block, next)
  block.values = []
  block.end = newJump(block, block.end.at)
  return true
}

function thread(block: Block, uses: ByValue<number>): Way[] {
  const { end, values } = block
  const phi = testedPhi(block)
  if (end?.op !== 'branch' || end.right.op !== 'const' || phi === undefined) return []
  const ways: Way[] = []
  for (const predecessor of [...block.predecessors]) {
    const index = block.predecessors.indexOf(predecessor)
    const value = phi.arguments[index]
    const { end: fork } = predecessor
    if (value?.op !== 'const' || (fork?.op === 'branch' && fork.whenTrue === fork.whenFalse)) continue
    const brought = new Map(values.flatMap((one) => one.arguments.slice(index, index + 1).map((given) => [one, given])))
    ways.push({ from: predecessor, brought })
    const to = compareConstants(end.comparison, end.bits, value.value, end.right.value) ? end.whenTrue : end.whenFalse
    // Phis of the target take from the new way what they took from this block.
    const at = to.predecessors.indexOf(block)
    removeEdge(predecessor, block)
    retarget(predecessor, block, to)
    to.predecessors.push(predecessor)
    for (const other of to.values) {
      const argument = other.op === 'phi' ? other.arguments[at] : undefined
      if (argument !== undefined) bring(other, brought.get(argument) ?? argument, uses)
    }
  }
  return ways
}

function bring(phi: Value, brought: Value, uses: ByValue<number>): void {
  phi.arguments.push(brought)
  countUse(uses, brought)
}
