/** Slots of the stack for what found no register: values that are never kept at the same time share one. */
import { CLASS, MODE, SIZE } from '../../isa/opcodes.ts'
import type { Position } from '../typed.ts'
import { liveness } from './liveness.ts'
import {
  type Code,
  type CodeBlock,
  type CodeGraph,
  FIRST_VIRTUAL,
  FRAME,
  newCode,
  type Register,
} from './machine-code.ts'

export const readSlot = (slot: number, dst: Register, at: Position): Code =>
  newCode({
    opcode: CLASS.ldx | MODE.mem | SIZE.dw,
    dst,
    src: FRAME,
    defs: [dst],
    spill: slot,
    at,
  })

export const writeSlot = (slot: number, src: Register, at: Position): Code =>
  newCode({
    opcode: CLASS.stx | MODE.mem | SIZE.dw,
    dst: FRAME,
    src,
    uses: [src],
    spill: slot,
    at,
  })

/** Numbers the slots anew, each with the lowest number that is free wherever it is in use. */
export function shareSlots(graph: CodeGraph): void {
  if (graph.spills < 2) return
  const rivals = rivalsOf(graph)
  const numbers: number[] = []
  for (const [slot, others] of rivals.entries()) {
    const taken = new Set([...others].map((other) => numbers[other]))
    let number = 0
    while (taken.has(number)) number++
    numbers[slot] = number
  }
  for (const block of graph.blocks)
    block.code = block.code.map((code) => {
      const number = code.spill === undefined ? undefined : numbers[code.spill]
      return number === undefined ? code : { ...code, spill: number }
    })
  graph.spills = Math.max(...numbers) + 1
}

/** For each slot those that hold something while it does. */
function rivalsOf(graph: CodeGraph): readonly ReadonlySet<number>[] {
  const accesses = { blocks: graph.blocks.map(asRegisters), nextRegister: FIRST_VIRTUAL + graph.spills, spills: 0 }
  const atEnd = liveness(accesses, graph.spills)
  const rivals = Array.from({ length: graph.spills }, () => new Set<number>())
  for (const [index, { code }] of accesses.blocks.entries()) {
    const live = new Set(atEnd[index])
    for (const { uses, defs } of code.toReversed()) {
      for (const slot of defs) {
        live.delete(slot)
        for (const other of live) {
          rivals[slot - FIRST_VIRTUAL]?.add(other - FIRST_VIRTUAL)
          rivals[other - FIRST_VIRTUAL]?.add(slot - FIRST_VIRTUAL)
        }
      }
      for (const slot of uses) live.add(slot)
    }
  }
  return rivals
}

/** What reads and writes slots, as if they were virtual registers. */
function asRegisters(block: CodeBlock): CodeBlock {
  const code = block.code.flatMap((one) => {
    if (one.spill === undefined) return []
    const slot = [FIRST_VIRTUAL + one.spill]
    return [one.defs.length > 0 ? { ...one, uses: slot, defs: [] } : { ...one, uses: [], defs: slot }]
  })
  return { ...block, code }
}
