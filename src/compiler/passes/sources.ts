import type { Value } from '../ir.ts'

/** What some values are computed from, themselves included. What is in memory is not followed. */
export function sourcesOf(values: readonly Value[]): ReadonlySet<Value> {
  const sources = new Set<Value>()
  newSources(values, sources)
  return sources
}

/** The same, but for those that are known, and what these are computed from. From now on they are known, too. */
export function newSources(values: readonly Value[], known: Set<Value>): readonly Value[] {
  const found: Value[] = []
  const waiting = [...values]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (known.has(value)) continue
    known.add(value)
    found.push(value)
    if (value.op !== 'load' && value.op !== 'call' && value.op !== 'atomic') waiting.push(...value.arguments)
  }
  return found
}

/**
 * Whether something is so of a value: `from` gives what it has to be so of besides, and undefined where it is not so. Where it hangs
 * on itself, round a loop, it is. Chains of values may be as long as programs, so this does not go deep.
 */
export function holds(value: Value, from: (value: Value) => readonly Value[] | undefined): boolean {
  const first = from(value)
  if (first === undefined || first.length === 0) return first !== undefined
  const asked = new Set([value])
  for (const one of asked) {
    const others = from(one)
    if (others === undefined) return false
    for (const other of others) asked.add(other)
  }
  return true
}
