import type { Block, Graph, Value } from '../ir.ts'
import { Numbers, removeEdge, replaceAll } from './graph.ts'
import { compareConstants } from './simplify.ts'

/**
 * How large values can be decides comparisons, makes masks unnecessary, and lets a constant part of an offset in the packet move
 * into the displacement of what is loaded there: `data + (x + 14)` is `(data + x) + 14`.
 */
export function useRanges(graph: Graph): boolean {
  const changed = decideBranches(graph, new Ranges(graph, 'values'))
  return simplifyOffsets(graph, new Ranges(graph, 'verifier')) || changed
}

function decideBranches(graph: Graph, ranges: Ranges): boolean {
  let changed = false
  for (const block of graph.blocks) {
    const { end } = block
    if (end?.op !== 'branch' || end.proof || end.right.op !== 'const' || !end.comparison.startsWith('u')) continue
    const most = ranges.most(end.left)
    const { value } = end.right
    const [least, last] = [0n, most].map((left) => compareConstants(end.comparison, 64, left, value))
    // What cannot be more than 32 bits is the same number in a comparison of either width.
    if (least !== last || (end.bits === 32 && (most > ONES_32 || value > ONES_32))) continue
    const [to, gone] = least === true ? [end.whenTrue, end.whenFalse] : [end.whenFalse, end.whenTrue]
    removeEdge(block, gone)
    block.end = { op: 'jump', to, at: end.at }
    changed = true
  }
  return changed
}

function simplifyOffsets(graph: Graph, ranges: Ranges): boolean {
  const numbers = new Numbers(graph)
  const replacements = new Map<Value, Value>()
  let changed = false
  for (const block of graph.blocks) {
    const values: Value[] = []
    for (const value of block.values) {
      value.arguments = value.arguments.map((one) => replacements.get(one) ?? one)
      const unmasked = withoutMask(value, ranges)
      if (unmasked !== undefined) {
        replacements.set(value, unmasked)
        continue
      }
      const terms = termsOf(value, ranges)
      if (terms !== undefined) {
        for (const term of terms.slice(0, -1)) {
          const pointer: Value = { ...value, id: numbers.next(), arguments: [...value.arguments.slice(0, 1), term] }
          values.push(pointer)
          value.arguments = [pointer, ...terms.slice(-1)]
        }
        changed = true
      }
      values.push(value)
    }
    block.values = values
  }
  replaceAll(graph, replacements)
  return changed || replacements.size > 0
}

/** What is masked, where the mask takes nothing away. */
function withoutMask(value: Value, ranges: Ranges): Value | undefined {
  const [a, b] = value.arguments
  if (value.op !== 'alu' || value.alu !== 'and' || b?.op !== 'const' || a === undefined) return undefined
  const isMask = ((b.value + 1n) & b.value) === 0n
  return isMask && ranges.most(a) <= b.value ? a : undefined
}

/** What is added to a pointer, where it is a sum that does not wrap. A constant is the last of it. */
function termsOf(value: Value, ranges: Ranges): Value[] | undefined {
  const [data, sum] = value.arguments
  if (value.op !== 'alu' || value.alu !== 'add' || value.bits !== 64 || data === undefined || sum === undefined)
    return undefined
  const terms: Value[] = []
  const waiting = [sum]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [a, b] = next.arguments
    const isSum = next.op === 'alu' && next.alu === 'add' && a !== undefined && b !== undefined
    if (isSum && ranges.most(a) + ranges.most(b) <= ONES_16) waiting.push(b, a)
    else terms.push(next)
  }
  if (terms.length === 1 || terms.length > MOST_TERMS) return undefined
  return terms.filter(({ op }) => op !== 'const').concat(terms.filter(({ op }) => op === 'const'))
}

/** Offsets of headers behind headers behind headers; what is longer is no offset, and adding its parts one by one may take long. */
const MOST_TERMS = 6

const ONES_16 = 0xffffn
const ONES_32 = 0xffff_ffffn
const ONES_64 = 0xffff_ffff_ffff_ffffn

/** In the eyes of the verifier values can be more: of some operations it follows no bounds. Distances are from the packet's start. */
type Eyes = 'values' | 'verifier' | 'distances'

/** The most that values can be. */
export class Ranges {
  private readonly eyes: Eyes
  private readonly known = new Map<Value, bigint>()

  constructor({ blocks }: Graph, eyes: Eyes) {
    this.eyes = eyes
    // Every value comes after its arguments, but for what goes round a loop: that can be anything.
    for (const block of blocks)
      for (const value of block.values) this.known.set(value, this.find(value, block.predecessors))
  }

  most(value: Value): bigint {
    return value.op === 'const' ? value.value : (this.known.get(value) ?? ONES_64)
  }

  private find(value: Value, predecessors: readonly Block[]): bigint {
    const [a, b] = value.arguments
    switch (value.op) {
      case 'load':
        return this.eyes === 'distances' && value.start === true ? 0n : ones(8 * value.size)
      case 'low32':
        return a === undefined ? ONES_32 : least(this.most(a), ONES_32)
      case 'fold':
        return a === undefined ? ones(value.bits) : (foldSteps(this.most(a), value.bits).at(-1)?.most ?? this.most(a))
      case 'swap':
        return this.eyes === 'verifier' ? ONES_64 : ones(value.bits)
      case 'phi':
        return (
          counted(value, predecessors) ??
          value.arguments.map((one) => this.most(one)).reduce((x, y) => (x > y ? x : y), 0n)
        )
      case 'alu': {
        const all = ones(value.bits)
        const most = a && b && this.arithmetic(value, this.most(a), b)
        return most === undefined || most > all ? all : most
      }
      default:
        return ONES_64
    }
  }

  /** Undefined, or more than there is room for, where it can be anything. */
  private arithmetic({ alu, bits }: Extract<Value, { op: 'alu' }>, a: bigint, right: Value): bigint | undefined {
    const b = this.most(right)
    const by = right.op === 'const' && right.value < BigInt(bits) ? right.value : undefined
    // A 32-bit operation looks at the low halves only.
    if (bits === 32 && alu !== 'and' && (a > ONES_32 || b > ONES_32)) return undefined
    switch (alu) {
      case 'add':
        return a + b
      case 'mul':
        return a <= ONES_16 && b <= ONES_16 ? a * b : undefined
      case 'and':
        return least(a, b)
      case 'or':
      case 'xor':
        return ones((a > b ? a : b).toString(2).length)
      case 'lsh':
        // More than half of what there is room for is anything, to the verifier.
        return by === undefined || (a << by) >> BigInt(bits - 1) > 0n ? undefined : a << by
      case 'rsh':
        // Nor does it follow a shift by anything but a constant.
        if (by === undefined) return this.eyes === 'verifier' ? undefined : a
        return a >> by
      case 'div':
        return this.eyes !== 'verifier' && right.op === 'const' && right.value > 0n ? a / right.value : undefined
      case 'mod':
        return this.eyes !== 'verifier' && right.op === 'const' && right.value > 0n
          ? least(a, right.value - 1n)
          : undefined
      default:
        return undefined
    }
  }
}

/** Folding: by how many bits the upper part is moved down, and what sum there is then at most. */
export function foldSteps(most: bigint, bits: 16 | 32): readonly { readonly by: bigint; readonly most: bigint }[] {
  const steps: { by: bigint; most: bigint }[] = []
  for (let left = most; left > ones(bits); ) {
    const by = left >> 47n === 0n ? 16n : 32n
    // There is one carry, and it does not make another.
    left = bits === 16 && left <= 2n * ONES_16 ? ONES_16 : ones(Number(by)) + (left >> by)
    steps.push({ by, most: left })
  }
  return steps
}

/** The most of a loop's counter: the verifier walks every round, and so knows it. */
function counted(phi: Value, predecessors: readonly Block[]): bigint | undefined {
  for (const [index, { end }] of predecessors.entries()) {
    const stepped = phi.arguments[index]
    if (end?.op !== 'branch' || end.counts !== true || end.left !== stepped || end.right.op !== 'const') continue
    const [before, step] = stepped.arguments
    const start = phi.arguments[1 - index]
    const adds = stepped.op === 'alu' && stepped.alu === 'add' && before === phi
    if (!adds || phi.arguments.length !== 2 || step?.op !== 'const' || start?.op !== 'const') continue
    // It ends with exactly `right`. Counting down, the step is a negative number.
    if (end.right.value > start.value && end.right.value < ONES_16) return end.right.value - step.value
    if (end.right.value < start.value && start.value < ONES_16) return start.value
  }
  return undefined
}

const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
