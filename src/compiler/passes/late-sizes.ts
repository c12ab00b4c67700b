import type { Block, Graph, Value } from '../ir.ts'
import { newValue } from '../value.ts'
import { Dominators } from './dominators.ts'
import { Numbers } from './graph.ts'
import { isStep } from './hide-sizes.ts'
import { SIZED } from './tested.ts'

/**
 * Helpers are told sizes that are computed there, where the same was computed before the test that bounds it, for something else: of
 * what was there before, the verifier learns nothing by a test of what it was computed from.
 */
export function computeSizesLate(graph: Graph): void {
  const { blocks } = graph
  const told = blocks.filter(({ values }) => values.some(isSized))
  if (told.length === 0) return
  const dominators = new Dominators(graph)
  const numbers = new Numbers(graph)
  const homes = new Map<Value, Block>()
  for (const block of blocks) for (const value of block.values) if (isStep(value)) homes.set(value, block)
  const isEarly = (size: Value, block: Block): boolean => {
    const [home, first] = [homes.get(size), size.arguments[0]]
    const isTest = ({ end }: Block): boolean => end?.op === 'branch' && (end.left === first || end.right === first)
    const isBetween = (test: Block): boolean =>
      home !== undefined && test !== block && dominators.dominates(home, test) && dominators.dominates(test, block)
    return home !== undefined && home !== block && blocks.some((test) => isTest(test) && isBetween(test))
  }
  for (const block of told)
    block.values = block.values.flatMap((call) => {
      if (!isSized(call)) return [call]
      const added: Value[] = []
      call.arguments = call.arguments.map((size) => {
        if (size.op !== 'alu' || !isEarly(size, block)) return size
        const again = newValue(
          { op: 'alu', alu: size.alu, bits: size.bits },
          numbers.next(),
          [...size.arguments],
          call.at,
        )
        added.push(again)
        return again
      })
      return [...added, call]
    })
}

const isSized = (value: Value): boolean => value.op === 'call' && SIZED.has(value.helper)
