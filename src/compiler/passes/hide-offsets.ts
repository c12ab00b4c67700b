import { FARTHEST } from '../../lang/index.ts'
import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import type { Numbers } from './graph.ts'
import type { Loop } from './loops.ts'
import { isPointer } from './pointers.ts'
import { Ranges } from './ranges.ts'
import { holds } from './sources.ts'
import { stash } from './stash.ts'

/** Instructions on all ways that differ in the round up to which the packet was long enough: that many are walked in no time. */
const FEW = 100_000

/**
 * How far from the packet's start a loop reads is hidden where it goes on without what is not there. The verifier would know from
 * each round how long the packet is at least, and walk the other rounds for each such length.
 */
export function hideOffsets(graph: Graph, { header, body }: Loop, numbers: Numbers): void {
  const length = [...body].reduce((sum, { values }) => sum + values.length + 1, 0)
  if (header.rounds * header.rounds * length < FEW) return
  const asked = new Set([...body].flatMap((block) => askedBy(block, body)))
  if (asked.size === 0) return
  const ranges = new Ranges(graph, 'values')
  for (const block of body)
    block.values = block.values.flatMap((value) => {
      const offset = asked.has(value) ? value.arguments[1] : undefined
      const most = offset === undefined ? 0n : ranges.most(offset)
      if (offset === undefined || most > BigInt(FARTHEST) || !isKnown(offset)) return [value]
      const { stores, loads, value: hidden } = stash(offset, numbers)
      const mask = newConstant((1n << BigInt(most.toString(2).length)) - 1n, value.at)
      const near = newValue({ op: 'alu', alu: 'and', bits: 64 }, numbers.next(), [hidden, mask], value.at)
      value.arguments = value.arguments.with(1, near)
      return [...stores, ...loads, near, value]
    })
}

/** The address in the packet of which a block asks whether it is in there, where the loop goes on either way. */
function askedBy(block: Block, body: ReadonlySet<Block>): Value[] {
  const { end } = block
  if (end?.op !== 'branch' || !isPointer(end.left) || !successors(block).every((next) => body.has(next))) return []
  const [base, distance] = end.left.arguments
  if (base === undefined || distance === undefined) return []
  return distance.op === 'const' ? [base] : [end.left]
}

/** Whether the verifier knows a number in each round, and it is another one in others. */
const isKnown = (value: Value): boolean =>
  holds(value, (one) => {
    if (one.op === 'const') return []
    return one.op === 'phi' || one.op === 'alu' || one.op === 'low32' ? one.arguments : undefined
  })
