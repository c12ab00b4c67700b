import type { Value } from '../ir.ts'

/** What some values are computed from, themselves included. What is in memory is not followed. */
export function sourcesOf(waiting: Value[]): ReadonlySet<Value> {
  const sources = new Set<Value>()
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (sources.has(value)) continue
    sources.add(value)
    if (value.op !== 'load' && value.op !== 'call' && value.op !== 'atomic') waiting.push(...value.arguments)
  }
  return sources
}
