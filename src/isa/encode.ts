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
  for (const instruction of instructions) {
    encodeAt(view, at, instruction)
    at += 8 * slotsOf(instruction)
  }
  return bytes
}

/** {@link encode} of a program: of those that are alike, only what differs is encoded for each. */
export function encodeProgram({ instructions, open }: Program): Uint8Array {
  if (open === undefined) return encode(instructions)
  const { bytes, places } = encoded.get(open) ?? encodeAlike(instructions, open)
  const own = bytes.slice()
  const view = viewOf(own)
  for (const { index, at } of places) {
    const instruction = instructions[index]
    if (instruction !== undefined) encodeAt(view, at, instruction)
  }
  return own
}

interface Encoded {
  readonly bytes: Uint8Array
  /** Where open numbers are, by their instructions. */
  readonly places: readonly { readonly index: number; readonly at: number }[]
}

const encoded = new WeakMap<NonNullable<Program['open']>, Encoded>()

function encodeAlike(instructions: Program['instructions'], open: NonNullable<Program['open']>): Encoded {
  const places: { index: number; at: number }[] = []
  let at = 0
  for (const [index, instruction] of instructions.entries()) {
    if (open[index] !== undefined) places.push({ index, at })
    at += 8 * slotsOf(instruction)
  }
  const made = { bytes: encode(instructions), places }
  encoded.set(open, made)
  return made
}

function encodeAt(view: DataView, at: number, { opcode, dst, src, offset, imm }: Instruction): void {
  view.setUint8(at, opcode)
  view.setUint8(at + 1, dst | (src << 4))
  view.setInt16(at + 2, offset, true)
  if (opcode !== LDDW && typeof imm === 'number' && Number.isInteger(imm)) {
    view.setUint32(at + 4, imm, true)
    return
  }
  const wide = BigInt.asUintN(64, BigInt(imm))
  view.setUint32(at + 4, Number(wide & 0xffffffffn), true)
  if (opcode === LDDW) view.setUint32(at + 12, Number(wide >> 32n), true)
}
