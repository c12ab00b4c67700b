import { viewOf } from '../base/bytes.ts'
import { LDDW } from './opcodes.ts'
import { type Instruction, slotsOf } from './program.ts'

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
  for (const { opcode, dst, src, offset, imm } of instructions) {
    view.setUint8(at, opcode)
    view.setUint8(at + 1, dst | (src << 4))
    view.setInt16(at + 2, offset, true)
    if (opcode !== LDDW && typeof imm === 'number' && Number.isInteger(imm)) {
      view.setUint32(at + 4, imm, true)
      at += 8
      continue
    }
    const wide = BigInt.asUintN(64, BigInt(imm))
    view.setUint32(at + 4, Number(wide & 0xffffffffn), true)
    at += 8
    if (opcode !== LDDW) continue
    view.setUint32(at + 4, Number(wide >> 32n), true)
    at += 8
  }
  return bytes
}
