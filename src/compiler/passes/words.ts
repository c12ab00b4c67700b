import type { Block, Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { Numbers, replaceAll } from './graph.ts'
import { fits, swapBytes } from './simplify.ts'

/**
 * Sums of 16-bit words that a program adds up and folds by itself (RFC 1071). Folding is one operation, what is added has room for
 * carries, the order of octets is changed once in the result and not in each word (section 2B), and words next to each other are
 * read in pairs: 65536 is 1 to such a sum.
 */
export function wordSums(graph: Graph, analyses = new Analyses(graph)): boolean {
  const recognised = recogniseFolds(graph)
  if (recognised) return true
  const folds: { readonly block: Block; readonly fold: Value }[] = []
  for (const block of graph.blocks)
    for (const fold of block.values) if (fold.op === 'fold' && fold.bits === 16) folds.push({ block, fold })
  if (folds.length === 0) return false
  const words = new Words(graph, analyses)
  for (const { block, fold } of folds) words.shorten(block, fold)
  return words.finish()
}

const ONES_16 = 0xffffn
const ONES_32 = 0xffff_ffffn

/** `(x & 0xffff) + (x >> 16)`, of the same of a number of 32 bits: what that can be has no carry left. */
function recogniseFolds(graph: Graph): boolean {
  const replacements = new Map<Value, Value>()
  for (const block of graph.blocks) {
    if (!block.values.some(isSum)) continue
    for (const [index, value] of block.values.entries()) {
      const once = halved(value)
      const given = once && halved(once)
      if (given === undefined || !fits(given, 32)) continue
      const fold = newValue({ op: 'fold', bits: 16 }, value.id, [given], value.at)
      block.values[index] = fold
      replacements.set(value, fold)
    }
  }
  replaceAll(graph, replacements)
  return replacements.size > 0
}

const isSum = (value: Value): boolean => value.op === 'alu' && value.alu === 'add'

/** What the sum of two halves is made of. */
function halved({ op, alu, arguments: [low, high] }: Value & { readonly alu?: string }): Value | undefined {
  if (op !== 'alu' || alu !== 'add' || low?.op !== 'alu' || high?.op !== 'alu') return undefined
  const [[whole, mask], [other, by]] = [low.arguments, high.arguments]
  const isLow = low.alu === 'and' && mask?.op === 'const' && mask.value === ONES_16
  const isHigh = high.alu === 'rsh' && by?.op === 'const' && by.value === 16n
  return isLow && isHigh && whole === other ? whole : undefined
}

/** Sums of that many are far from wrapping, and so are those of twice as many bits. */
const MOST = 1n << 32n

type Load = Extract<Value, { op: 'load' }>

class Words {
  private readonly graph: Graph
  private readonly analyses: Analyses
  private readonly numbers: Numbers
  private readonly replacements = new Map<Value, Value>()

  constructor(graph: Graph, analyses: Analyses) {
    this.graph = graph
    this.analyses = analyses
    this.numbers = new Numbers(graph)
  }

  finish(): boolean {
    replaceAll(this.graph, this.replacements)
    return this.replacements.size > 0
  }

  shorten(block: Block, fold: Value): void {
    const [given] = fold.arguments
    const sum = this.sumOf(fold)
    const loads = this.wordsOf(block, sum)
    const isTurned = sum.terms.length > 0 && sum.terms.every(isSwapped)
    // How large it can be is asked last, because that takes long to find out.
    if (sum.narrow.length === 0 && !isTurned && loads.length < 2) return
    if (given === undefined || this.analyses.ranges.most(given) > MOST) return
    if (sum.narrow.length > 0) this.widen(sum.narrow)
    else if (isTurned) this.turn(block, fold, sum)
    else this.pair(block, sum, loads)
  }

  /** What is added up: additions that nothing else looks at, those of them that are of 32 bits, and what they add. */
  private sumOf(fold: Value) {
    const { uses, ranges } = this.analyses
    const [additions, narrow, terms, constants]: [Value[], Value[], Value[], bigint[]] = [[], [], [], []]
    const waiting = fold.arguments.slice()
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const bits = next.op === 'alu' && next.alu === 'add' && uses.get(next) === 1 ? next.bits : undefined
      // What does not reach the largest number there is has not gone round it.
      if (bits === 64 || (bits === 32 && ranges.most(next) < ONES_32)) {
        additions.push(next)
        if (bits === 32) narrow.push(next)
        waiting.push(...next.arguments)
      } else if (next.op === 'const') constants.push(next.value)
      else terms.push(next)
    }
    return { additions, narrow, terms, constants }
  }

  private widen(narrow: readonly Value[]): void {
    for (const block of this.graph.blocks)
      for (const [index, value] of block.values.entries()) {
        if (!narrow.includes(value)) continue
        const wide = newValue({ op: 'alu', alu: 'add', bits: 64 }, value.id, value.arguments, value.at)
        block.values[index] = wide
        this.replacements.set(value, wide)
      }
  }

  /** The octets of the result are changed round, not those of what is added. */
  private turn(block: Block, fold: Value, { additions, constants }: ReturnType<Words['sumOf']>): void {
    if (constants.some((one) => one > ONES_16)) return
    const turned = (one: Value): Value => {
      if (one.op === 'const') return newConstant(swapBytes(one.value, 16), one.at)
      return isSwapped(one) ? (one.arguments[0] ?? one) : one
    }
    for (const sum of [...additions, fold]) sum.arguments = sum.arguments.map(turned)
    const same = newValue({ op: 'fold', bits: 16 }, this.numbers.next(), fold.arguments, fold.at)
    const result = newValue({ op: 'swap', bits: 16 }, fold.id, [same], fold.at)
    block.values.splice(block.values.indexOf(fold), 1, same, result)
    this.replacements.set(fold, result)
  }

  /** Words of the packet that are loaded in a block for a sum alone, by their places. */
  private wordsOf(block: Block, { terms }: ReturnType<Words['sumOf']>): Load[] {
    const { uses } = this.analyses
    const isWord = (one: Value): one is Load =>
      one.op === 'load' && one.from === 'packet' && one.size === 2 && uses.get(one) === 1
    return terms
      .filter(isWord)
      .filter((one) => block.values.includes(one))
      .sort((a, b) => a.offset - b.offset)
  }

  /** Two of them that lie together are loaded as one. */
  private pair(block: Block, { additions }: ReturnType<Words['sumOf']>, loads: readonly Load[]): void {
    const { states } = this.analyses
    const isNext = (one: Load, next: Load) =>
      one.arguments[0] === next.arguments[0] &&
      one.offset + one.size === next.offset &&
      states.before(one, 'packet') === states.before(next, 'packet')
    const left = new Set(loads)
    for (const first of loads) {
      const second = left.has(first) ? [...left].find((one) => isNext(first, one)) : undefined
      if (second === undefined) continue
      left.delete(first)
      left.delete(second)
      const both = newValue({ ...first, size: 4 }, first.id, first.arguments, first.at)
      block.values[block.values.indexOf(first)] = both
      this.replacements.set(first, both)
      const sum = additions.find((one) => one.arguments.includes(second))
      if (sum !== undefined)
        sum.arguments = sum.arguments.map((one) => (one === second ? newConstant(0n, one.at) : one))
    }
  }
}

/** What two octets give in the other order. */
const isSwapped = (value: Value): boolean => value.op === 'swap' && value.bits === 16 && fits(value.arguments[0], 16)
