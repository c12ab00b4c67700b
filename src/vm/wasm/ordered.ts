import { CLASS, classOf, MODE, ORDERED } from '../../isa/opcodes.ts'
import type { Instruction, Program } from '../../isa/program.ts'

/** One thread alone sees its memory in order: loads that acquire and stores that release are loads and stores. */
export const inOrder = (program: Program): Program =>
  program.instructions.some(isOrdered) ? { ...program, instructions: program.instructions.map(plain) } : program

const isOrdered = ({ opcode, imm }: Instruction): boolean =>
  classOf(opcode) === CLASS.stx &&
  (opcode & 0xe0) === MODE.atomic &&
  (imm === ORDERED.loadAcquire || imm === ORDERED.storeRelease)

function plain(instruction: Instruction): Instruction {
  if (!isOrdered(instruction)) return instruction
  const kind = instruction.imm === ORDERED.loadAcquire ? CLASS.ldx : CLASS.stx
  return { ...instruction, opcode: kind | MODE.mem | (instruction.opcode & 0x18), imm: 0 }
}
