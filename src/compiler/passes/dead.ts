import { ByValue } from '../by-value.ts'
import { type Graph, isPure, type Value } from '../ir.ts'

/** Takes out values that nothing uses and that do nothing else. */
export function deadCode(graph: Graph): boolean {
  const { blocks } = graph
  const used = new ByValue<true>(graph)
  const waiting: Value[] = []
  const use = (value: Value): void => {
    if (value.op === 'const' || used.get(value) === true) return
    used.set(value, true)
    waiting.push(value)
  }
  for (const { values, end } of blocks) {
    for (const value of values) if (!isPure(value) && value.op !== 'phi') use(value)
    if (end?.op === 'return') use(end.value)
    if (end?.op !== 'branch') continue
    use(end.left)
    use(end.right)
  }
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop())
    for (const one of value.arguments) use(one)
  let changed = false
  for (const block of blocks) {
    const kept = block.values.filter((value) => used.get(value) === true)
    if (kept.length === block.values.length) continue
    block.values = kept
    changed = true
  }
  return changed
}
