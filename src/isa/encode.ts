import { viewOf } from '../base/bytes.ts'
import { LDDW } from './opcodes.ts'
import { type Instruction, type Program, slotsOf } from './program.ts'

/**
 * Instructions as the kernel reads them (RFC 9669 section 3), little-endian, 8 bytes a slot:
 *
 *     | opcode 8 | dst 4 (low), src 4 (high) | offset 16 | imm 32 |
 *
 * A wide instruction's second slot holds the upper 32 bits in its imm and zeros elsewhere.
 */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const slots = instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0)
  const bytes = new Uint8Array(slots * 8)
  const view = viewOf(bytes)
  let at = 0
  for (const instruction of instructions) at += put(view, at, instruction)
  return bytes
}

/** How many bytes it took. */
function put(view: DataView, at: number, { opcode, dst, src, offset, imm }: Instruction): number {
  view.setUint8(at, opcode)
  view.setUint8(at + 1, dst | (src << 4))
  view.setInt16(at + 2, offset, true)
  if (opcode !== LDDW && typeof imm === 'number' && Number.isInteger(imm)) {
    view.setUint32(at + 4, imm, true)
    return 8
  }
  const wide = BigInt.asUintN(64, BigInt(imm))
  view.setUint32(at + 4, Number(wide & 0xffffffffn), true)
  if (opcode !== LDDW) return 8
  view.setUint32(at + 12, Number(wide >> 32n), true)
  return 16
}

export interface Encoded {
  /** The caller's own. */
  readonly bytes: Uint8Array
  /** The instructions that refer to maps, and perhaps others, and at which byte each is. */
  readonly places: readonly { readonly index: number; readonly at: number }[]
}

/** The instructions of a program: of those that are alike ({@link Program.open}), only what differs is encoded again. */
export function encodeProgram({ instructions, open }: Program): Encoded {
  const known = open && alike.get(open)
  if (known === undefined) {
    const made = { bytes: encode(instructions), places: placesOf(instructions, open) }
    if (open !== undefined) alike.set(open, { ...made, bytes: made.bytes.slice() })
    return made
  }
  const bytes = known.bytes.slice()
  const view = viewOf(bytes)
  for (const { index, at } of known.places) {
    const instruction = instructions[index]
    if (instruction !== undefined) put(view, at, instruction)
  }
  return { bytes, places: known.places }
}

const alike = new WeakMap<NonNullable<Program['open']>, Encoded>()

function placesOf(instructions: readonly Instruction[], open: Program['open']): Encoded['places'] {
  let end = 0
  return instructions.flatMap((instruction, index) => {
    const at = end
    end += 8 * slotsOf(instruction)
    return instruction.map === undefined && open?.[index] === undefined ? [] : [{ index, at }]
  })
}
