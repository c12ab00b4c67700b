/** Programs of more instructions than a jump of 16 bits can pass, forward and back; as they are, or as the kernel loads them. */
import { mapOf } from '../src/backend/suite/layouts.ts'
import { emit } from '../src/compiler/emit/emit.ts'
import { type Code, type CodeBlock, type CodeGraph, newCode } from '../src/compiler/emit/machine-code.ts'
import { ALU, CLASS, HELPER, JMP, LDDW, MODE, SIZE, SK_BUFF, SOURCE } from '../src/isa/opcodes.ts'

const text = 'one\ntwo\n'

const at = (line: number) => ({ source: { file: 'far.ts', text }, span: { start: text.indexOf('two') * line, end: 3 } })

const code = (opcode: number, given: Partial<Code> = {}): Code => newCode({ opcode, at: at(1), ...given })

/** What is done for each number, in instructions and as it should be, and for how many. */
interface Step {
  readonly count: number
  readonly code: (n: number) => readonly Code[]
  readonly next: (number: number, n: number, length: number) => number
}

const key = { size: 4, align: 4, what: 'a key', at: at(0) }

const STEPS = {
  /** Instructions that stay as they are. */
  far: {
    count: 20_000,
    code: (n) => [code(CLASS.alu | ALU.mul, { dst: 8, imm: 31 }), code(CLASS.alu | ALU.xor, { dst: 8, imm: n })],
    next: (number, n) => Math.imul(number, 31) ^ n,
  },
  /** The kernel makes four instructions or more of each division. */
  divided: {
    count: 10_000,
    code: (n) => [
      code(CLASS.alu | SOURCE.x | ALU.div, { dst: 8, src: 6 }),
      code(CLASS.alu | ALU.xor, { dst: 8, imm: 7 * n }),
    ],
    next: (number, n, length) => Math.floor((number >>> 0) / length) ^ (7 * n),
  },
  /** The kernel makes seven or eight of each call. */
  found: {
    count: 3000,
    code: (n) => [
      code(CLASS.alu64 | SOURCE.x | ALU.mov, { dst: 2, src: 10 }),
      code(CLASS.alu64 | ALU.add, { dst: 2, object: key }),
      code(LDDW, { dst: 1, map: 'map' }),
      code(CLASS.jmp | JMP.call, { imm: HELPER.map_lookup_elem }),
      code(CLASS.alu | ALU.xor, { dst: 8, imm: n }),
      code(CLASS.alu | ALU.mul, { dst: 8, imm: 31 }),
    ],
    next: (number, n) => Math.imul(number ^ n, 31),
  },
} as const satisfies Record<string, Step>

export type Kind = keyof typeof STEPS
export const KINDS = Object.keys(STEPS) as Kind[]
export const MAPS = { map: mapOf('array', 1) }

/** Twice or, for packets of 60 bytes, once: all steps, beginning with the packet's length. For those of 61, not at all. */
function graph(kind: Kind): CodeGraph {
  const step: Step = STEPS[kind]
  const block = (id: number, codes: readonly Code[]): CodeBlock => ({
    id,
    code: [...codes],
    successors: [],
    rounds: 1,
    forks: false,
    rare: false,
  })
  const jump = CLASS.jmp | SOURCE.k
  const blocks = [
    block(0, [
      code(CLASS.ldx | MODE.mem | SIZE.w, { dst: 8, src: 1, offset: SK_BUFF.len, at: at(0) }),
      code(CLASS.alu64 | SOURCE.x | ALU.mov, { dst: 6, src: 8 }),
      code(CLASS.alu64 | ALU.mov, { dst: 7, imm: 0 }),
      ...(kind === 'found' ? [code(CLASS.st | MODE.mem | SIZE.w, { dst: 10, object: key })] : []),
      code(jump | JMP.jeq, { dst: 8, imm: 61, target: 3 }),
    ]),
    block(1, Array.from({ length: step.count }, (_, n) => step.code(n)).flat()),
    block(2, [
      code(CLASS.alu64 | ALU.add, { dst: 7, imm: 1 }),
      code(jump | JMP.jeq, { dst: 6, imm: 60, target: 3 }),
      code(jump | JMP.jlt, { dst: 7, imm: 2, target: 1 }),
    ]),
    block(3, [code(CLASS.alu64 | SOURCE.x | ALU.mov, { dst: 0, src: 8 }), code(CLASS.jmp | JMP.exit)]),
  ]
  return { blocks, nextRegister: 16, spills: 0 }
}

/** What it returns for a packet. */
export function expectedOf(kind: Kind, length: number): number {
  const step: Step = STEPS[kind]
  let number = length
  for (let round = 0; round < (length === 61 ? 0 : length === 60 ? 1 : 2); round++)
    for (let n = 0; n < step.count; n++) number = step.next(number, n, length)
  return number >>> 0
}

export const farProgram = (kind: Kind) => emit([graph(kind)], { name: kind, hook: 'tc', maps: MAPS })
