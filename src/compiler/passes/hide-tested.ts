import type { Block, Graph, Terminator, Value } from '../ir.ts'
import type { Numbers } from './graph.ts'
import type { Loop } from './loops.ts'
import { isPointer } from './pointers.ts'
import { Ranges } from './ranges.ts'
import { stash } from './stash.ts'

/**
 * What comes from before a long loop and is compared in each of its rounds with something else, the count for instance, goes by
 * way of the stack at the start of each: the verifier learns from every comparison, and would have as many numbers for it as there
 * are rounds, and walk the rest of them for each.
 */
export function hideTested(graph: Graph, { header, body }: Loop, numbers: Numbers): void {
  const { blocks } = graph
  const outside = new Set(blocks.filter((block) => !body.has(block)).flatMap(({ values }) => values))
  const tested = new Set([...body].flatMap(({ end }) => testedBy(end)).filter((one) => outside.has(one)))
  if (tested.size === 0) return
  const places = addressing(blocks)
  const ranges = new Ranges(graph, 'verifier')
  const testedBefore = new Set(blocks.filter((block) => !body.has(block)).flatMap(({ end }) => testedBy(end)))
  const isNeeded = (value: Value) => places.has(value) && (ranges.most(value) < ONES_32 || testedBefore.has(value))
  for (const value of tested) {
    if (isNeeded(value) || !isNumber(value)) continue
    const { stores, loads, value: hidden } = stash(value, numbers)
    for (const block of body) replaceIn(block, value, hidden, (from) => block !== header || body.has(from))
    header.values.splice(header.values.findLastIndex(({ op }) => op === 'phi') + 1, 0, ...stores, ...loads)
  }
}

const ONES_32 = 2n ** 32n - 1n

/** What the verifier learns something of, where the two sides of a comparison go different ways. */
function testedBy(end: Terminator | undefined): Value[] {
  if (end?.op !== 'branch' || end.counts || end.proof || isPointer(end.left) || isPointer(end.right)) return []
  return [end.left, end.right].map(sourceOf)
}

/** Of copies of a number, and of what is a constant more than it, it learns the same. */
function sourceOf(value: Value): Value {
  const [first, second] = value.arguments
  const isCopy =
    value.op === 'low32' ||
    (value.op === 'alu' && (value.alu === 'add' || value.alu === 'sub') && second?.op === 'const')
  return isCopy && first !== undefined ? sourceOf(first) : value
}

/** What addresses and arguments of the kernel's functions are computed from: of those the verifier has to know something. */
function addressing(blocks: readonly Block[]): ReadonlySet<Value> {
  const waiting: Value[] = []
  for (const { values, end } of blocks) {
    if (end?.op === 'branch' && end.proof) waiting.push(end.left, end.right)
    for (const value of values) {
      const [base] = value.arguments
      if (value.op === 'call') waiting.push(...value.arguments)
      else if ((value.op === 'load' || value.op === 'store' || value.op === 'atomic') && base) waiting.push(base)
      else if (isPointer(value)) waiting.push(value)
    }
  }
  const found = new Set<Value>()
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (found.has(value)) continue
    found.add(value)
    if (value.op !== 'load' && value.op !== 'call' && value.op !== 'atomic') waiting.push(...value.arguments)
  }
  return found
}

/** Surely no address. */
function isNumber(value: Value, seen = new Set<Value>()): boolean {
  if (seen.has(value)) return true
  seen.add(value)
  switch (value.op) {
    case 'const':
    case 'low32':
    case 'sext32':
    case 'swap':
    case 'fold':
    case 'atomic':
    case 'invoke':
    case 'now':
      return true
    case 'load':
      return value.start !== true
    case 'alu':
      return value.bits === 32 || value.arguments.every((one) => isNumber(one, seen))
    case 'phi':
      return value.arguments.every((one) => isNumber(one, seen))
    default:
      return false
  }
}

function replaceIn(block: Block, value: Value, other: Value, isInside: (from: Block) => boolean): void {
  for (const one of block.values)
    for (const [index, given] of one.arguments.entries()) {
      const from = block.predecessors[index]
      if (given === value && (one.op !== 'phi' || (from !== undefined && isInside(from)))) one.arguments[index] = other
    }
  const { end } = block
  if (end?.op === 'return' && end.value === value) end.value = other
  if (end?.op !== 'branch') return
  if (end.left === value) end.left = other
  if (end.right === value) end.right = other
}
