import { SK_BUFF } from '../isa/opcodes.ts'
import type { Graph, Value } from './ir.ts'
import { FIRST_SLOT, MARKED, slotOfMark } from './marked.ts'
import { sourcesOf } from './passes/sources.ts'
import { derived, type Open } from './wired.ts'

/** The slots of the array of programs that a program uses, when all that it cannot reach has been taken out. */
export interface UsedSlots {
  /** It goes over to these. */
  readonly slots: readonly Open[]
  /** It marks copies with these. */
  readonly copies: readonly Open[]
}

export function usedSlots(graphs: readonly Graph[]): UsedSlots {
  const slots = new Map<string, Open>()
  const marks = new Map<string, Open>()
  for (const { blocks } of graphs)
    for (const { values } of blocks)
      for (const value of values) {
        if (value.op === 'call' && value.helper === 'tail_call') add(slots, value.arguments[2])
        else if (isMark(value)) add(marks, value.arguments[1])
      }
  // The others are those of packets that have no mark any more, or are to be passed.
  const copies = [...marks.values()].filter(
    (mark) => typeof mark !== 'number' || (mark >= FIRST_SLOT && mark !== MARKED),
  )
  return { slots: [...slots.values()], copies: copies.map((mark) => derived(mark, 'slot', slotOfMark)) }
}

const isMark = (value: Value): boolean =>
  value.op === 'store' && value.offset === SK_BUFF.tc_index && value.arguments[0]?.op === 'context'

/** Ends that several ways lead to may have become one. */
function add(slots: Map<string, Open>, slot: Value | undefined): void {
  for (const one of sourcesOf(slot === undefined ? [] : [slot]))
    if (one.op === 'const') slots.set(`${one.value}`, Number(one.value))
    else if (one.op === 'wired') slots.set(one.wired.name, one.wired)
    else if (one.op !== 'phi') throw new Error(`a tail call to a slot that is a ${one.op}`)
}
