import type { Graph, Value } from '../ir.ts'
import { replaceAll } from './graph.ts'

/** A phi of one value is that value. True where something changed. */
export function trivialPhis(graph: Graph): boolean {
  let changed = false
  for (let again = true; again; ) {
    const replacements = new Map<Value, Value>()
    for (const block of graph.blocks) {
      for (const value of block.values) {
        if (value.op !== 'phi') continue
        const others = new Set(value.arguments.filter((one) => one !== value))
        const [first] = others
        const same = first !== undefined && [...others].every((one) => one === first || equalConstants(one, first))
        if (same && !replacements.has(first)) replacements.set(value, first)
      }
    }
    replaceAll(graph, replacements)
    again = replacements.size > 0
    changed ||= again
  }
  return changed
}

const equalConstants = (a: Value, b: Value): boolean => a.op === 'const' && b.op === 'const' && a.value === b.value
