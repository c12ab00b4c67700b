import type { AluName, Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { subtractComplements } from './complements.ts'
import { Numbers, replaceAll } from './graph.ts'
import { foldSteps } from './ranges.ts'

const ONES_16 = 0xffffn
const ONES_32 = 0xffff_ffffn

/** Folds → additions of what is above 16 bits: as many as the largest sum there can be needs. */
export function expandFolds(graph: Graph, analyses = new Analyses(graph)): boolean {
  const folds = graph.blocks.flatMap(({ values }) => values.filter(({ op }) => op === 'fold'))
  const [first] = folds
  if (first === undefined) return false
  const { ranges } = analyses
  const mosts = new Map(
    folds.map((fold) => [fold, fold.arguments[0] === undefined ? 0n : ranges.most(fold.arguments[0])]),
  )
  subtractComplements(graph, folds)
  const numbers = new Numbers(graph)
  const replacements = new Map<Value, Value>()
  for (const block of graph.blocks) {
    /** What folds are before their upper bits are masked away. */
    const unmasked = new Map<Value, Value>()
    const values: Value[] = []
    let { at } = first
    const alu = (name: AluName, a: Value, b: Value | bigint): Value => {
      const right = typeof b === 'bigint' ? newConstant(b, at) : b
      const made = newValue({ op: 'alu', alu: name, bits: 64 }, numbers.next(), [a, right], at)
      values.push(made)
      return made
    }
    for (const value of block.values) {
      at = value.at
      const [given, mask] = value.arguments
      const wide = given === undefined ? undefined : unmasked.get(given)
      const most = mosts.get(value)
      if (value.op === 'fold' && given !== undefined && most !== undefined) {
        const sum = folded(alu, given, most, value.bits)
        const isMore = value.bits === 16 && most > ONES_16
        if (isMore) unmasked.set(value, sum)
        replacements.set(value, isMore ? alu('and', sum, ONES_16) : sum)
      } else if (
        value.op === 'alu' &&
        value.alu === 'xor' &&
        wide !== undefined &&
        mask !== undefined &&
        isHalf(mask)
      ) {
        // A store sees nothing of the mask, if it comes last.
        replacements.set(value, alu('and', alu('xor', wide, mask), ONES_16))
      } else values.push(value)
    }
    block.values = values
  }
  replaceAll(graph, replacements)
  return true
}

const isHalf = (value: Value): boolean =>
  value.op === 'wired' ? value.wired.bits <= 16 : value.op === 'const' && value.value <= ONES_16

/** A sum of at most `most`, folded; what is above 16 bits is of no account if those are wanted. */
function folded(
  alu: (name: AluName, a: Value, b: Value | bigint) => Value,
  given: Value,
  most: bigint,
  bits: 16 | 32,
): Value {
  return foldSteps(most, bits).reduce((sum, { by, most: left }) => {
    const high = alu('rsh', sum, by)
    return alu('add', bits === 16 && left === ONES_16 ? sum : alu('and', sum, by === 16n ? ONES_16 : ONES_32), high)
  }, given)
}
