import type { Signature, StackObject } from '../ir.ts'
import type { Position } from '../typed.ts'
import type { Wired } from '../wired.ts'

export const FRAME = 10
export const FIRST_VIRTUAL = 16
export type Register = number

export interface Code {
  opcode: number
  dst: Register
  src: Register
  offset: number
  imm: number | bigint
  /** What `imm` is once the wiring is known. */
  readonly wired?: Wired | undefined
  readonly map?: string | undefined
  readonly mapValue?: number | undefined
  /** Registers read and written, the machine's included. */
  uses: Register[]
  defs: Register[]
  /** It gives the same wherever it stands: what it reads does not change. */
  readonly again?: boolean | undefined
  /** A plain copy between registers. */
  readonly move: boolean
  /** The jump's target, by block number. */
  target?: number | undefined
  /** The function that is called, by its name in the program. */
  readonly callee?: string | undefined
  /** The stack object whose place is added to `offset` or `imm`. */
  readonly object?: StackObject | undefined
  /** The spill slot likewise. */
  readonly spill?: number | undefined
  readonly at: Position
}

/** All have the same fields in the same order, as values do: see ../value.ts. */
export function newCode(code: Partial<Code> & Pick<Code, 'opcode' | 'at'>): Code {
  const blank: Code = {
    opcode: code.opcode,
    dst: 0,
    src: 0,
    offset: 0,
    imm: 0,
    wired: undefined,
    map: undefined,
    mapValue: undefined,
    uses: [],
    defs: [],
    again: undefined,
    move: false,
    target: undefined,
    callee: undefined,
    object: undefined,
    spill: undefined,
    at: code.at,
  }
  return Object.assign(blank, code)
}

export interface CodeBlock {
  readonly id: number
  code: Code[]
  readonly successors: readonly number[]
  readonly rounds: number
  /** Of a long loop that begins here, the blocks by their numbers. */
  readonly loop?: ReadonlySet<number> | undefined
  /** It ends where the verifier has to follow two ways. */
  readonly forks: boolean
  readonly rare: boolean
}

/** Blocks in the order they will be laid out; the last instruction of a block may fall through to the next. */
export interface CodeGraph {
  readonly signature?: Signature | undefined
  readonly blocks: CodeBlock[]
  nextRegister: number
  spills: number
}
