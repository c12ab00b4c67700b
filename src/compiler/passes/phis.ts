import type { Graph, Value } from '../ir.ts'
import { replaceAll } from './graph.ts'

/** A phi of one value is that value. True where something changed. */
export function trivialPhis(graph: Graph): boolean {
  let changed = false
  for (let again = true; again; ) {
    const replacements = new Map<Value, Value>()
    for (const { values } of graph.blocks) {
      for (const value of values) {
        if (value.op !== 'phi') continue
        const same = onlyOne(value)
        if (same !== undefined && !replacements.has(same)) replacements.set(value, same)
      }
    }
    replaceAll(graph, replacements)
    again = replacements.size > 0
    changed ||= again
  }
  return changed
}

/** What a phi is given on all ways, but for itself. */
function onlyOne(phi: Value): Value | undefined {
  let only: Value | undefined
  for (const one of phi.arguments) {
    if (one === phi || one === only) continue
    if (only !== undefined && !equalConstants(only, one)) return undefined
    only ??= one
  }
  return only
}

const equalConstants = (a: Value, b: Value): boolean => a.op === 'const' && b.op === 'const' && a.value === b.value
