/**
 * RFC 9669 written down once more, as naively as can be: integers of any length, no addresses but numbers, one instruction after
 * the other. What machines do is compared with it.
 */
import {
  ALU,
  ATOMIC,
  bytesOf,
  CALL,
  CALLX,
  CLASS,
  classOf,
  JMP,
  LDDW,
  LIMIT,
  MODE,
  ORDERED,
  SOURCE,
} from '../../isa/opcodes.ts'
import { type Instruction, slotsOf } from '../../isa/program.ts'

type Operation = (bits: number, a: bigint, b: bigint) => bigint
type Test = (bits: number, a: bigint, b: bigint) => boolean

const signed = BigInt.asIntN
const amount = (bits: number, b: bigint) => b % BigInt(bits)

/** Section 4.1. Operands are unsigned numbers of `bits` bits; a result may be any number, of which as many bits count. */
const OPERATIONS: Readonly<Record<number, Operation>> = {
  [ALU.add]: (_, a, b) => a + b,
  [ALU.sub]: (_, a, b) => a - b,
  [ALU.mul]: (_, a, b) => a * b,
  [ALU.div]: (_, a, b) => (b === 0n ? 0n : a / b),
  [ALU.or]: (_, a, b) => a | b,
  [ALU.and]: (_, a, b) => a & b,
  [ALU.lsh]: (bits, a, b) => a << amount(bits, b),
  [ALU.rsh]: (bits, a, b) => a >> amount(bits, b),
  [ALU.neg]: (_, a) => -a,
  [ALU.mod]: (_, a, b) => (b === 0n ? a : a % b),
  [ALU.xor]: (_, a, b) => a ^ b,
  [ALU.mov]: (_, _a, b) => b,
  [ALU.arsh]: (bits, a, b) => signed(bits, a) >> amount(bits, b),
}

/** The same with an offset of 1. */
const SIGNED_OPERATIONS: Readonly<Record<number, Operation>> = {
  [ALU.div]: (bits, a, b) => (b === 0n ? 0n : signed(bits, a) / signed(bits, b)),
  [ALU.mod]: (bits, a, b) => (b === 0n ? a : signed(bits, a) % signed(bits, b)),
}

/** Section 4.3. */
const TESTS: Readonly<Record<number, Test>> = {
  [JMP.jeq]: (_, a, b) => a === b,
  [JMP.jgt]: (_, a, b) => a > b,
  [JMP.jge]: (_, a, b) => a >= b,
  [JMP.jset]: (_, a, b) => (a & b) !== 0n,
  [JMP.jne]: (_, a, b) => a !== b,
  [JMP.jsgt]: (bits, a, b) => signed(bits, a) > signed(bits, b),
  [JMP.jsge]: (bits, a, b) => signed(bits, a) >= signed(bits, b),
  [JMP.jlt]: (_, a, b) => a < b,
  [JMP.jle]: (_, a, b) => a <= b,
  [JMP.jslt]: (bits, a, b) => signed(bits, a) < signed(bits, b),
  [JMP.jsle]: (bits, a, b) => signed(bits, a) <= signed(bits, b),
}

/** Section 5.3, without the flag. */
const ATOMICS: Readonly<Record<number, (old: bigint, operand: bigint) => bigint>> = {
  [ATOMIC.add]: (old, operand) => old + operand,
  [ATOMIC.or]: (old, operand) => old | operand,
  [ATOMIC.and]: (old, operand) => old & operand,
  [ATOMIC.xor]: (old, operand) => old ^ operand,
  [ATOMIC.xchg & ~ATOMIC.fetch]: (_, operand) => operand,
}

/** The distance between two stacks, of which each call has one. */
const STACKS = 1n << 20n

export interface Layout {
  /** Where the memory is, and the stack of the program, with those of its functions behind. */
  readonly memory: bigint
  readonly stack: bigint
}

const LAYOUT: Layout = { memory: 1n << 32n, stack: 1n << 33n }

/** What no program may do. */
export class Trap extends Error {}

/** What the model has no answer for: calls of helpers, what a call leaves in r1 to r5, and programs that take too long. */
export class Unknown extends Error {}

const LONGEST = 20_000

const reversed = (bits: number, value: bigint): bigint => {
  let result = 0n
  for (let at = 0; at < bits; at += 8) result = (result << 8n) | ((value >> BigInt(at)) & 0xffn)
  return result
}

interface Frame {
  readonly back: number
  readonly saved: readonly (bigint | undefined)[]
}

/**
 * What a valid program returns that starts with the address of `memory`, which it changes, in r1 and its length in r2. A Trap
 * where it reaches outside, calls too deep, or is atomic where it is not aligned.
 */
export function model(instructions: readonly Instruction[], memory: Uint8Array, layout: Layout = LAYOUT): bigint {
  const slots = instructions.flatMap((instruction) => [instruction, undefined].slice(0, slotsOf(instruction)))
  const stacks = [new Uint8Array(LIMIT.stack)]
  const registers: (bigint | undefined)[] = Array.from({ length: 11 }, () => 0n)
  const frames: Frame[] = []
  let at = 0

  const get = (register: number): bigint => {
    const value = registers[register]
    if (value === undefined) throw new Unknown(`r${register} after a call`)
    return value
  }
  const set = (register: number, value: bigint): void => {
    registers[register] = BigInt.asUintN(64, value)
  }
  const byteAt = (address: bigint): readonly [Uint8Array, number] => {
    const [region, at] =
      address >= layout.stack && address < layout.stack + STACKS * BigInt(stacks.length)
        ? [stacks[Number((address - layout.stack) / STACKS)], Number((address - layout.stack) % STACKS)]
        : [memory, Number(address - layout.memory)]
    if (region === undefined || at < 0 || at >= region.length) throw new Trap(`nothing is at ${address}`)
    return [region, at]
  }
  const read = (address: bigint, bytes: number): bigint => {
    let value = 0n
    for (let i = bytes - 1; i >= 0; i--) {
      const [region, index] = byteAt(address + BigInt(i))
      value = (value << 8n) | BigInt(region[index] ?? 0)
    }
    return value
  }
  const write = (address: bigint, bytes: number, value: bigint): void => {
    byteAt(address + BigInt(bytes - 1))
    for (let i = 0; i < bytes; i++) {
      const [region, index] = byteAt(address + BigInt(i))
      region[index] = Number((value >> BigInt(8 * i)) & 0xffn)
    }
  }
  const operand = ({ opcode, src, imm }: Instruction): bigint =>
    (opcode & SOURCE.x) !== 0 ? get(src) : BigInt.asUintN(64, BigInt(imm))

  const arithmetic = (instruction: Instruction): void => {
    const { opcode, dst, offset, imm } = instruction
    const code = opcode & 0xf0
    const wide = classOf(opcode) === CLASS.alu64
    const bits = wide ? 64 : 32
    if (code === ALU.end) {
      const swaps = wide || (opcode & SOURCE.x) !== 0
      const value = BigInt.asUintN(Number(imm), get(dst))
      return set(dst, swaps ? reversed(Number(imm), value) : value)
    }
    const a = code === ALU.mov ? 0n : BigInt.asUintN(bits, get(dst))
    const b = code === ALU.neg ? 0n : BigInt.asUintN(bits, operand(instruction))
    if (code === ALU.mov && offset !== 0) return set(dst, BigInt.asUintN(bits, signed(offset, b)))
    const operation = (offset === 1 ? SIGNED_OPERATIONS : OPERATIONS)[code]
    set(dst, BigInt.asUintN(bits, operation?.(bits, a, b) ?? 0n))
  }

  const call = (distance: number): void => {
    if (stacks.length === LIMIT.callDepth) throw new Trap('calls are too deep')
    frames.push({ back: at, saved: registers.slice(6, 11) })
    stacks.push(new Uint8Array(LIMIT.stack))
    set(10, get(10) + STACKS)
    at += distance
  }

  /** False where the program is over. */
  const leave = (): boolean => {
    const frame = frames.pop()
    if (frame === undefined) return false
    stacks.pop()
    registers.splice(1, 5, undefined, undefined, undefined, undefined, undefined)
    registers.splice(6, 5, ...frame.saved)
    at = frame.back
    return true
  }

  const jump = (instruction: Instruction): void => {
    const { opcode, dst, offset, imm } = instruction
    const code = opcode & 0xf0
    const bits = classOf(opcode) === CLASS.jmp ? 64 : 32
    if (code === JMP.ja) {
      at += bits === 64 ? offset : Number(imm)
      return
    }
    if (code === JMP.call) return call(Number(imm))
    const taken = TESTS[code]?.(bits, BigInt.asUintN(bits, get(dst)), BigInt.asUintN(bits, operand(instruction)))
    if (taken === true) at += offset
  }

  const atomic = ({ dst, src, offset, imm }: Instruction, bytes: number): void => {
    const address = get(dst) + BigInt(offset)
    const bits = bytes * 8
    if (address % BigInt(bytes) !== 0n) throw new Trap('not aligned')
    const old = read(address, bytes)
    if (imm === ATOMIC.cmpxchg) {
      if (old === BigInt.asUintN(bits, get(0))) write(address, bytes, get(src))
      return set(0, old)
    }
    write(address, bytes, ATOMICS[Number(imm) & ~ATOMIC.fetch]?.(old, get(src)) ?? 0n)
    if ((Number(imm) & ATOMIC.fetch) !== 0) set(src, old)
  }

  const memoryAccess = (instruction: Instruction): void => {
    const { opcode, dst, src, offset, imm } = instruction
    const bytes = bytesOf(opcode)
    const mode = opcode & 0xe0
    if (opcode === LDDW) return set(dst, BigInt(imm))
    if (mode === MODE.atomic && imm === ORDERED.loadAcquire) return set(dst, read(get(src) + BigInt(offset), bytes))
    if (mode === MODE.atomic && imm === ORDERED.storeRelease) return write(get(dst) + BigInt(offset), bytes, get(src))
    if (mode === MODE.atomic) return atomic(instruction, bytes)
    if (classOf(opcode) === CLASS.st) return write(get(dst) + BigInt(offset), bytes, BigInt.asUintN(64, BigInt(imm)))
    if (classOf(opcode) === CLASS.stx) return write(get(dst) + BigInt(offset), bytes, get(src))
    const value = read(get(src) + BigInt(offset), bytes)
    set(dst, mode === MODE.memsx ? signed(bytes * 8, value) : value)
  }

  set(1, memory.length === 0 ? 0n : layout.memory)
  set(2, BigInt(memory.length))
  set(10, layout.stack + BigInt(LIMIT.stack))
  for (let count = 0; count < LONGEST; count++) {
    const instruction = slots[at]
    if (instruction === undefined) throw new RangeError(`there is no instruction ${at}`)
    at += slotsOf(instruction)
    const kind = classOf(instruction.opcode)
    const isCall = instruction.opcode === (CLASS.jmp | JMP.call)
    if (instruction.opcode === CALLX || (isCall && instruction.src !== CALL.local)) throw new Unknown('a helper')
    if (kind === CLASS.alu || kind === CLASS.alu64) arithmetic(instruction)
    else if (instruction.opcode === (CLASS.jmp | JMP.exit)) {
      if (!leave()) return get(0)
    } else if (kind === CLASS.jmp || kind === CLASS.jmp32) jump(instruction)
    else memoryAccess(instruction)
  }
  throw new Unknown('too long')
}
