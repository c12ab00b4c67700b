import type { Graph } from '../ir.ts'

/** Puts what few packets come to behind everything else. Afterwards, blocks are no longer in reverse postorder. */
export function rareLast(graph: Graph): void {
  const isRare = graph.blocks.map(({ rare }) => rare === true)
  graph.blocks = [false, true].flatMap((wanted) => graph.blocks.filter((_, index) => isRare[index] === wanted))
}
