import type { Graph, Value } from '../ir.ts'
import { newJump, newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { Numbers, prune, removeEdge, replaceAll, replaceIn } from './graph.ts'
import { Ranges } from './ranges.ts'
import { compareConstants } from './simplify.ts'

/**
 * How large values can be decides comparisons, makes masks unnecessary, and lets a constant part of an offset in the packet move
 * into the displacement of what is loaded there: `data + (x + 14)` is `(data + x) + 14`.
 */
export function useRanges(graph: Graph, analyses = new Analyses(graph)): boolean {
  const changed = decideBranches(graph, analyses)
  return simplifyOffsets(graph, new Ranges(graph, 'verifier')) || changed
}

function decideBranches(graph: Graph, analyses: Analyses): boolean {
  let changed = false
  for (const block of graph.blocks) {
    const { end } = block
    if (end?.op !== 'branch' || end.proof || end.right.op !== 'const' || !end.comparison.startsWith('u')) continue
    const most = analyses.ranges.most(end.left)
    const { value } = end.right
    const [least, last] = [0n, most].map((left) => compareConstants(end.comparison, 64, left, value))
    // What cannot be more than 32 bits is the same number in a comparison of either width.
    if (least !== last || (end.bits === 32 && (most > ONES_32 || value > ONES_32))) continue
    const [to, gone] = least === true ? [end.whenTrue, end.whenFalse] : [end.whenFalse, end.whenTrue]
    removeEdge(block, gone)
    block.end = newJump(to, end.at)
    changed = true
  }
  if (changed) prune(graph)
  return changed
}

function simplifyOffsets(graph: Graph, ranges: Ranges): boolean {
  const numbers = new Numbers(graph)
  const replacements = new Map<Value, Value>()
  let changed = false
  for (const block of graph.blocks) {
    const values: Value[] = []
    for (const value of block.values) {
      if (replacements.size > 0) replaceIn(value.arguments, replacements)
      const unmasked = withoutMask(value, ranges)
      if (unmasked !== undefined) {
        replacements.set(value, unmasked)
        continue
      }
      const terms = termsOf(value, ranges)
      if (terms !== undefined) {
        for (const term of terms.slice(0, -1)) {
          const pointer = newValue(value, numbers.next(), [...value.arguments.slice(0, 1), term], value.at)
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
