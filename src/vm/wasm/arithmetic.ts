import { ALU, CLASS, classOf, JMP, SOURCE } from '../../isa/opcodes.ts'
import type { Instruction } from '../../isa/program.ts'
import { I32, I64, OP, TYPE } from './opcodes.ts'
import type { Translated } from './open.ts'
import type { Registers } from './registers.ts'
import type { Scope } from './scope.ts'
import type { Body } from './writer.ts'

/** Operations that WebAssembly has as they are; shift amounts are taken modulo the width by both. RFC 9669 section 4.1. */
const SAME: Readonly<Record<number, readonly [wide: number, narrow: number]>> = {
  [ALU.add]: [I64.add, I32.add],
  [ALU.sub]: [I64.sub, I32.sub],
  [ALU.mul]: [I64.mul, I32.mul],
  [ALU.or]: [I64.or, I32.or],
  [ALU.and]: [I64.and, I32.and],
  [ALU.xor]: [I64.xor, I32.xor],
  [ALU.lsh]: [I64.shl, I32.shl],
  [ALU.rsh]: [I64.shrU, I32.shrU],
  [ALU.arsh]: [I64.shrS, I32.shrS],
}

/** RFC 9669 section 4.3. */
const CONDITIONS: Readonly<Record<number, readonly [wide: number, narrow: number]>> = {
  [JMP.jeq]: [I64.eq, I32.eq],
  [JMP.jne]: [I64.ne, I32.ne],
  [JMP.jgt]: [I64.gtU, I32.gtU],
  [JMP.jge]: [I64.geU, I32.geU],
  [JMP.jlt]: [I64.ltU, I32.ltU],
  [JMP.jle]: [I64.leU, I32.leU],
  [JMP.jsgt]: [I64.gtS, I32.gtS],
  [JMP.jsge]: [I64.geS, I32.geS],
  [JMP.jslt]: [I64.ltS, I32.ltS],
  [JMP.jsle]: [I64.leS, I32.leS],
}

/** What differs between operations on 64 bits and on 32. */
interface Width {
  /** 0 or 1: which column of the tables. */
  readonly column: 0 | 1
  readonly type: typeof TYPE.i64 | typeof TYPE.i32
  readonly sub: number
  readonly eqz: number
  readonly eq: number
  readonly divU: number
  readonly divS: number
  readonly remU: number
  readonly remS: number
}

const WIDE: Width = { column: 0, type: TYPE.i64, ...pick(I64) }
const NARROW: Width = { column: 1, type: TYPE.i32, ...pick(I32) }

function pick({ sub, eqz, eq, divU, divS, remU, remS }: Omit<Width, 'column' | 'type'>) {
  return { sub, eqz, eq, divU, divS, remU, remS }
}

/** What is needed of a function that is being written. */
type Operands = Pick<Scope, 'body' | 'registers' | 'numbers'>

const isRegister = ({ opcode }: Instruction): boolean => (opcode & SOURCE.x) !== 0

/** An instruction of the classes alu and alu64. */
export function writeArithmetic(scope: Operands, instruction: Translated): void {
  const { body, registers } = scope
  const { opcode, dst, offset } = instruction
  const code = opcode & 0xf0
  const width = classOf(opcode) === CLASS.alu64 ? WIDE : NARROW
  if (code === ALU.end) {
    writeSwap(body, registers, instruction)
    return
  }
  const same = SAME[code]
  if (same !== undefined) {
    pushOperands(scope, instruction, width)
    body.op(same[width.column])
  } else if (code === ALU.neg) {
    pushNumber(body, width, 0)
    push(body, registers, dst, width)
    body.op(width.sub)
  } else if (code === ALU.mov) writeMove(scope, instruction, width)
  else if (offset === 0) writeUnsigned(scope, instruction, width, code === ALU.div)
  else writeSigned(scope, instruction, width, code === ALU.div)
  // The upper half of a result of 32 bits is zero.
  if (width === NARROW) body.op(OP.i64ExtendI32U)
  registers.pop(body, dst)
}

/** Leaves 1 or 0. */
export function writeCondition(scope: Operands, instruction: Translated): void {
  const { body, registers } = scope
  const { opcode, dst, imm, open } = instruction
  const code = opcode & 0xf0
  const width = classOf(opcode) === CLASS.jmp ? WIDE : NARROW
  const isZero = !isRegister(instruction) && open === undefined && Number(imm) === 0
  if (isZero && (code === JMP.jeq || code === JMP.jne)) {
    push(body, registers, dst, width)
    body.op(width.eqz)
    if (code === JMP.jne) body.op(I32.eqz)
    return
  }
  pushOperands(scope, instruction, width)
  if (code === JMP.jset) body.op(width === WIDE ? I64.and : I32.and, width.eqz, I32.eqz)
  else body.op(CONDITIONS[code]?.[width.column] ?? OP.unreachable)
}

function push(body: Body, registers: Registers, register: number, width: Width): void {
  registers.push(body, register)
  if (width === NARROW) body.op(OP.i32WrapI64)
}

function pushNumber(body: Body, width: Width, value: number): void {
  if (width === WIDE) body.i64(value)
  else body.i32(value)
}

function pushSource({ body, registers, numbers }: Operands, instruction: Translated, width: Width): void {
  const { src, imm, open } = instruction
  if (isRegister(instruction)) push(body, registers, src, width)
  else if (open === undefined) pushNumber(body, width, Number(imm))
  else {
    body.getGlobal(numbers.open(open))
    if (width === NARROW) body.op(OP.i32WrapI64)
  }
}

function pushOperands(scope: Operands, instruction: Translated, width: Width): void {
  push(scope.body, scope.registers, instruction.dst, width)
  pushSource(scope, instruction, width)
}

const EXTENSIONS: Readonly<Record<number, readonly [wide: number, narrow: number]>> = {
  8: [I64.extend8S, I32.extend8S],
  16: [I64.extend16S, I32.extend16S],
  32: [I64.extend32S, OP.unreachable],
}

function writeMove(scope: Operands, instruction: Translated, width: Width): void {
  pushSource(scope, instruction, width)
  const extension = isRegister(instruction) ? EXTENSIONS[instruction.offset]?.[width.column] : undefined
  if (extension !== undefined) scope.body.op(extension)
}

/** By zero, a quotient is 0, and a remainder is what was divided. */
function writeUnsigned(scope: Operands, instruction: Translated, width: Width, divides: boolean) {
  const operate = () => {
    pushOperands(scope, instruction, width)
    scope.body.op(divides ? width.divU : width.remU)
  }
  unlessZero(scope, instruction, width, divides, operate)
}

function unlessZero(
  scope: Operands,
  instruction: Translated,
  width: Width,
  divides: boolean,
  operate: () => void,
): void {
  const { body, registers } = scope
  const byZero = () => {
    if (divides) pushNumber(body, width, 0)
    else push(body, registers, instruction.dst, width)
  }
  if (!isRegister(instruction)) {
    if (Number(instruction.imm) === 0) byZero()
    else operate()
    return
  }
  push(body, registers, instruction.src, width)
  body.op(width.eqz, OP.if, width.type)
  byZero()
  body.op(OP.else)
  operate()
  body.op(OP.end)
}

/** The least number divided by -1 is itself here, and ends WebAssembly. */
function writeSigned(scope: Operands, instruction: Translated, width: Width, divides: boolean): void {
  const { body, registers } = scope
  const divide = () => {
    pushOperands(scope, instruction, width)
    body.op(divides ? width.divS : width.remS)
  }
  const negate = () => {
    pushNumber(body, width, 0)
    push(body, registers, instruction.dst, width)
    body.op(width.sub)
  }
  unlessZero(scope, instruction, width, divides, () => {
    if (!divides) divide()
    else if (!isRegister(instruction)) {
      if (Number(instruction.imm) === -1) negate()
      else divide()
    } else {
      push(body, registers, instruction.src, width)
      pushNumber(body, width, -1)
      body.op(width.eq, OP.if, width.type)
      negate()
      body.op(OP.else)
      divide()
      body.op(OP.end)
    }
  })
}

/** Class alu: to little endian, which is to cut, or to big endian; class alu64: always swaps. */
function writeSwap(body: Body, registers: Registers, { opcode, dst, imm }: Instruction): void {
  const bits = Number(imm)
  if (classOf(opcode) === CLASS.alu && (opcode & SOURCE.x) === 0) {
    if (bits === 64) return
    registers.push(body, dst)
    if (bits === 16) body.i64(0xffff).op(I64.and)
    else body.op(OP.i32WrapI64, OP.i64ExtendI32U)
  } else if (bits === 64) swap64(body, registers, dst)
  else {
    registers.push(body, dst)
    body.op(OP.i32WrapI64)
    if (bits === 16) swap16(body, registers.word)
    else swap32(body, registers.word)
    body.op(OP.i64ExtendI32U)
  }
  registers.pop(body, dst)
}

function swap16(body: Body, word: number): void {
  body.tee(word).i32(8).op(I32.shl).i32(0xff00).op(I32.and)
  body.get(word).i32(8).op(I32.shrU).i32(0xff).op(I32.and, I32.or)
}

/** Every other octet goes left by 8 bits, and the rest right, both around the ends. */
function swap32(body: Body, word: number): void {
  body.tee(word).i32(8).op(I32.rotl).i32(0x00ff00ff).op(I32.and)
  body.get(word).i32(24).op(I32.rotl).i32(0xff00ff00).op(I32.and, I32.or)
}

function swap64(body: Body, registers: Registers, register: number): void {
  for (const [mask, shift] of [
    [0x00ff00ff00ff00ffn, 8],
    [0x0000ffff0000ffffn, 16],
  ] as const) {
    registers.push(body, register)
    body.big(mask).op(I64.and).i64(shift).op(I64.shl)
    registers.push(body, register)
    body.i64(shift).op(I64.shrU).big(mask).op(I64.and, I64.or)
    registers.pop(body, register)
  }
  registers.push(body, register)
  body.i64(32).op(I64.rotl)
}
