import { type Graph, isPure, type Value } from '../ir.ts'

/** Takes out values that nothing uses and that do nothing else. */
export function deadCode({ blocks }: Graph): boolean {
  const used = new Set<Value>()
  const waiting: Value[] = []
  const use = (value: Value): void => {
    if (used.has(value)) return
    used.add(value)
    waiting.push(value)
  }
  for (const { values, end } of blocks) {
    for (const value of values) if (!isPure(value) && value.op !== 'phi') use(value)
    if (end?.op === 'return') use(end.value)
    if (end?.op === 'branch') [end.left, end.right].forEach(use)
  }
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) value.arguments.forEach(use)
  let changed = false
  for (const block of blocks) {
    const kept = block.values.filter((value) => used.has(value))
    changed ||= kept.length < block.values.length
    block.values = kept
  }
  return changed
}
