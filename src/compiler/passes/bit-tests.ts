import { type Block, type Graph, isPure, type Terminator, type Value } from '../ir.ts'
import { newConstant, newJump, newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { ones } from './bits.ts'
import { Numbers, prune, removeEdge } from './graph.ts'
import { fits, swapBytes } from './simplify.ts'

/**
 * Tests of bits: `(source & mask) === value`. Shifts, swaps and masks go into the constants; tests one after the other
 * that lead to the same place where they fail become one. So do bounds checks: the packet has to be as long as the longer
 * one wants.
 */
export function combineTests(graph: Graph, analyses = new Analyses(graph)): boolean {
  const numbers = new Numbers(graph)
  let changed = false
  for (const block of graph.blocks) {
    changed = plain(block, numbers) || changed
    while (combine(block, numbers, analyses) || mergeBounds(block, numbers)) changed = true
  }
  if (changed) prune(graph)
  return changed
}

type Branch = Extract<Terminator, { op: 'branch' }>

/** Goes to `same` where (source & mask) is `value`, else to `other`. */
interface BitTest {
  readonly source: Value
  readonly mask: bigint
  readonly value: bigint
  readonly same: Block
  readonly other: Block
}

/** What a test for equality with a constant looks at. Undefined where it is no such test, or is never true. */
function bitTest({ comparison, bits, left, right, whenTrue, whenFalse }: Branch): BitTest | undefined {
  if ((comparison !== 'eq' && comparison !== 'ne') || right.op !== 'const') return undefined
  // A pointer, mostly: all of it is looked at, and that is more than a mask can say.
  if (bits === 64 && (left.op === 'call' || left.op === 'phi')) return undefined
  const seen = look(left, ones(bits), right.value & ones(bits))
  if (seen === undefined) return undefined
  const { source, mask, value } = seen
  return comparison === 'eq'
    ? { source, mask, value, same: whenTrue, other: whenFalse }
    : { source, mask, value, same: whenFalse, other: whenTrue }
}

function look(start: Value, startMask: bigint, startValue: bigint): Omit<BitTest, 'same' | 'other'> | undefined {
  let [source, mask, value] = [start, startMask, startValue]
  for (;;) {
    const [inner, by] = source.arguments
    if (inner === undefined) break
    if (source.op === 'alu' && source.alu === 'and' && by?.op === 'const') mask &= by.value & ones(source.bits)
    else if (source.op === 'alu' && source.alu === 'rsh' && by?.op === 'const' && by.value < BigInt(source.bits)) {
      mask &= ones(source.bits - Number(by.value))
      if ((value & ~mask) !== 0n) return undefined
      ;[mask, value] = [mask << by.value, value << by.value]
    } else if (source.op === 'swap') {
      mask &= ones(source.bits)
      if ((value & ~mask) !== 0n) return undefined
      ;[mask, value] = [swapBytes(mask, source.bits), swapBytes(value, source.bits)]
    } else if (source.op === 'low32') mask &= ones(32)
    else break
    source = inner
  }
  for (const bits of [8, 16, 32]) if (fits(source, bits)) mask &= ones(bits)
  return (value & ~mask) === 0n ? { source, mask, value } : undefined
}

/** A test in its plain form, if it is not in that already. */
function plain(block: Block, numbers: Numbers): boolean {
  const { end } = block
  if (end?.op !== 'branch') return false
  if (anyBit(block, end, numbers)) return true
  const test = bitTest(end)
  // Wider constants need an instruction of their own.
  if (test === undefined || test.mask === 0n || test.mask > ones(32)) return false
  const { left, right, bits } = end
  const [inner, by] = left.arguments
  const isMasked = left.op === 'alu' && left.alu === 'and' && by?.op === 'const'
  const [source, known] = isMasked ? [inner, by.value] : [left, undefined]
  const wanted = covers(test.source, test.mask) ? undefined : test.mask
  const isOneBit = (test.mask & (test.mask - 1n)) === 0n
  const settled = !isOneBit || test.value === 0n
  if (source === test.source && known === wanted && bits === 32 && settled && right.op === 'const') return false
  write(block, test, numbers)
  return true
}

/** Whether `mask` leaves nothing of what a comparison of 32 bits would see. */
const covers = (source: Value, mask: bigint): boolean =>
  mask === ones(32) || [8, 16].some((bits) => mask === ones(bits) && fits(source, bits))

function write(block: Block, { source, mask, value, same, other }: BitTest, numbers: Numbers): void {
  const { end } = block
  if (end?.op !== 'branch') return
  // One bit is set or is not: with zero on the right the machine has an instruction for it.
  const turned = value !== 0n && (mask & (mask - 1n)) === 0n
  const left = covers(source, mask) ? source : append(block, 'and', source, mask, numbers)
  const right: Value = newConstant(turned ? 0n : value, end.at)
  const [whenTrue, whenFalse] = turned ? [other, same] : [same, other]
  end.comparison = 'eq'
  end.bits = 32
  end.left = left
  end.right = right
  end.whenTrue = whenTrue
  end.whenFalse = whenFalse
}

function append(block: Block, alu: 'and' | 'or', a: Value, b: Value | bigint, numbers: Numbers): Value {
  const { end } = block
  if (end?.op !== 'branch') return a
  const second = typeof b === 'bigint' ? newConstant(b, end.at) : b
  const bits = typeof b === 'bigint' || fits(b, 32) ? 32 : 64
  const made = newValue({ op: 'alu', alu, bits }, numbers.next(), [a, second], end.at)
  block.values.push(made)
  return made
}

/** `(a | b | …) === 0`: octets of one source are looked at together. */
function anyBit(block: Block, end: Branch, numbers: Numbers): boolean {
  if ((end.comparison !== 'eq' && end.comparison !== 'ne') || end.right.op !== 'const' || end.right.value !== 0n)
    return false
  if (end.left.op !== 'alu' || end.left.alu !== 'or') return false
  const leaves: Value[] = []
  const waiting: Value[] = [end.left]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.op === 'alu' && next.alu === 'or') waiting.push(...next.arguments)
    else leaves.push(next)
  }
  const masks = new Map<Value, bigint>()
  for (const leaf of leaves) {
    const seen = look(leaf, ones(end.bits), 0n)
    if (seen === undefined || seen.mask > ones(32)) return false
    masks.set(seen.source, (masks.get(seen.source) ?? 0n) | seen.mask)
  }
  if (masks.size >= leaves.length) return false
  const parts = [...masks].map(([source, mask]) =>
    covers(source, mask) ? source : append(block, 'and', source, mask, numbers),
  )
  end.left = parts.reduce((a, b) => append(block, 'or', a, b, numbers))
  return true
}

/** The test of a block and that of the next, where both go to one place if they fail. */
function combine(block: Block, numbers: Numbers, analyses: Analyses): boolean {
  const { end } = block
  if (end?.op !== 'branch') return false
  if (!leadsOn(end.whenTrue, end.whenFalse) && !leadsOn(end.whenFalse, end.whenTrue)) return false
  for (const first of ways(block)) {
    const next = first.same
    if (next === block || !leadsOn(next, first.other)) continue
    // What it does, it also does where the second test fails.
    if (next.values.some((value) => value.op !== 'load' && !isPure(value))) continue
    for (const second of ways(next)) {
      if (second.other !== first.other || second.same === second.other || first.same === first.other) continue
      if (first.other.values.some(({ op }) => op === 'phi')) continue
      const both = join(block, first, second, numbers, analyses)
      if (both === undefined) continue
      write(block, { ...both, same: next, other: first.other }, numbers)
      removeEdge(next, second.other)
      next.end = newJump(second.same, end.at)
      return true
    }
  }
  return false
}

/** Whether a block is a fork of a single way to it, and leads to the other side of that, too. */
const leadsOn = ({ predecessors, end }: Block, other: Block): boolean =>
  predecessors.length === 1 && end?.op === 'branch' && (end.whenTrue === other || end.whenFalse === other)

/** A test of one bit can be read both ways. */
function ways({ end }: Block): BitTest[] {
  const test = end?.op === 'branch' ? bitTest(end) : undefined
  if (test === undefined || test.mask === 0n || test.mask > ones(32)) return []
  const isOneBit = (test.mask & (test.mask - 1n)) === 0n
  return isOneBit ? [test, { ...test, value: test.value ^ test.mask, same: test.other, other: test.same }] : [test]
}

function join(
  block: Block,
  first: BitTest,
  second: BitTest,
  numbers: Numbers,
  analyses: Analyses,
): Pick<BitTest, 'source' | 'mask' | 'value'> | undefined {
  if (first.source === second.source) {
    const common = first.mask & second.mask
    if ((first.value & common) !== (second.value & common)) return undefined
    return { source: first.source, mask: first.mask | second.mask, value: first.value | second.value }
  }
  const [low, high] = [first, second].sort((a, b) => offsetOf(a.source) - offsetOf(b.source))
  if (low?.source.op !== 'load' || high?.source.op !== 'load') return undefined
  const { size } = low.source
  if (size !== high.source.size || size > 2 || low.source.from !== 'packet' || high.source.from !== 'packet')
    return undefined
  const { states, uses } = analyses
  const now = states.after(block, 'packet')
  if ([low, high].some(({ source }) => states.before(source, 'packet') !== now)) return undefined
  if (low.source.arguments[0] !== high.source.arguments[0] || offsetOf(low.source) + size !== offsetOf(high.source))
    return undefined
  if ((uses.get(low.source) ?? 0) > 1 || (uses.get(high.source) ?? 0) > 1) return undefined
  const operation = { ...low.source, size: size === 1 ? 2 : 4 } as const
  const wide = newValue(operation, numbers.next(), low.source.arguments.slice(), first.source.at)
  block.values.push(wide)
  const by = BigInt(8 * size)
  return { source: wide, mask: low.mask | (high.mask << by), value: low.value | (high.value << by) }
}

const offsetOf = (value: Value): number => (value.op === 'load' ? value.offset : 0)

/** `data + 14 <= end`, and then `data + 34 <= end`, with nothing to see in between: only the latter. */
function mergeBounds(block: Block, numbers: Numbers): boolean {
  const { end } = block
  if (end?.op !== 'branch' || end.comparison !== 'ule' || end.bits !== 64) return false
  const next = end.whenTrue
  const then = next.end
  if (then?.op !== 'branch' || then.comparison !== 'ule' || then.bits !== 64 || next === block) return false
  if (next.predecessors.length !== 1 || then.right !== end.right || then.whenFalse !== end.whenFalse) return false
  if (then.whenTrue === then.whenFalse || then.whenFalse.values.some(({ op }) => op === 'phi')) return false
  const [one, other] = [distance(end.left), distance(then.left)]
  // What cannot be undone must not happen for a packet that is too short.
  if (one === undefined || other === undefined || one.data !== other.data) return false
  if (next.values.some(({ op }) => op === 'call' || op === 'store' || op === 'now' || op === 'phi')) return false
  if (other.value > one.value) {
    const longer = newValue(then.left, numbers.next(), then.left.arguments.slice(), then.left.at)
    block.values.push(longer)
    end.left = longer
  }
  removeEdge(next, then.whenFalse)
  next.end = newJump(then.whenTrue, then.at)
  return true
}

function distance(value: Value): { data: Value; value: bigint } | undefined {
  const [data, by] = value.arguments
  if (value.op !== 'alu' || value.alu !== 'add' || value.bits !== 64 || data === undefined) return undefined
  return by?.op === 'const' ? { data, value: by.value } : undefined
}
