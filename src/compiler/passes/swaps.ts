import type { Block, Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { Numbers, replaceAll } from './graph.ts'
import { fits, swapBytes } from './simplify.ts'

/**
 * Octets change their order as late as can be: once where ways meet, not on each of them; behind a complement. Often nothing is left
 * of it then, because what is stored, or compared with a constant, is changed back.
 */
export function swapLate(graph: Graph, analyses = new Analyses(graph)): boolean {
  if (!graph.blocks.some(({ values }) => values.some(({ op }) => op === 'swap'))) return false
  const { uses } = analyses
  const numbers = new Numbers(graph)
  const replacements = new Map<Value, Value>()
  const isOwn = (value: Value | undefined): value is Swap =>
    value?.op === 'swap' && uses.get(value) === 1 && fits(value.arguments[0], value.bits)
  for (const block of graph.blocks) {
    for (const value of block.values.filter(isTurned)) {
      const isComplement = value.op === 'alu'
      const swap = value.arguments.find(isOwn)
      // Of eight octets, four are not those that come out of four.
      if (isComplement && swap !== undefined && swap.bits > value.bits) continue
      const { bits } = swap ?? {}
      const turned = bits && value.arguments.map((one) => turnedBack(one, bits, isOwn))
      if (bits === undefined || turned === undefined || turned.includes(undefined)) continue
      const before = newValue(
        value,
        numbers.next(),
        turned.flatMap((one) => one ?? []),
        value.at,
      )
      const result = newValue({ op: 'swap', bits }, value.id, [before], value.at)
      replace(block, value, before, result)
      replacements.set(value, result)
    }
  }
  replaceAll(graph, replacements)
  return compareTurned(graph, analyses) || replacements.size > 0
}

/** What octets can change their order behind. */
const isTurned = (value: Value): boolean => value.op === 'phi' || (value.op === 'alu' && value.alu === 'xor')

type Swap = Extract<Value, { op: 'swap' }>

/** What a value is before its octets are changed round, if that is known. */
function turnedBack(value: Value, bits: Swap['bits'], isOwn: (value: Value) => value is Swap): Value | undefined {
  if (value.op === 'const')
    return value.value >> BigInt(bits) === 0n ? newConstant(swapBytes(value.value, bits), value.at) : undefined
  return isOwn(value) && value.bits === bits ? value.arguments[0] : undefined
}

/** Phis stay in front. */
function replace(block: Block, value: Value, before: Value, result: Value): void {
  block.values[block.values.indexOf(value)] = before
  const at = value.op === 'phi' ? block.values.findIndex(({ op }) => op !== 'phi') : block.values.indexOf(before) + 1
  block.values.splice(at === -1 ? block.values.length : at, 0, result)
}

/** What is compared with a constant can be compared with the constant's octets in the other order. */
function compareTurned({ blocks }: Graph, analyses: Analyses): boolean {
  let changed = false
  for (const { end } of blocks) {
    if (end?.op !== 'branch' || (end.comparison !== 'eq' && end.comparison !== 'ne')) continue
    const { left, right } = end
    const [given] = left.arguments
    if (left.op !== 'swap' || right.op !== 'const' || given?.op !== 'phi') continue
    if (right.value >> BigInt(left.bits) !== 0n || analyses.ranges.most(given) >> BigInt(left.bits) !== 0n) continue
    end.left = given
    end.right = newConstant(swapBytes(right.value, left.bits), right.at)
    changed = true
  }
  return changed
}
