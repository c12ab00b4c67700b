import { FARTHEST as FARTHEST_BYTE } from '../../lang/index.ts'
import { type Block, type Comparison, type Graph, MIRRORED, NEGATED, type Value } from '../ir.ts'
import { newJump } from '../value.ts'
import { Analyses } from './analyses.ts'
import { boundedPhis } from './bound-loops.ts'
import type { Dominators } from './dominators.ts'
import { prune, removeEdge } from './graph.ts'
import { Ranges } from './ranges.ts'
import { holds } from './sources.ts'

/**
 * Tests that are there for the verifier alone are taken out where it knows by itself: it follows constants through every round
 * of a loop, masks, shifts and loads of few bits, and what a test on the way says of the very value. It knows nothing of what
 * a division, a remainder or a change of byte order gives.
 */
export function knownProofs(graph: Graph, analyses = new Analyses(graph)): boolean {
  const proofs = graph.blocks.filter(({ end }) => end?.op === 'branch' && end.proof === true)
  if (proofs.length === 0) return false
  const knowledge = new Knowledge(graph, analyses.dominators)
  let changed = false
  for (const block of proofs) {
    const { end } = block
    if (end?.op !== 'branch' || !knowledge.covers(block)) continue
    removeEdge(block, end.whenFalse)
    block.end = newJump(end.whenTrue, end.at)
    changed = true
  }
  prune(graph)
  return changed
}

const FARTHEST = BigInt(FARTHEST_BYTE)

class Knowledge {
  private readonly dominators: Dominators
  private readonly ranges: Ranges
  private readonly bounded: ReadonlySet<Value>
  /** What is compared anywhere. */
  private readonly compared: ReadonlySet<Value>

  constructor(graph: Graph, dominators: Dominators) {
    this.dominators = dominators
    this.bounded = boundedPhis(graph)
    this.compared = new Set(graph.blocks.flatMap(({ end }) => (end?.op === 'branch' ? [end.left, end.right] : [])))
    const untested = new Ranges(graph, 'verifier')
    // What is masked may be hidden later, and then the verifier has learned nothing of it (see tested.ts).
    this.ranges = new Ranges(graph, 'verifier', (value, most, block, made) =>
      made?.op === 'alu' && made.alu === 'and' ? untested.most(value) : this.tested(value, most, block),
    )
  }

  covers(block: Block): boolean {
    const { end } = block
    if (end?.op !== 'branch') return false
    if (this.isExact(end.left) || this.isWithin(block)) return true
    return end.right.op === 'const' && this.ranges.mostIn(block, end.left) <= end.right.value
  }

  /** Whether a test on the way has found as much of the packet behind the same address: what is added to it is known exactly. */
  private isWithin(block: Block): boolean {
    const { end } = block
    if (end?.op !== 'branch' || end.comparison !== 'ule') return false
    const asked = this.distance(end.left, block)
    for (let inner = block; ; ) {
      const above = this.dominators.of(inner)
      if (above === undefined) return false
      const passed = this.passed(above, inner)
      const found = passed?.comparison === 'ule' && passed.right === end.right && this.distance(passed.left, undefined)
      if (found && found.from === asked.from && found.most >= asked.most) return true
      inner = above
    }
  }

  /** What holds in a block that only one side of a test leads to, but for the ways back of a loop that it begins. */
  private passed({ end }: Block, block: Block) {
    if (end?.op !== 'branch' || end.whenTrue === end.whenFalse) return undefined
    const ways = block.predecessors.filter((one) => !this.dominators.dominates(block, one))
    if (ways.length !== 1) return undefined
    const comparison = end.whenTrue === block ? end.comparison : NEGATED[end.comparison]
    return { comparison, bits: end.bits, left: end.left, right: end.right }
  }

  /** The address that an address is computed from, and how far behind it that is at most: constants, and counts before `at`. */
  private distance(address: Value, at: Block | undefined): { readonly from: Value; readonly most: bigint } {
    let [from, most] = [address, 0n]
    for (;;) {
      const [inner, term] = from.arguments
      const isSum = from.op === 'alu' && from.alu === 'add' && from.bits === 64
      if (!isSum || inner === undefined || term === undefined) return { from, most }
      const more = this.further(term, at)
      if (more === undefined || more > FARTHEST) return { from, most }
      most += more
      from = inner
    }
  }

  private further(term: Value, at: Block | undefined): bigint | undefined {
    if (term.op === 'const') return term.value
    return at !== undefined && this.isExact(term) ? this.ranges.mostIn(at, term) : undefined
  }

  /** Whether the verifier knows a number, or how far into the packet a pointer leads, exactly on each way. */
  private isExact(value: Value): boolean {
    return holds(value, (one) => {
      if (one.op === 'const' || isPacket(one)) return []
      const isFollowed =
        (one.op === 'phi' && !this.bounded.has(one)) || (one.op === 'alu' && one.alu !== 'div' && one.alu !== 'mod')
      return isFollowed ? one.arguments : undefined
    })
  }

  /** What is left of the most that a value can be, with the tests that were passed on the way to `at`. */
  private tested(value: Value, before: bigint, at: Block): bigint {
    // What is loaded again instead of being kept has lost what a test said of it.
    if (value.op === 'load' || !this.compared.has(value)) return before
    let most = before
    for (let block = at; ; ) {
      const above = this.dominators.of(block)
      if (above === undefined) return most
      const passed = this.passed(above, block)
      const limit = passed && limitOf(value, passed.comparison, passed.left, passed.right)
      // A comparison of low halves says nothing of more.
      if (limit !== undefined && (passed?.bits === 64 || before <= 0xffffffffn)) most = smaller(most, limit)
      block = above
    }
  }
}

function limitOf(value: Value, comparison: Comparison, left: Value, right: Value): bigint | undefined {
  if (right === value && left !== value) return limitOf(value, MIRRORED[comparison], right, left)
  if (left !== value || right.op !== 'const') return undefined
  if (comparison === 'ult') return right.value - 1n
  return comparison === 'ule' || comparison === 'eq' ? right.value : undefined
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

const isPacket = (value: Value): boolean => value.op === 'load' && value.start === true
