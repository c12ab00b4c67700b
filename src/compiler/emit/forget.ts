/** At the start of each round of a long loop: what the rounds before left on the stack. */
import { CLASS, MODE, SIZE } from '../../isa/opcodes.ts'
import type { StackObject } from '../ir.ts'
import { type Code, type CodeGraph, FRAME } from './machine-code.ts'

/** What the verifier keeps account of together, in bytes. */
const SLOT = 8

/**
 * Keys and values are written in pieces, and what only a part of a slot is written to is, to the verifier, still what another round
 * left there. It would walk the rest of the rounds for each combination of what may lie on the stack; so all of it is zero again
 * (kernel/bpf/verifier.c, check_stack_write_fixed_off: a slot is over when all 8 bytes are written).
 */
export function forgetRounds({ blocks }: CodeGraph, places: ReadonlyMap<StackObject, number>): void {
  for (const header of blocks) {
    const { loop } = header
    const [first] = header.code
    if (loop === undefined || first === undefined) continue
    const inside = new Set<StackObject>()
    const outside = new Set<StackObject>()
    for (const { id, code } of blocks)
      for (const { object, opcode } of code) {
        if (object === undefined) continue
        if (!loop.has(id)) outside.add(object)
        // Its address is made for a call. What the program itself reads was written in the same round.
        else if ((opcode & 0x07) >= CLASS.alu) inside.add(object)
      }
    const slots = new Set([...inside].filter((one) => !outside.has(one)).flatMap((one) => slotsOf(one, places)))
    const kept = new Set([...inside].filter((one) => outside.has(one)).flatMap((one) => slotsOf(one, places)))
    const stores = [...slots].filter((slot) => !kept.has(slot)).map((offset) => zero(offset, first.at))
    header.code = [...stores, ...header.code]
  }
}

function slotsOf(object: StackObject, places: ReadonlyMap<StackObject, number>): number[] {
  const place = places.get(object) ?? 0
  const first = Math.floor(place / SLOT) * SLOT
  return Array.from({ length: Math.ceil((place + object.size - first) / SLOT) }, (_, index) => first + SLOT * index)
}

const zero = (offset: number, at: Code['at']): Code => ({
  opcode: CLASS.st | MODE.mem | SIZE.dw,
  dst: FRAME,
  src: 0,
  offset,
  imm: 0,
  uses: [FRAME],
  defs: [],
  move: false,
  at,
})
