import { ByValue, largestNumber } from '../by-value.ts'
import { type Block, type Graph, reversePostorder, successors, type Value } from '../ir.ts'

/** Puts other values in the place of some, everywhere. */
export function replaceAll({ blocks }: Graph, replacements: ReadonlyMap<Value, Value>): void {
  if (replacements.size === 0) return
  for (const block of blocks) {
    if (block.values.some((value) => replacements.has(value)))
      block.values = block.values.filter((value) => !replacements.has(value))
    for (const value of block.values) replaceIn(value.arguments, replacements)
    const { end } = block
    if (end?.op === 'return') end.value = replaced(end.value, replacements)
    if (end?.op === 'branch') {
      end.left = replaced(end.left, replacements)
      end.right = replaced(end.right, replacements)
    }
  }
}

/** The same among some values. */
export function replaceIn(values: Value[], replacements: ReadonlyMap<Value, Value>): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value !== undefined) values[index] = replaced(value, replacements)
  }
}

/** What stands for a value in the end: chains of replacements are followed. */
function replaced(value: Value, replacements: ReadonlyMap<Value, Value>): Value {
  let current = value
  for (let next = replacements.get(current); next !== undefined; next = replacements.get(current)) current = next
  return current
}

/** Takes one edge away, with what phis had for it. */
export function removeEdge(from: Block, to: Block): void {
  const index = to.predecessors.indexOf(from)
  if (index === -1) return
  to.predecessors.splice(index, 1)
  for (const value of to.values) if (value.op === 'phi') value.arguments.splice(index, 1)
}

/** Recomputes what is reachable, and takes away edges from what is not. */
export function prune(graph: Graph): void {
  const blocks = reversePostorder(graph.entry)
  for (const block of graph.blocks) {
    if (blocks[block.place] === block) continue
    for (const next of successors(block)) if (blocks[next.place] === next) removeEdge(block, next)
  }
  graph.blocks = blocks
}

/** Leads a block somewhere else. The predecessors of both targets are the caller's business. */
export function retarget({ end }: Block, from: Block, to: Block): void {
  if (end?.op === 'jump' && end.to === from) end.to = to
  if (end?.op !== 'branch') return
  if (end.whenTrue === from) end.whenTrue = to
  if (end.whenFalse === from) end.whenFalse = to
}

/** How many values and ends look at each value. */
export function countUses(graph: Graph): ByValue<number> {
  const uses = new ByValue<number>(graph)
  for (const { values, end } of graph.blocks) {
    for (const { arguments: given } of values) for (const one of given) countUse(uses, one)
    if (end?.op === 'return') countUse(uses, end.value)
    if (end?.op !== 'branch') continue
    countUse(uses, end.left)
    countUse(uses, end.right)
  }
  return uses
}

export function countUse(uses: ByValue<number>, value: Value): void {
  uses.set(value, (uses.get(value) ?? 0) + 1)
}

/** Numbers for values that passes make. The largest there is is looked for when the first one is asked for. */
export class Numbers {
  private readonly graph: Graph
  private last: number | undefined

  constructor(graph: Graph) {
    this.graph = graph
  }

  next(): number {
    this.last ??= largestNumber(this.graph)
    return ++this.last
  }
}

/** Open numbers that are computed from others are made where they are used, so they may stand at the start. */
export function addOpen({ entry: { values } }: Graph, open: readonly Value[]): void {
  values.splice(values.findLastIndex(({ op }) => op === 'context' || op === 'parameter') + 1, 0, ...open)
}

/** Puts another value in the place of one in a block. For phis, from the predecessors that are inside. */
export function replaceInside(block: Block, value: Value, other: Value, isInside: (from: Block) => boolean): void {
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
