import { SK_BUFF } from '../isa/opcodes.ts'
import type { Graph, Value } from './ir.ts'
import { FIRST_SLOT, MARKED, slotOfMark } from './marked.ts'
import { derived, nameOf, type Open } from './wired.ts'

/**
 * The slots of the array of programs that a program goes over to, or marks copies with, when all that it cannot reach has been taken
 * out.
 */
export function usedSlots(graphs: readonly Graph[]): readonly Open[] {
  const slots = new Map<string, Open>()
  const marks = new Map<string, Open>()
  for (const { blocks } of graphs)
    for (const { values } of blocks)
      for (const value of values) {
        if (value.op === 'call' && value.helper === 'tail_call') add(slots, value.arguments[2], new Set())
        else if (isMark(value)) add(marks, value.arguments[1], new Set())
      }
  // The others are those of packets that have no mark any more, or are to be passed.
  for (const mark of marks.values()) {
    const slot = derived(mark, 'slot', slotOfMark)
    if (typeof mark !== 'number' || (mark >= FIRST_SLOT && mark !== MARKED)) slots.set(nameOf(slot), slot)
  }
  return [...slots.values()]
}

const isMark = (value: Value): boolean =>
  value.op === 'store' && value.offset === SK_BUFF.tc_index && value.arguments[0]?.op === 'context'

/** Ends that several ways lead to may have become one. */
function add(slots: Map<string, Open>, slot: Value | undefined, seen: Set<Value>): void {
  if (slot === undefined || seen.has(slot)) return
  seen.add(slot)
  if (slot.op === 'const') slots.set(`${slot.value}`, Number(slot.value))
  else if (slot.op === 'wired') slots.set(slot.wired.name, slot.wired)
  else if (slot.op === 'phi') for (const one of slot.arguments) add(slots, one, seen)
  else throw new Error(`a tail call to a slot that is a ${slot.op}`)
}
