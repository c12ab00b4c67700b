import { type Block, dominators, type Graph, successors, type Value } from '../ir.ts'
import { replaceAll } from './graph.ts'

/**
 * The time is read once a packet: in the block that all ways which ask for it have in common, and before any loop, so that
 * all of them get one answer. Ways that do not lead through there do not pay.
 */
export function readTimeOnce(graph: Graph): boolean {
  const readings = graph.blocks.flatMap((block) =>
    block.values.filter(({ op }) => op === 'now').map((value) => ({ block, value })),
  )
  const [first, ...others] = readings
  if (first === undefined) return false
  const idom = dominators(graph)
  const above = (block: Block): Block => idom.get(block) ?? graph.entry
  let home = others.reduce((common, { block }) => commonDominator(above, common, block), first.block)
  while (home !== graph.entry && isInLoop(home)) home = above(home)
  if (others.length === 0 && home === first.block) return false
  const here = readings.find(({ block }) => block === home)
  const kept: Value = here?.value ?? { ...first.value }
  if (here === undefined) home.values.push(kept)
  replaceAll(graph, new Map(readings.filter(({ value }) => value !== kept).map(({ value }) => [value, kept])))
  return true
}

function commonDominator(above: (block: Block) => Block, a: Block, b: Block): Block {
  const dominators = new Set<Block>()
  for (let at = a; !dominators.has(at); at = above(at)) dominators.add(at)
  let at = b
  while (!dominators.has(at)) at = above(at)
  return at
}

function isInLoop(block: Block): boolean {
  const seen = new Set<Block>()
  const waiting = successors(block)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === block) return true
    if (seen.has(next)) continue
    seen.add(next)
    waiting.push(...successors(next))
  }
  return false
}
