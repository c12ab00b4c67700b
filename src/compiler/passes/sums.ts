import type { Graph, Value } from '../ir.ts'
import { Decisive } from '../shared.ts'
import { newConstant, newValue } from '../value.ts'
import { Wired } from '../wired.ts'
import { Analyses } from './analyses.ts'
import { Numbers } from './graph.ts'
import { fits } from './simplify.ts'

/**
 * Sums of 16-bit words that are going to be folded, made shorter: their parts need not be folded before, constants become one of
 * 16 bits, and of `x` and its complement, which assignments in a row leave, only a constant is left. A sum stays 0 or not 0: that
 * decides which of the two zeros of one's complement it folds to.
 */
export function shortenSums(graph: Graph, analyses = new Analyses(graph)): boolean {
  if (!graph.blocks.some(({ values }) => values.some(({ op }) => op === 'fold'))) return false
  const numbers = new Numbers(graph)
  let changed = false
  for (const block of graph.blocks) {
    for (const fold of [...block.values]) {
      const [given] = fold.arguments
      if (fold.op !== 'fold' || given === undefined) continue
      const sum = new Sum(given, analyses)
      if (sum.isShort() || analyses.ranges.most(given) > MOST) continue
      changed = true
      const { at } = fold
      const rest = sum.rest()
      const known = sum.constant()
      const isOpen = known instanceof Wired
      const constant = isOpen ? newValue({ op: 'wired', wired: known }, numbers.next(), [], at) : newConstant(known, at)
      const all = newValue({ op: 'alu', alu: 'add', bits: 64 }, numbers.next(), [rest ?? constant, constant], at)
      const added = rest === undefined || known === 0n ? [] : [all]
      block.values.splice(block.values.indexOf(fold), 0, ...(isOpen ? [constant] : []), ...added)
      fold.arguments = [added[0] ?? rest ?? constant]
    }
  }
  return changed
}

/** Sums of that many are far from wrapping. */
const MOST = 1n << 48n

class Sum {
  private readonly root: Value
  private readonly analyses: Analyses
  private readonly constants: bigint[] = []
  private readonly open: Wired[] = []
  private readonly terms: Value[] = []
  /** How often each term is to be left out. */
  private readonly gone = new Map<Value, number>()
  private isNested = false

  constructor(root: Value, analyses: Analyses) {
    this.root = root
    this.analyses = analyses
    const waiting = [root]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const inner = this.unfolded(next)
      this.isNested ||= inner !== next
      if (this.isOwn(inner)) waiting.push(...inner.arguments)
      else if (inner.op === 'const') this.constants.push(inner.value)
      else if (inner.op === 'wired' && inner.wired.isLong) throw new Decisive('a long number in a sum', [inner.wired])
      else if (inner.op === 'wired') this.open.push(inner.wired)
      else this.terms.push(inner)
    }
    for (const term of this.terms) this.cancel(term)
  }

  /** Whether there is nothing to gain. */
  isShort(): boolean {
    const last = this.root.arguments[1]
    const count = this.constants.length + this.open.length
    return !this.isNested && this.gone.size === 0 && count <= 1 && (count === 0 || isConstant(last, this.constant()))
  }

  /** With an open number in it, it is one. */
  constant(): bigint | Wired {
    const { open } = this
    const known = this.constants.reduce((x, y) => x + y, 0n)
    const [only] = open
    if (only === undefined) return oneWord(known)
    if (open.length === 1 && known === 0n && only.bits <= 16) return only
    return new Wired({
      name: `the word of ${[known, ...open.map(({ name }) => name).sort()].join(' and ')}`,
      bits: 16,
      places: [...new Set(open.flatMap(({ places }) => places))],
      of: (numbers) => Number(oneWord(open.reduce((sum, one) => sum + unsigned(one.of(numbers)), known))),
    })
  }

  /** The sum without its constants; undefined where nothing else is in it. */
  rest(node: Value = this.root): Value | undefined {
    const inner = this.unfolded(node)
    if (inner.op === 'const' || inner.op === 'wired') return undefined
    if (!this.isOwn(inner)) return this.leavesOut(inner) ? undefined : inner
    const [left, right] = inner.arguments.map((one) => this.rest(one))
    if (left === undefined || right === undefined) return left ?? right
    inner.arguments = [left, right]
    return inner
  }

  private unfolded(value: Value): Value {
    const [sum] = value.arguments
    const isOwn = value.op === 'fold' && this.analyses.uses.get(value) === 1
    return isOwn && sum !== undefined && this.analyses.ranges.most(sum) <= MOST ? this.unfolded(sum) : value
  }

  /** An addition that nothing else looks at. */
  private isOwn(value: Value): boolean {
    return value.op === 'alu' && value.alu === 'add' && value.bits === 64 && this.analyses.uses.get(value) === 1
  }

  private cancel(complement: Value): void {
    const [value, mask] = complement.arguments
    if (complement.op !== 'alu' || complement.alu !== 'xor' || mask?.op !== 'const') return
    if ((mask.value !== 0xffffn && mask.value !== 0xffff_ffffn) || value === undefined) return
    const left = (one: Value) => this.terms.filter((term) => term === one).length - (this.gone.get(one) ?? 0)
    if (!fits(value, mask.value === 0xffffn ? 16 : 32) || left(value) <= 0 || left(complement) <= 0) return
    for (const one of [value, complement]) this.gone.set(one, (this.gone.get(one) ?? 0) + 1)
    this.constants.push(mask.value)
  }

  private leavesOut(term: Value): boolean {
    const left = this.gone.get(term) ?? 0
    if (left > 0) this.gone.set(term, left - 1)
    return left > 0
  }
}

/** Of an immediate of 32 bits, which has a sign where its octets were changed round. */
const unsigned = (immediate: number): bigint => BigInt.asUintN(32, BigInt(immediate))

const oneWord = (sum: bigint): bigint => (sum === 0n ? 0n : ((sum - 1n) % 0xffffn) + 1n)

const isConstant = (value: Value | undefined, known: bigint | Wired): boolean =>
  known instanceof Wired
    ? value?.op === 'wired' && value.wired.name === known.name
    : value?.op === 'const' && value.value === known
