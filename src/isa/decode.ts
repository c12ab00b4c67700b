import { viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import { LDDW } from './opcodes.ts'
import type { Instruction } from './program.ts'

/**
 * The inverse of {@link encode}: what was written is there again, whether it makes sense or not. A Refusal where the bytes end
 * within an instruction, or where the second slot of a wide one holds more than the upper half of its constant, for which
 * an {@link Instruction} has no place (RFC 9669 section 3.2).
 */
export function decode(bytes: Uint8Array): Instruction[] {
  if (bytes.length % 8 !== 0)
    throw refusal(`${bytes.length} bytes are not a program`, 'an instruction has 8 bytes, and a wide one 16')
  const view = viewOf(bytes)
  const instructions: Instruction[] = []
  for (let at = 0; at < bytes.length; at += 8) {
    const opcode = view.getUint8(at)
    const dst = view.getUint8(at + 1) & 0xf
    const src = view.getUint8(at + 1) >> 4
    const offset = view.getInt16(at + 2, true)
    if (opcode !== LDDW) {
      instructions.push({ opcode, dst, src, offset, imm: view.getInt32(at + 4, true) })
      continue
    }
    if (at + 16 > bytes.length) throw refusal(`instruction ${at / 8} (r${dst} = … ll): its second half is missing`)
    if (view.getUint32(at + 8, true) !== 0)
      throw refusal(`instruction ${at / 8} (r${dst} = … ll): its second half is more than a number`)
    const imm = (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 4, true))
    instructions.push({ opcode, dst, src, offset, imm })
    at += 8
  }
  return instructions
}
