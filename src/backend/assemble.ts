import {
  ALU,
  ATOMIC,
  CALL,
  CLASS,
  HELPER,
  type HelperName,
  JMP,
  LDDW,
  MAY_GOTO,
  MODE,
  ORDERED,
  PSEUDO,
  SIZE_OF_BYTES,
  SOURCE,
} from '../isa/opcodes.ts'
import { type Hook, type Instruction, type Program, slotsOf } from '../isa/program.ts'

/**
 * An assembler for programs written by hand. Each function's doc line is what it emits, as listings print it; operands
 * are registers by name (`'r3'`) or constants, and jumps go to labels.
 */
export type Register = `r${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`
export type Operand = Register | number
export type Bytes = keyof typeof SIZE_OF_BYTES

/** An instruction, perhaps one whose distance is still a label, or a label. */
export type Step = (Instruction & { readonly to?: string }) | { readonly label: string } | readonly Step[]

const numberOf = (register: Register): number => Number(register.slice(1))
const none = { dst: 0, src: 0, offset: 0, imm: 0 }

function operands(dst: Register, operand: Operand): Pick<Instruction, 'dst' | 'src' | 'imm'> & { source: number } {
  if (typeof operand === 'number') return { dst: numberOf(dst), src: 0, imm: operand, source: SOURCE.k }
  return { dst: numberOf(dst), src: numberOf(operand), imm: 0, source: SOURCE.x }
}

export type Arithmetic = Exclude<keyof typeof ALU, 'end' | 'neg'> | 'sdiv' | 'smod'

function arithmetic(kind: number, operation: Arithmetic, dst: Register, operand: Operand): Instruction {
  const { source, ...rest } = operands(dst, operand)
  const signed = operation === 'sdiv' || operation === 'smod'
  const code = operation === 'sdiv' ? ALU.div : operation === 'smod' ? ALU.mod : ALU[operation]
  return { opcode: kind | code | source, ...rest, offset: signed ? 1 : 0 }
}

/** `dst (op)= operand` on 64 bits */
export const alu64 = (operation: Arithmetic, dst: Register, operand: Operand): Instruction =>
  arithmetic(CLASS.alu64, operation, dst, operand)

/** `w dst (op)= operand`: on 32 bits, the upper half becomes zero */
export const alu32 = (operation: Arithmetic, dst: Register, operand: Operand): Instruction =>
  arithmetic(CLASS.alu, operation, dst, operand)

/** `dst = operand` on 64 bits */
export const mov = (dst: Register, operand: Operand): Instruction => alu64('mov', dst, operand)

/** `dst = -dst` */
export const neg = (bits: 32 | 64, dst: Register): Instruction => ({
  ...none,
  opcode: (bits === 64 ? CLASS.alu64 : CLASS.alu) | ALU.neg,
  dst: numberOf(dst),
})

/** `dst = (s8)src`, and so on */
export const movsx = (bits: 32 | 64, from: 8 | 16 | 32, dst: Register, src: Register): Instruction => ({
  opcode: (bits === 64 ? CLASS.alu64 : CLASS.alu) | ALU.mov | SOURCE.x,
  dst: numberOf(dst),
  src: numberOf(src),
  offset: from,
  imm: 0,
})

/** `dst = be16 dst`, and so on */
export const swap = (order: 'le' | 'be' | 'bswap', bits: 16 | 32 | 64, dst: Register): Instruction => ({
  ...none,
  opcode: (order === 'bswap' ? CLASS.alu64 : CLASS.alu) | ALU.end | (order === 'be' ? SOURCE.x : SOURCE.k),
  dst: numberOf(dst),
  imm: bits,
})

/** `dst = value ll` */
export const load64 = (dst: Register, value: bigint): Instruction => ({
  ...none,
  opcode: LDDW,
  dst: numberOf(dst),
  imm: BigInt.asUintN(64, value),
})

/** `dst = map[name] ll` */
export const loadMap = (dst: Register, map: string): Instruction => ({
  ...none,
  opcode: LDDW,
  dst: numberOf(dst),
  src: PSEUDO.mapFd,
  map,
})

/** `dst = map[name][0]+offset ll` */
export const loadMapValue = (dst: Register, map: string, offset: number): Instruction => ({
  ...none,
  opcode: LDDW,
  dst: numberOf(dst),
  src: PSEUDO.mapValue,
  map,
  mapValue: offset,
})

/** `dst = *(u32 *)(base +offset)` */
export const load = (bytes: Bytes, dst: Register, base: Register, offset: number): Instruction => ({
  opcode: CLASS.ldx | MODE.mem | SIZE_OF_BYTES[bytes],
  dst: numberOf(dst),
  src: numberOf(base),
  offset,
  imm: 0,
})

/** `dst = *(s32 *)(base +offset)` */
export const loadSigned = (bytes: 1 | 2 | 4, dst: Register, base: Register, offset: number): Instruction => ({
  ...load(bytes, dst, base, offset),
  opcode: CLASS.ldx | MODE.memsx | SIZE_OF_BYTES[bytes],
})

/** `*(u32 *)(base +offset) = operand` */
export function store(bytes: Bytes, base: Register, offset: number, operand: Operand): Instruction {
  const { source, ...rest } = operands(base, operand)
  return { opcode: (source === SOURCE.k ? CLASS.st : CLASS.stx) | MODE.mem | SIZE_OF_BYTES[bytes], ...rest, offset }
}

export type AtomicOperation =
  | 'add'
  | 'or'
  | 'and'
  | 'xor'
  | 'fetch_add'
  | 'fetch_or'
  | 'fetch_and'
  | 'fetch_xor'
  | 'xchg'
  | 'cmpxchg'

const ATOMIC_IMM: Readonly<Record<AtomicOperation, number>> = {
  add: ATOMIC.add,
  or: ATOMIC.or,
  and: ATOMIC.and,
  xor: ATOMIC.xor,
  fetch_add: ATOMIC.add | ATOMIC.fetch,
  fetch_or: ATOMIC.or | ATOMIC.fetch,
  fetch_and: ATOMIC.and | ATOMIC.fetch,
  fetch_xor: ATOMIC.xor | ATOMIC.fetch,
  xchg: ATOMIC.xchg,
  cmpxchg: ATOMIC.cmpxchg,
}

/** `lock *(u64 *)(base +offset) += src`, and so on */
export const atomic = (
  bytes: 4 | 8,
  operation: AtomicOperation,
  base: Register,
  offset: number,
  src: Register,
): Instruction => ({
  opcode: CLASS.stx | MODE.atomic | SIZE_OF_BYTES[bytes],
  dst: numberOf(base),
  src: numberOf(src),
  offset,
  imm: ATOMIC_IMM[operation],
})

const ordered = (imm: number, bytes: Bytes, dst: Register, src: Register, offset: number): Instruction => ({
  opcode: CLASS.stx | MODE.atomic | SIZE_OF_BYTES[bytes],
  dst: numberOf(dst),
  src: numberOf(src),
  offset,
  imm,
})

/** `dst = load_acquire((u64 *)(base +offset))` (Linux 6.15) */
export const loadAcquire = (bytes: Bytes, dst: Register, base: Register, offset: number): Instruction =>
  ordered(ORDERED.loadAcquire, bytes, dst, base, offset)

/** `store_release((u64 *)(base +offset), src)` (Linux 6.15) */
export const storeRelease = (bytes: Bytes, base: Register, offset: number, src: Register): Instruction =>
  ordered(ORDERED.storeRelease, bytes, base, src, offset)

export type Condition = Exclude<keyof typeof JMP, 'ja' | 'call' | 'exit'>

/** `if dst (op) operand goto label` on 64 bits */
export function jump(condition: Condition, dst: Register, operand: Operand, to: string): Step {
  const { source, ...rest } = operands(dst, operand)
  return { opcode: CLASS.jmp | JMP[condition] | source, ...rest, offset: 0, to }
}

/** `if w dst (op) operand goto label` on 32 bits */
export function jump32(condition: Condition, dst: Register, operand: Operand, to: string): Step {
  const { source, ...rest } = operands(dst, operand)
  return { opcode: CLASS.jmp32 | JMP[condition] | source, ...rest, offset: 0, to }
}

/** `goto label` */
export const goto = (to: string): Step => ({ ...none, opcode: CLASS.jmp | JMP.ja, to })

/** `gotol label`: the distance has 32 bits */
export const gotol = (to: string): Step => ({ ...none, opcode: CLASS.jmp32 | JMP.ja, to })

/** `may_goto label` */
export const mayGoto = (to: string): Step => ({ ...none, opcode: MAY_GOTO, to })

/** `call helper` */
export const call = (helper: HelperName): Instruction => ({
  ...none,
  opcode: CLASS.jmp | JMP.call,
  imm: HELPER[helper],
})

/** `call label`: a function of the same program */
export const callLocal = (to: string): Step => ({ ...none, opcode: CLASS.jmp | JMP.call, src: CALL.local, to })

export const exit: Instruction = { ...none, opcode: CLASS.jmp | JMP.exit }

export const label = (name: string): Step => ({ label: name })

/** `r0 = verdict; exit` */
export const verdict = (value: number): Step => [alu32('mov', 'r0', value | 0), exit]

/** A program out of steps: labels are resolved to distances in slots. */
export function assemble(
  name: string,
  hook: Hook,
  steps: readonly Step[],
  more: Partial<Pick<Program, 'maps' | 'lines' | 'stack'>> = {},
): Program {
  const flat = flatten(steps)
  const labels = new Map<string, number>()
  let slot = 0
  for (const step of flat) {
    if ('label' in step) labels.set(step.label, slot)
    else slot += slotsOf(step)
  }
  slot = 0
  const instructions: Instruction[] = []
  for (const step of flat) {
    if ('label' in step) continue
    slot += slotsOf(step)
    const { to, ...instruction } = step
    instructions.push(to === undefined ? instruction : resolved(instruction, to, labels.get(to), slot))
  }
  return { name, hook, instructions, maps: more.maps ?? {}, lines: more.lines ?? [], stack: more.stack ?? 0 }
}

type FlatStep = (Instruction & { readonly to?: string }) | { readonly label: string }

const isList = (step: Step): step is readonly Step[] => Array.isArray(step)

const flatten = (steps: readonly Step[]): FlatStep[] => steps.flatMap((step) => (isList(step) ? flatten(step) : [step]))

function resolved(instruction: Instruction, to: string, target: number | undefined, next: number): Instruction {
  if (target === undefined) throw new RangeError(`there is no label "${to}"`)
  const distance = target - next
  const inImmediate = (instruction.opcode & 0xf0) === JMP.call || instruction.opcode === (CLASS.jmp32 | JMP.ja)
  return inImmediate ? { ...instruction, imm: distance } : { ...instruction, offset: distance }
}
