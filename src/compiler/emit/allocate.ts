/**
 * Virtual registers → r0 to r9, by colouring the interference graph with iterated coalescing (George and Appel,
 * "Iterated Register Coalescing", 1996). What finds no register is kept on the stack, 8 bytes each: the verifier
 * remembers the type of an aligned 8-byte spill.
 */
import { COLORS, Colouring, HOPELESS } from './colouring.ts'
import { type Code, type CodeGraph, newCode, type Register } from './machine-code.ts'
import { keepAroundRareCalls } from './rare-calls.ts'
import { readSlot, shareSlots, writeSlot } from './slots.ts'

/** With more, even shared ones would not find room on the stack: emit says so. */
const MOST_SPILLS = 1000

export function allocate(graph: CodeGraph): void {
  keepAroundRareCalls(graph)
  const unspillable = new Set<Register>()
  for (;;) {
    const colouring = new Colouring(graph, unspillable)
    if (colouring.pressure > HOPELESS) {
      graph.spills = colouring.pressure - COLORS
      return
    }
    const spilled = colouring.run()
    if (spilled.length === 0) {
      colouring.apply()
      return shareSlots(graph)
    }
    for (const register of spilled) if (!loadAgain(graph, register, unspillable)) spill(graph, register, unspillable)
    if (graph.spills > MOST_SPILLS) return
  }
}

/** What is loaded from where it does not change needs no slot: it is loaded again before each use. */
function loadAgain(graph: CodeGraph, register: Register, unspillable: Set<Register>): boolean {
  const definitions: Code[] = []
  for (const { code } of graph.blocks) for (const one of code) if (one.defs.includes(register)) definitions.push(one)
  const [load, ...others] = definitions
  if (load?.again !== true || others.length > 0) return false
  for (const block of graph.blocks) {
    const changed: Code[] = []
    for (const code of block.code) {
      if (code === load) continue
      if (!code.uses.includes(register)) {
        changed.push(code)
        continue
      }
      const replacement = graph.nextRegister++
      unspillable.add(replacement)
      const swap = (one: Register) => (one === register ? replacement : one)
      const again = newCode({ ...load, dst: replacement, uses: [...load.uses], defs: [replacement], again: false })
      changed.push(again, newCode({ ...code, dst: swap(code.dst), src: swap(code.src), uses: code.uses.map(swap) }))
    }
    block.code = changed
  }
  return true
}

/**
 * Gives a register a slot of the stack: read into a new register before each use, written back after each definition. Instructions
 * in a row that have to do with it share the new one: what is copied and then added to is written once.
 */
function spill(graph: CodeGraph, register: Register, unspillable: Set<Register>): void {
  const slot = graph.spills++
  for (const block of graph.blocks) {
    const all: Code[] = []
    let current: Register | undefined
    for (const [index, code] of block.code.entries()) {
      const [reads, writes] = [code.uses.includes(register), code.defs.includes(register)]
      if (!reads && !writes) {
        all.push(code)
        current = undefined
        continue
      }
      const known = current
      const replacement = known ?? graph.nextRegister++
      unspillable.add(replacement)
      const swap = (one: Register) => (one === register ? replacement : one)
      const [uses, defs] = [code.uses.map(swap), code.defs.map(swap)]
      if (reads && known === undefined) all.push(readSlot(slot, replacement, code.at))
      all.push(newCode({ ...code, dst: swap(code.dst), src: swap(code.src), uses, defs }))
      if (writes && block.code[index + 1]?.defs.includes(register) !== true)
        all.push(writeSlot(slot, replacement, code.at))
      current = replacement
    }
    block.code = all
  }
}
