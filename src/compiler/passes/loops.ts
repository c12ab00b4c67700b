/** Natural loops of a graph. */
import type { Block } from '../ir.ts'

export interface Loop {
  readonly header: Block
  /** The header is in it. */
  readonly body: ReadonlySet<Block>
}

/** Whether any way leads back. */
export const hasLoops = (blocks: readonly Block[]): boolean =>
  blocks.some(({ predecessors, place }) => predecessors.some((one) => one.place >= place))

export const loopsOf = (blocks: readonly Block[]): Loop[] =>
  blocks.flatMap((block, index) => loopOf(blocks, block, index))

/** The loop that a block begins: what leads from it back to it. */
function loopOf(blocks: readonly Block[], header: Block, index: number): Loop[] {
  const waiting = header.predecessors.filter((one) => blocks.indexOf(one) >= index)
  if (waiting.length === 0) return []
  const body = new Set([header])
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (body.has(next)) continue
    body.add(next)
    waiting.push(...next.predecessors)
  }
  return [{ header, body }]
}
