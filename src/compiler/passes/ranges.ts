import { ByValue } from '../by-value.ts'
import type { AluName, Block, Graph, Value } from '../ir.ts'
import { bitLength, ones } from './bits.ts'
import { boundedPhis } from './bound-loops.ts'
import { isDistance } from './pointers.ts'

const ONES_16 = 0xffffn
const ONES_32 = 0xffff_ffffn
const ONES_64 = 0xffff_ffff_ffff_ffffn

/** In the eyes of the verifier values can be more: of some operations it follows no bounds. Distances are from the packet's start. */
type Eyes = 'values' | 'verifier' | 'distances'

/** What is left of the most that a value can be where a block ends, or another value is made of it there. */
type Narrow = (value: Value, most: bigint, block: Block, made: Value | undefined) => bigint

/** The most that values can be. */
export class Ranges {
  private readonly eyes: Eyes
  private readonly narrow: Narrow
  private readonly known: ByValue<bigint>
  /** Of which the verifier knows nothing. */
  private readonly bounded: ReadonlySet<Value>

  constructor(graph: Graph, eyes: Eyes, narrow: Narrow = (_value, most) => most) {
    this.eyes = eyes
    this.narrow = narrow
    this.known = new ByValue(graph)
    this.bounded = eyes === 'verifier' ? boundedPhis(graph) : new Set()
    // Every value comes after its arguments, but for what goes round a loop: that can be anything.
    for (const block of graph.blocks) for (const value of block.values) this.known.set(value, this.find(value, block))
  }

  most(value: Value): bigint {
    if (value.op === 'wired') return ones(Math.min(value.wired.bits, 64))
    return value.op === 'const' ? value.value : (this.known.get(value) ?? ONES_64)
  }

  /** The same, where a block ends. */
  mostIn(block: Block, value: Value, made?: Value): bigint {
    return this.narrow(value, this.most(value), block, made)
  }

  private find(value: Value, block: Block): bigint {
    const [a, b] = value.arguments
    const most = (one: Value): bigint => this.mostIn(block, one, value)
    switch (value.op) {
      case 'load':
        return this.eyes === 'distances' && value.start === true ? 0n : ones(8 * value.size)
      case 'low32':
        return a === undefined ? ONES_32 : least(most(a), ONES_32)
      case 'fold':
        return a === undefined ? ones(value.bits) : (foldSteps(most(a), value.bits).at(-1)?.most ?? most(a))
      case 'swap':
        return this.eyes === 'verifier' ? ONES_64 : ones(value.bits)
      case 'phi':
        if (this.bounded.has(value)) return ONES_64
        return counted(value, block.predecessors) ?? value.arguments.map(most).reduce((x, y) => (x > y ? x : y), 0n)
      case 'alu': {
        if (this.eyes === 'verifier' && (isDistance(value) || isUnfollowed(value))) return ONES_64
        const all = ones(value.bits)
        const result = a && b && arithmetic(value, least(most(a), all), least(most(b), all))
        return result === undefined || result > all ? all : result
      }
      default:
        return ONES_64
    }
  }
}

/** Of operands that are at most `a` and `b`. Undefined, or more than there is room for, where it can be anything. */
function arithmetic(
  { alu, bits, arguments: [, right] }: Extract<Value, { op: 'alu' }>,
  a: bigint,
  b: bigint,
): bigint | undefined {
  const isConstant = right?.op === 'const'
  const by = isConstant && right.value < BigInt(bits) ? right.value : undefined
  const half = ones(bits / 2)
  switch (alu) {
    case 'add':
      return a + b
    case 'mul':
      // Of more than half of what there is room for the verifier follows no product (scalar_min_max_mul, before Linux 6.14).
      return a <= half && b <= half ? a * b : undefined
    case 'and':
      return least(a, b)
    case 'or':
    case 'xor':
      return ones(bitLength(a > b ? a : b))
    case 'lsh':
      // More than half of what there is room for is anything, to the verifier.
      return by === undefined || (a << by) >> BigInt(bits - 1) > 0n ? undefined : a << by
    case 'rsh':
      return by === undefined ? a : a >> by
    case 'div':
      return isConstant && b > 0n ? a / b : undefined
    case 'mod':
      return isConstant && b > 0n ? least(a, b - 1n) : undefined
    default:
      return undefined
  }
}

/**
 * What these give is nothing that the verifier knows, all 64 bits of it (kernel/bpf/verifier.c, is_safe_to_compute_dst_reg_range).
 * Of two numbers that it does not know it follows sums, differences and masks, and before Linux 6.10 nothing else.
 */
const isUnfollowed = ({ alu, arguments: [, right] }: Extract<Value, { op: 'alu' }>): boolean =>
  alu === 'div' || alu === 'mod' || (!FOLLOWED.has(alu) && right?.op !== 'const')

const FOLLOWED: ReadonlySet<AluName> = new Set(['add', 'sub', 'and'] as const)

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

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
