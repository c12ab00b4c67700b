/**
 * What the verifier would walk round by round to the end of its patience, it walks until nothing changes, where each round asks for a
 * budget first (`may_goto`, Linux 6.9): what it knows of numbers from the rounds before it forgets then, but of those that it had to know
 * (kernel/bpf/verifier.c, widen_imprecise_scalars). So it must be told of none that goes round: hide-tests.ts hides them all, and
 * nobody relies on what loops count.
 */
import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { newValue } from '../value.ts'
import { Numbers } from './graph.ts'
import { behindPhis } from './hide.ts'
import { type Loop, loopsOf } from './loops.ts'

export function boundLoops(graph: Graph): void {
  const numbers = new Numbers(graph)
  for (const { header, body } of boundedLoops(graph)) {
    const at = header.values[0]?.at ?? header.end?.at
    if (at === undefined) continue
    header.loop = new Set([...body].map(({ id }) => id))
    behindPhis(header, [newValue({ op: 'mayGoto' }, numbers.next(), [], at)])
  }
}

/** Numbers and pointers that go round such loops. */
export const boundedPhis = (graph: Graph): ReadonlySet<Value> =>
  new Set(boundedLoops(graph).flatMap(({ header }) => header.values.filter(({ op }) => op === 'phi')))

/** Nobody may leave the program with a lock, so what it does with one is counted. */
function boundedLoops(graph: Graph): Loop[] {
  if (graph.bounded !== true) return []
  const locked = lockedBlocks(graph)
  return loopsOf(graph.blocks).filter(({ header }) => !locked.has(header))
}

/** Where blocks begin with a lock held. */
export function lockedBlocks({ blocks }: Graph): ReadonlySet<Block> {
  const locked = new Set<Block>()
  const waiting: Block[] = []
  const leave = (block: Block, held: boolean): void => {
    const last = block.values.findLast((one) => one.op === 'call' && LOCKS.has(one.helper))
    if (last === undefined ? held : last.op === 'call' && last.helper === 'spin_lock')
      waiting.push(...successors(block))
  }
  for (const block of blocks) leave(block, false)
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (locked.has(block)) continue
    locked.add(block)
    leave(block, true)
  }
  return locked
}

const LOCKS: ReadonlySet<string> = new Set(['spin_lock', 'spin_unlock'])
