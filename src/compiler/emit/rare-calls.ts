/**
 * What lives only across calls that few packets come to is kept on the stack there, not in r6 to r9: those registers belong to
 * the caller, and to use one costs every packet that it is saved and brought back.
 */
import { CLASS, JMP } from '../../isa/opcodes.ts'
import { HOPELESS } from './colouring.ts'
import { liveness } from './liveness.ts'
import { type Code, type CodeGraph, FIRST_VIRTUAL, type Register } from './machine-code.ts'
import { readSlot, writeSlot } from './slots.ts'

export function keepAroundRareCalls(graph: CodeGraph): void {
  if (!graph.blocks.some(({ rare, code }) => rare && code.some(isCall))) return
  const atEnd = liveness(graph, HOPELESS)
  /** What lives across other calls is in one of those registers anyway. */
  const elsewhere = new Set<Register>()
  const across = new Map<Code, readonly Register[]>()
  for (const [index, { code, rare }] of graph.blocks.entries()) {
    const live = new Set(atEnd[index])
    for (const one of code.toReversed()) {
      for (const register of one.defs) live.delete(register)
      const kept = isCall(one) ? [...live].filter((register) => register >= FIRST_VIRTUAL) : []
      if (rare) across.set(one, kept)
      else for (const register of kept) elsewhere.add(register)
      for (const register of one.uses) live.add(register)
    }
  }
  const slots = new Map<Register, number>()
  for (const block of graph.blocks) {
    if (!block.rare || !block.code.some(isCall)) continue
    block.code = block.code.flatMap((code) => {
      const kept = (across.get(code) ?? []).filter((register) => !elsewhere.has(register))
      const slotOf = (register: Register): number => {
        const slot = slots.get(register) ?? graph.spills++
        slots.set(register, slot)
        return slot
      }
      return [
        ...kept.map((register) => writeSlot(slotOf(register), register, code.at)),
        code,
        ...kept.map((register) => readSlot(slotOf(register), register, code.at)),
      ]
    })
  }
}

const isCall = ({ opcode }: Code): boolean => opcode === (CLASS.jmp | JMP.call)
