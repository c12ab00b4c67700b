/** What the verifier learns from comparisons, and what it has to know. */
import type { HelperName } from '../../isa/opcodes.ts'
import type { Block, Graph, Terminator, Value } from '../ir.ts'
import { isPointer } from './pointers.ts'
import { Ranges } from './ranges.ts'
import { holds } from './sources.ts'

/** What the verifier learns something of, where the two sides of a comparison go different ways. */
export function testedBy(end: Terminator | undefined): Value[] {
  if (end?.op !== 'branch' || end.counts || end.proof || isPointer(end.left) || isPointer(end.right)) return []
  return [end.left, end.right].map(sourceOf)
}

/** Of copies of a number, and of what is a constant more than it, it learns the same. */
export function sourceOf(value: Value): Value {
  const [first, second] = value.arguments
  const isCopy =
    value.op === 'low32' ||
    (value.op === 'alu' && (value.alu === 'add' || value.alu === 'sub') && second?.op === 'const')
  return isCopy && first !== undefined ? sourceOf(first) : value
}

/** Surely no address. */
export const isNumber = (value: Value): boolean => holds(value, sourcesOfNumber)

/** What all have to be numbers, for a value to be one; undefined where it may be none. */
function sourcesOfNumber(value: Value): readonly Value[] | undefined {
  switch (value.op) {
    case 'const':
    case 'wired':
    case 'low32':
    case 'sext32':
    case 'swap':
    case 'fold':
    case 'atomic':
    case 'invoke':
    case 'now':
      return []
    case 'load':
      return value.start === true ? undefined : []
    case 'alu':
      return value.bits === 32 ? [] : value.arguments
    case 'phi':
      return value.arguments
    default:
      return undefined
  }
}

const ONES_32 = 2n ** 32n - 1n

/** Numbers of which the verifier has to know in some blocks what it learned before: they must not be hidden between. */
export class Needs {
  private readonly places: ReadonlySet<Value>
  private readonly tested: ReadonlySet<Value>
  private readonly ranges: Ranges

  /** `hidden`: what is made of these says nothing of what they are made of. */
  constructor(graph: Graph, isBefore: (block: Block) => boolean, hidden: ReadonlySet<Value> = new Set()) {
    this.ranges = new Ranges(graph, 'verifier')
    this.places = addressing(graph.blocks, this.ranges, hidden)
    this.tested = new Set(graph.blocks.filter(isBefore).flatMap(({ end }) => testedBy(end)))
  }

  has(value: Value): boolean {
    return this.places.has(value) && (this.ranges.most(value) < ONES_32 || this.tested.has(value))
  }
}

/** Helpers that are told how much memory there is behind a pointer. What the others are told in numbers may be anything. */
export const SIZED: ReadonlySet<HelperName> = new Set([
  'skb_load_bytes',
  'xdp_load_bytes',
  'ringbuf_output',
  'ringbuf_reserve',
] as const)

/** What addresses and sizes are computed from. Of what is masked there, the verifier has to know nothing if the mask says it all. */
function addressing(blocks: readonly Block[], ranges: Ranges, hidden: ReadonlySet<Value>): ReadonlySet<Value> {
  const waiting: Value[] = []
  for (const { values, end } of blocks) {
    if (end?.op === 'branch' && end.proof) waiting.push(end.left, end.right)
    for (const value of values) {
      const [base] = value.arguments
      if (value.op === 'call') {
        if (SIZED.has(value.helper)) waiting.push(...value.arguments)
      } else if ((value.op === 'load' || value.op === 'store' || value.op === 'atomic') && base) waiting.push(base)
      else if (isPointer(value)) waiting.push(value)
    }
  }
  const isOfMask = (value: Value): boolean => {
    const mask = value.arguments[1]
    return value.op === 'alu' && value.alu === 'and' && mask?.op === 'const' && ranges.most(value) === mask.value
  }
  const found = new Set<Value>()
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (found.has(value)) continue
    found.add(value)
    const isOpaque = hidden.has(value) || value.op === 'load' || value.op === 'call' || value.op === 'atomic'
    if (!isOpaque && !isOfMask(value)) waiting.push(...value.arguments)
  }
  return found
}
