import { type Block, type Graph, isPure, type Value } from '../ir.ts'
import { replaceAll } from './graph.ts'

/**
 * What was just read from a table's entry is not read again, as long as this program has neither written to one nor called
 * anything since. (Other CPUs write when they like: both readings may give the same.)
 */
export function repeatedLoads(graph: Graph): boolean {
  const replacements = new Map<Value, Value>()
  const knownAtEnd = new Map<Block, ReadonlyMap<string, Value>>()
  for (const block of graph.blocks) {
    const [only, ...others] = block.predecessors
    const inherited = only !== undefined && others.length === 0 ? knownAtEnd.get(only) : undefined
    let known = new Map(inherited)
    for (const value of block.values) {
      if (!isPure(value) && value.op !== 'load' && value.op !== 'phi' && !isOwn(value)) known = new Map()
      if (value.op !== 'load' || value.from !== 'shared') continue
      const key = `${value.arguments[0]?.id} ${value.size} ${value.offset}`
      const earlier = known.get(key)
      if (earlier === undefined) known.set(key, value)
      else replacements.set(value, earlier)
    }
    knownAtEnd.set(block, known)
  }
  replaceAll(graph, replacements)
  return replacements.size > 0
}

/** What is written where no entry is. */
const isOwn = (value: Value): boolean =>
  value.op === 'cleared' || (value.op === 'store' && (value.to === 'packet' || value.arguments[0]?.op === 'stack'))
