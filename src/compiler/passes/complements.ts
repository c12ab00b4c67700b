import type { ByValue } from '../by-value.ts'
import type { Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { Wired } from '../wired.ts'
import { addOpen, countUses, Numbers, replaceAll } from './graph.ts'
import { fits } from './simplify.ts'

const ONES_16 = 0xffffn
const MOST_IMMEDIATE = (1n << 31n) - 1n

/**
 * In sums that are going to be folded: `s - x`, and 0xffff more in the end, is one instruction less than the complement of `x` and
 * `s` added to it. What the sum is does not change by it.
 */
export function subtractComplements(graph: Graph, folds: readonly Value[]): void {
  const uses = countUses(graph)
  const numbers = new Numbers(graph)
  const differences = new Map<Value, Value>()
  const sums = new Map<Value, Value>()
  const open: Value[] = []
  const opened = (number: Wired, more: bigint, at: Value['at']): Value => {
    const of = (numbers: readonly number[]): number => number.of(numbers) + Number(more)
    const wired = new Wired({ name: `${number.name} + ${more}`, bits: 31, places: number.places, of })
    const value = newValue({ op: 'wired', wired }, numbers.next(), [], at)
    open.push(value)
    return value
  }
  for (const fold of folds) {
    const [root] = fold.arguments
    if (root === undefined) continue
    const found = nodesOf(root, uses).flatMap((node) => differenceOf(node, uses))
    const last = isSum(root) ? root.arguments[1] : undefined
    const before = last?.op === 'const' ? last.value : last?.op === 'wired' ? ONES_16 : 0n
    const all = found.reduce((sum, { ones }) => sum + ones, before)
    if (found.length <= (before === 0n ? 1 : 0) || all > MOST_IMMEDIATE) continue
    if (last?.op === 'wired' && last.wired.bits > 16) continue
    const { at } = fold
    for (const { node, from, term, inner } of found) {
      if (inner !== undefined) term.arguments = inner
      differences.set(node, newValue({ op: 'alu', alu: 'sub', bits: 64 }, node.id, [from, term], node.at))
    }
    const constant = last?.op === 'wired' ? opened(last.wired, all - before, at) : newConstant(all, at)
    if (before !== 0n) root.arguments[1] = constant
    else sums.set(fold, newValue({ op: 'alu', alu: 'add', bits: 64 }, numbers.next(), [root, constant], at))
  }
  for (const block of graph.blocks)
    block.values = block.values.flatMap((value) => {
      const sum = sums.get(value)
      if (sum !== undefined) value.arguments = [sum]
      return sum === undefined ? [differences.get(value) ?? value] : [sum, value]
    })
  replaceAll(graph, differences)
  addOpen(graph, open)
}

type Uses = ByValue<number>

const isSum = (value: Value): boolean => value.op === 'alu' && value.alu === 'add' && value.bits === 64

/** Additions that nothing else looks at. */
function nodesOf(root: Value, uses: Uses): Value[] {
  const nodes: Value[] = []
  const waiting = [root]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!isSum(next) || uses.get(next) !== 1) continue
    nodes.push(next)
    waiting.push(...next.arguments)
  }
  return nodes
}

interface Difference {
  readonly node: Value
  readonly from: Value
  readonly term: Value
  /** What the term is made of then. */
  readonly inner?: Value[]
  readonly ones: bigint
}

/** Where one side is a complement, and the register of the other one can take the result. */
function differenceOf(node: Value, uses: Uses): Difference[] {
  const [a, b] = node.arguments
  if (a === undefined || b === undefined) return []
  for (const [from, term] of [
    [a, b],
    [b, a],
  ] as const) {
    if (from.op === 'const' || uses.get(from) !== 1) continue
    const whole = complemented(term, uses)
    if (whole !== undefined) return [{ node, from, term: whole, ones: ONES_16 }]
    const [shifted, by] = term.arguments
    if (term.op !== 'alu' || term.alu !== 'lsh' || shifted === undefined || by?.op !== 'const') continue
    const inner = uses.get(term) === 1 && by.value === 8n ? complemented(shifted, uses) : undefined
    if (inner !== undefined) return [{ node, from, term, inner: [inner, by], ones: ONES_16 << 8n }]
  }
  return []
}

/** What a value of 16 bits is the complement of, if only this is made of it. */
function complemented(value: Value, uses: Uses): Value | undefined {
  const [inner, mask] = value.arguments
  const isComplement = value.op === 'alu' && value.alu === 'xor' && mask?.op === 'const' && mask.value === ONES_16
  return isComplement && uses.get(value) === 1 && fits(inner, 16) ? inner : undefined
}
