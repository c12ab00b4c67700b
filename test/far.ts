/** A program of more instructions than a jump of 16 bits can pass, forward and back. */
import { emit } from '../src/compiler/emit/emit.ts'
import { type Code, type CodeBlock, type CodeGraph, newCode } from '../src/compiler/emit/machine-code.ts'
import { ALU, CLASS, JMP, MODE, SIZE, SK_BUFF, SOURCE } from '../src/isa/opcodes.ts'

/** How many steps it takes, of two instructions. */
export const LONG = 20_000
const text = 'one\ntwo\n'

const at = (line: number) => ({ source: { file: 'far.ts', text }, span: { start: text.indexOf('two') * line, end: 3 } })

/** Twice or, for packets of 60 bytes, once: `r0 = r0 * 31 ^ n` for each number. For those of 61, not at all. */
function graph(): CodeGraph {
  const code = (opcode: number, given: Partial<Code> = {}): Code => newCode({ opcode, at: at(1), ...given })
  const block = (id: number, codes: readonly Code[]): CodeBlock => ({
    id,
    code: [...codes],
    successors: [],
    rounds: 1,
    forks: false,
    rare: false,
  })
  const jump = CLASS.jmp | SOURCE.k
  const compute = Array.from({ length: LONG }, (_, n) => [
    code(CLASS.alu | ALU.mul, { dst: 0, imm: 31 }),
    code(CLASS.alu | ALU.xor, { dst: 0, imm: n }),
  ]).flat()
  const blocks = [
    block(0, [
      code(CLASS.ldx | MODE.mem | SIZE.w, { dst: 0, src: 1, offset: SK_BUFF.len, at: at(0) }),
      code(CLASS.alu64 | SOURCE.x | ALU.mov, { dst: 6, src: 0 }),
      code(CLASS.alu64 | ALU.mov, { dst: 7, imm: 0 }),
      code(jump | JMP.jeq, { dst: 0, imm: 61, target: 3 }),
    ]),
    block(1, compute),
    block(2, [
      code(CLASS.alu64 | ALU.add, { dst: 7, imm: 1 }),
      code(jump | JMP.jeq, { dst: 6, imm: 60, target: 3 }),
      code(jump | JMP.jlt, { dst: 7, imm: 2, target: 1 }),
    ]),
    block(3, [code(CLASS.jmp | JMP.exit)]),
  ]
  return { blocks, nextRegister: 16, spills: 0 }
}

/** What it returns. */
export function expectedOf(length: number): number {
  let r0 = length
  for (let round = 0; round < (length === 61 ? 0 : length === 60 ? 1 : 2); round++)
    for (let n = 0; n < LONG; n++) r0 = (Math.imul(r0, 31) ^ n) >>> 0
  return r0
}

export const far = emit([graph()], { name: 'far', hook: 'tc', maps: {} })
