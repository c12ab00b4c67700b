import type { Block, Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { boundedPhis, lockedBlocks } from './bound-loops.ts'
import { Dominators } from './dominators.ts'
import { endsOf } from './ends.ts'
import { countUses, Numbers } from './graph.ts'
import { behindPhis, canBeKnown, isComputed, replaceUses } from './hide.ts'
import { hideSizes } from './hide-sizes.ts'
import { loopsOf } from './loops.ts'
import { isPointer } from './pointers.ts'
import { holds, sourcesOf } from './sources.ts'
import { fits32 } from './stash.ts'
import { isNumber, Needs, sourceOf } from './tested.ts'

/**
 * Before a number is compared, 0 is added to it that the verifier does not know to be 0. It cannot foresee the comparison, so it
 * need not tell ways apart by the number; and learns nothing of the number that would tell them apart later. Left alone is what
 * it has to know: what loops count, if nothing else bounds them, and what is in the packet, or in a list.
 *
 * Each comparison costs one or two instructions more, so this is for programs of which the verifier would see no end.
 */
export function hideTests(graph: Graph): void {
  const numbers = new Numbers(graph)
  const nothing = new Nothing(graph, numbers)
  const added = (value: Value, bits: 32 | 64): Value =>
    newValue({ op: 'alu', alu: 'xor', bits }, numbers.next(), [nothing.of(bits), value], value.at)
  const sizes = hideSizes(graph, (value) => added(value, 64))
  const counts = countsOf(graph)
  const bounded = boundedPhis(graph)
  const seen = new Set([...seenBy(graph), ...sizes.known])
  const needs = new Needs(graph, () => true, sizes.hidden)
  const uses = countUses(graph)
  const isUsedAgain = (value: Value) => (uses.get(value) ?? 0) > 1
  const homes = new Map(graph.blocks.flatMap(({ values, rounds }) => values.map((value) => [value, rounds] as const)))
  const isFromBefore = (value: Value, { rounds }: Block): boolean => (homes.get(value) ?? 1) < rounds
  const canTellApart = (value: Value, into: Block): boolean =>
    isUsedAgain(value) ||
    isUsedAgain(sourceOf(value)) ||
    isFromBefore(sourceOf(value), into) ||
    [...sourcesOf([value])].some(({ op }) => op === 'phi')
  const hidden = (value: Value, than: Value, bits: 32 | 64, into: Block): Value => {
    if (value.op === 'const' || seen.has(value) || !isNumber(value) || !canTellApart(value, into)) return value
    // What it has to know it is told by comparisons with constants alone (proofs.ts).
    if (than.op === 'const' && (needs.has(value) || needs.has(sourceOf(value)))) return value
    const other = added(value, bits)
    into.values.push(other)
    return other
  }
  for (const block of graph.blocks) {
    const { end } = block
    if (end?.op !== 'branch' || counts.has(block) || end.proof || isPointer(end.left) || isPointer(end.right)) continue
    const { left, right } = end
    end.left = hidden(left, right, end.bits, block)
    end.right = hidden(right, left, end.bits, block)
  }
  for (const block of graph.blocks)
    for (const phi of block.values.filter(({ op }) => op === 'phi')) {
      if (sizes.known.has(phi) || !isPlain(phi)) continue
      if (!bounded.has(phi) && (seen.has(phi) || needs.has(phi) || !canBeKnown(phi, new Set()))) continue
      const bits = fits32(phi) ? 32 : 64
      const other = newValue({ op: 'alu', alu: 'xor', bits }, numbers.next(), [nothing.of(bits)], phi.at)
      replaceUses(graph, phi, other)
      other.arguments.push(phi)
      behindPhis(block, [other])
    }
  nothing.place()
}

/** Surely no address: where the packet ends is in the context as well. */
const isPlain = (value: Value): boolean =>
  holds(value, (one) => {
    if (one.op === 'phi') return one.arguments
    return (one.op !== 'load' || one.from !== 'context') && isNumber(one) ? [] : undefined
  })

/** The ends of loops that the verifier sees count. */
function countsOf(graph: Graph): ReadonlySet<Block> {
  const locked = graph.bounded === true ? lockedBlocks(graph) : undefined
  const isSeen = (block: Block): boolean => block.end?.op === 'branch' && block.end.counts === true
  return new Set(graph.blocks.filter((block) => isSeen(block) && locked?.has(block) !== false))
}

/** What says how often loops run, and constants and sums of that: the verifier always knows which way it goes. */
export function seenBy(graph: Graph): ReadonlySet<Value> {
  const counting: Value[] = []
  for (const { end } of countsOf(graph)) if (end?.op === 'branch') counting.push(end.left, end.right)
  const loops = loopsOf(graph.blocks)
  if (loops.length > 0) {
    const dominators = new Dominators(graph)
    const bounded = boundedPhis(graph)
    for (const loop of loops) for (const end of endsOf(loop, dominators)) if (!bounded.has(end)) counting.push(end)
  }
  const seen = new Set(sourcesOf(counting))
  // A block comes after those that dominate it, so what is computed from what is seen comes after that.
  for (const { values } of graph.blocks)
    for (const value of values)
      if (isComputed(value) && value.arguments.every((one) => one.op === 'const' || seen.has(one))) seen.add(value)
  return seen
}

/** 0, of which the verifier knows nothing, at the start of the program. */
class Nothing {
  private readonly graph: Graph
  private readonly numbers: Numbers
  private readonly made: Value[] = []
  private narrow: Value | undefined
  private wide: Value | undefined

  constructor(graph: Graph, numbers: Numbers) {
    this.graph = graph
    this.numbers = numbers
  }

  of(bits: 32 | 64): Value {
    this.narrow ??= this.fromStack()
    if (bits === 32) return this.narrow
    this.wide ??= this.doubled(this.narrow)
    return this.wide
  }

  place(): void {
    const { values } = this.graph.entry
    values.splice(values.findLastIndex(({ op }) => op === 'context' || op === 'parameter') + 1, 0, ...this.made)
  }

  /** What lies in the upper half of a slot is anything to the verifier, unless it was 0 (check_stack_write_fixed_off). */
  private fromStack(): Value {
    const one = newConstant(1n, this.at)
    const object = { size: 4, align: 8, what: 'a number that the verifier does not know', at: this.at }
    const slot = this.make({ op: 'stack', object })
    this.make({ op: 'store', size: 4, offset: 0 }, slot, one)
    const read = this.make({ op: 'load', size: 4, offset: 0, from: 'shared' }, slot)
    return this.make({ op: 'alu', alu: 'xor', bits: 32 }, read, one)
  }

  private doubled(narrow: Value): Value {
    const high = this.make({ op: 'alu', alu: 'lsh', bits: 64 }, narrow, newConstant(32n, this.at))
    return this.make({ op: 'alu', alu: 'or', bits: 64 }, high, narrow)
  }

  private make(operation: Parameters<typeof newValue>[0], ...given: Value[]): Value {
    const value = newValue(operation, this.numbers.next(), given, this.at)
    this.made.push(value)
    return value
  }

  private get at() {
    const [first] = this.graph.entry.values
    const at = first?.at ?? this.graph.entry.end?.at
    if (at === undefined) throw new Error('an entry without an end')
    return at
  }
}
