import { FARTHEST as FARTHEST_BYTE } from '../../lang/index.ts'
import { type Block, type Comparison, type Graph, MIRRORED, NEGATED, type Value } from '../ir.ts'
import { newJump } from '../value.ts'
import { Analyses } from './analyses.ts'
import type { Dominators } from './dominators.ts'
import { prune, removeEdge } from './graph.ts'
import { isDistance } from './pointers.ts'
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
const UNKNOWN = 2n ** 64n - 1n

/** Values that are looked at for one test, before it is left to the verifier: what goes round loops can be asked for in very many ways. */
const MOST_STEPS = 5_000

class Knowledge {
  private readonly dominators: Dominators
  private readonly homes = new Map<Value, Block>()
  /** What {@link computed} has found of values that depend on nothing that goes round a loop to them. */
  private readonly found = new Map<Value, bigint>()
  private steps = 0
  /** How often {@link most} had to give up. */
  private unknown = 0

  constructor(graph: Graph, dominators: Dominators) {
    this.dominators = dominators
    for (const block of graph.blocks) for (const value of block.values) this.homes.set(value, block)
  }

  covers(block: Block): boolean {
    const { end } = block
    this.steps = 0
    if (end?.op !== 'branch') return false
    if (this.isExact(end.left) || this.isWithin(block)) return true
    return end.right.op === 'const' && this.most(end.left, block) <= end.right.value
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
      const isKnown = term.op === 'const' || (at !== undefined && this.isExact(term))
      const more = isKnown ? this.most(term, at) : UNKNOWN
      if (more > FARTHEST) return { from, most }
      most += more
      from = inner
    }
  }

  /** Whether the verifier knows a number, or how far into the packet a pointer leads, exactly on each way. */
  private isExact(value: Value): boolean {
    return holds(value, (one) => {
      if (one.op === 'const' || isPacket(one)) return []
      const isFollowed = one.op === 'phi' || (one.op === 'alu' && one.alu !== 'div' && one.alu !== 'mod')
      return isFollowed ? one.arguments : undefined
    })
  }

  /** The largest that the verifier takes a value for where a block ends. */
  private most(value: Value, at: Block | undefined, seen: Set<Value> = new Set()): bigint {
    if (seen.has(value) || ++this.steps > MOST_STEPS) {
      this.unknown++
      return UNKNOWN
    }
    const inside = this.found.get(value) ?? this.find(value, seen)
    // What is loaded again instead of being kept has lost what a test said of it.
    return value.op === 'load' || at === undefined ? inside : this.tested(value, at, inside)
  }

  private find(value: Value, seen: Set<Value>): bigint {
    const before = this.unknown
    seen.add(value)
    const found = this.computed(value, seen)
    seen.delete(value)
    if (this.unknown === before) this.found.set(value, found)
    return found
  }

  private computed(value: Value, seen: Set<Value>): bigint {
    const home = this.homes.get(value)
    const most = (index: number): bigint => {
      const one = value.arguments[index]
      return one === undefined ? UNKNOWN : this.most(one, home, seen)
    }
    switch (value.op) {
      case 'const':
        return value.value
      case 'load':
        return 2n ** BigInt(8 * value.size) - 1n
      case 'low32':
        return smaller(most(0), 0xffffffffn)
      case 'phi':
        return this.counted(value) ?? value.arguments.map((_, index) => most(index)).reduce(larger, 0n)
      case 'alu': {
        const all = 2n ** BigInt(value.bits) - 1n
        const [a, b] = [smaller(most(0), all), smaller(most(1), all)]
        const constant = value.arguments[1]?.op === 'const'
        const by = b & BigInt(value.bits - 1)
        // Both halves of what these give are unknown.
        if (value.alu === 'div' || value.alu === 'mod' || isDistance(value)) return UNKNOWN
        const result = {
          and: smaller(a, b),
          add: a + b,
          mul: constant ? a * b : UNKNOWN,
          lsh: constant ? a << by : UNKNOWN,
          rsh: constant ? a >> by : UNKNOWN,
          or: 2n ** BigInt(larger(a, b).toString(2).length) - 1n,
          xor: 2n ** BigInt(larger(a, b).toString(2).length) - 1n,
        }[value.alu as string]
        return result === undefined || result > all ? all : result
      }
      default:
        return UNKNOWN
    }
  }

  /** The variable of a loop that counts from one constant to another. */
  private counted(phi: Value): bigint | undefined {
    const stepped = phi.arguments.find((one) => one.op === 'alu' && one.alu === 'add' && one.arguments[0] === phi)
    const starts = phi.arguments.filter((one) => one !== stepped)
    const step = stepped?.arguments[1]
    const home = stepped && this.homes.get(stepped)
    const { end } = home ?? {}
    if (stepped?.op !== 'alu' || step?.op !== 'const' || end?.op !== 'branch' || end.counts !== true) return undefined
    if (end.left !== stepped || end.right.op !== 'const') return undefined
    const last = BigInt.asUintN(stepped.bits, end.right.value - step.value)
    return starts.every(({ op }) => op === 'const')
      ? starts.reduce((most, one) => (one.op === 'const' ? larger(most, one.value) : most), last)
      : undefined
  }

  /** The same, with the tests that were passed on the way to `at`. */
  private tested(value: Value, at: Block, before: bigint): bigint {
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
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const isPacket = (value: Value): boolean => value.op === 'load' && value.start === true
