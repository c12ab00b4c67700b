import { type CodeBlock, type CodeGraph, FRAME, type Register } from './machine-code.ts'

/**
 * Registers live where each block ends, in the order of the blocks: from each use backwards to where it was written, so that
 * the effort is that of writing down the answer. Stops at a block where more than `most` are live.
 */
export function liveness({ blocks, nextRegister }: CodeGraph, most: number): readonly (readonly Register[])[] {
  const before = predecessors(blocks)
  const { read, written } = accesses(blocks, nextRegister)
  const atEnd = blocks.map((): Register[] => [])
  for (let register = 0; register < nextRegister; register++) {
    const waiting = read[register] ?? []
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      for (const block of before[at] ?? []) {
        const live = atEnd[block]
        if (live === undefined || live.at(-1) === register) continue
        if (live.push(register) > most) return atEnd
        if (written[register]?.includes(block) !== true) waiting.push(block)
      }
    }
  }
  return atEnd
}

/** For each block those that lead to it, by their place in the order. */
function predecessors(blocks: readonly CodeBlock[]): readonly (readonly number[])[] {
  const order = new Map(blocks.map(({ id }, index) => [id, index]))
  const before = blocks.map((): number[] => [])
  for (const [index, { successors }] of blocks.entries())
    for (const id of successors) before[order.get(id) ?? -1]?.push(index)
  return before
}

/** For each register the blocks that read it before they write it, and the blocks that write it. */
function accesses(blocks: readonly CodeBlock[], registers: number) {
  const read: number[][] = []
  const written: number[][] = []
  for (let register = 0; register < registers; register++) {
    read.push([])
    written.push([])
  }
  for (const [index, { code }] of blocks.entries()) {
    for (const { uses, defs } of code) {
      for (const register of uses)
        if (register !== FRAME && written[register]?.at(-1) !== index && read[register]?.at(-1) !== index)
          read[register]?.push(index)
      for (const register of defs) if (written[register]?.at(-1) !== index) written[register]?.push(index)
    }
  }
  return { read, written }
}
