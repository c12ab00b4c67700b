import { ALU, CLASS, JMP } from '../src/isa/opcodes.ts'
import type { Program } from '../src/isa/program.ts'

/** What it takes to run a program that does nothing. */
export const EMPTY: Program = {
  name: 'empty',
  hook: 'tc',
  maps: {},
  lines: [],
  stack: 0,
  instructions: [
    { opcode: CLASS.alu64 | ALU.mov, dst: 0, src: 0, offset: 0, imm: 0 },
    { opcode: CLASS.jmp | JMP.exit, dst: 0, src: 0, offset: 0, imm: 0 },
  ],
}
