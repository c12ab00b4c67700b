import type { Graph, Value } from './ir.ts'

/** The slots of the array of programs that a program goes over to, when all that it cannot reach has been taken out. */
export function usedSlots(graphs: readonly Graph[]): readonly number[] {
  const slots = new Set<number>()
  for (const { blocks } of graphs)
    for (const { values } of blocks)
      for (const value of values)
        if (value.op === 'call' && value.helper === 'tail_call') add(slots, value.arguments[2], new Set())
  return [...slots].sort((a, b) => a - b)
}

/** Ends that several ways lead to may have become one. */
function add(slots: Set<number>, slot: Value | undefined, seen: Set<Value>): void {
  if (slot === undefined || seen.has(slot)) return
  seen.add(slot)
  if (slot.op === 'const') slots.add(Number(slot.value))
  else if (slot.op === 'phi') for (const one of slot.arguments) add(slots, one, seen)
  else throw new Error(`a tail call to a slot that is a ${slot.op}`)
}
