import { ALU, CALL, CALLX, CLASS, classOf, JMP, LDDW, MAY_GOTO, MODE, SOURCE } from '../../src/isa/opcodes.ts'
import type { Instruction, Program } from '../../src/isa/program.ts'
import { distanceOf, slotNumbers } from '../../src/vm/validate.ts'

/**
 * A program ready to be interpreted: columns, one element an instruction, and no immediates. Each immediate is a register
 * of its own behind the eleven that programs have, so that every operation takes both operands from registers.
 */
export interface Code {
  readonly program: Program
  /**
   * What to do: the opcode (RFC 9669, appendix A) in its register form. What shares an opcode there takes the place of an
   * immediate form here: signed division 0x37 and modulo 0x97 (64 bits), 0x34 and 0x94 (32 bits), sign-extending moves
   * 0xb7 and 0xb4, local calls 0x8d, calls of a helper by a register 0x86.
   */
  readonly operation: Uint8Array
  readonly destination: Uint8Array
  /** A register, or {@link FIRST_IMMEDIATE} and above: an immediate. */
  readonly source: Int32Array
  /** Memory displacement; width of a byte swap or of a move's source; helper number. */
  readonly detail: Int32Array
  /** The index that a jump or a local call goes to; which atomic operation. */
  readonly target: Int32Array
  /** The lower and upper halves of all registers. */
  readonly lo: Int32Array
  readonly hi: Int32Array
}

export const FIRST_IMMEDIATE = 16

/** `mapAddress` gives the value of a map reference: the region, and the offset in it. */
export function decode(
  program: Program,
  mapAddress: (map: string, value: number | undefined) => [number, number],
): Code {
  const { instructions } = program
  const { length } = instructions
  const slots = slotNumbers(instructions)
  const indexOf = new Map(Array.from(slots.subarray(0, length), (slot, index) => [slot, index]))
  const constants = new Constants()
  const code = {
    operation: new Uint8Array(length),
    destination: new Uint8Array(length),
    source: new Int32Array(length),
    detail: new Int32Array(length),
    target: new Int32Array(length),
  }
  for (const [index, instruction] of instructions.entries()) {
    const { opcode, dst, src, imm, map } = instruction
    code.operation[index] = operationOf(instruction)
    code.destination[index] = dst
    code.detail[index] = detailOf(instruction)
    const distance = distanceOf(instruction)
    if (distance !== undefined) code.target[index] = indexOf.get((slots[index + 1] ?? 0) + distance) ?? -1
    if (map !== undefined) code.source[index] = constants.add(...mapAddress(map, instruction.mapValue))
    else if (opcode === LDDW) code.source[index] = constants.add64(BigInt(imm))
    else if (takesRegister(opcode)) code.source[index] = src
    else code.source[index] = constants.add(Number(imm) < 0 ? -1 : 0, Number(imm))
    if (classOf(opcode) === CLASS.stx && (opcode & 0xe0) === MODE.atomic) code.target[index] = Number(imm)
  }
  return { program, ...code, ...constants.registers() }
}

/** Loads, register stores and atomics always name a register; arithmetic and jumps have a bit for it. */
function takesRegister(opcode: number): boolean {
  const kind = classOf(opcode)
  return kind === CLASS.ldx || kind === CLASS.stx || (kind !== CLASS.st && (opcode & SOURCE.x) !== 0)
}

function operationOf({ opcode, src, offset }: Instruction): number {
  const kind = classOf(opcode)
  const code = opcode & 0xf0
  if (kind === CLASS.alu || kind === CLASS.alu64) {
    if (code === ALU.end) return opcode
    if (code === ALU.neg) return opcode | SOURCE.x
    const variant = (code === ALU.div || code === ALU.mod || code === ALU.mov) && offset !== 0
    return variant ? opcode & ~SOURCE.x : opcode | SOURCE.x
  }
  if (kind === CLASS.jmp || kind === CLASS.jmp32) {
    if (code === JMP.ja) return 0x05
    if (opcode === CALLX) return 0x86
    if (code === JMP.call) return src === CALL.local ? 0x8d : 0x85
    if (code === JMP.exit || opcode === MAY_GOTO) return opcode
    return opcode | SOURCE.x
  }
  // Stores of an immediate are stores of a register that holds it.
  if (kind === CLASS.st) return (opcode & ~0x07) | CLASS.stx
  return opcode
}

function detailOf({ opcode, offset, imm }: Instruction): number {
  const kind = classOf(opcode)
  const code = opcode & 0xf0
  if ((kind === CLASS.alu || kind === CLASS.alu64) && code === ALU.end) return Number(imm)
  if (kind === CLASS.jmp && code === JMP.call) return Number(imm)
  return offset
}

class Constants {
  readonly #lo: number[] = new Array<number>(FIRST_IMMEDIATE).fill(0)
  readonly #hi: number[] = new Array<number>(FIRST_IMMEDIATE).fill(0)
  readonly #known = new Map<string, number>()

  add(hi: number, lo: number): number {
    const key = `${hi}:${lo}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, this.#lo.length)
    this.#hi.push(hi)
    return this.#lo.push(lo) - 1
  }

  add64(value: bigint): number {
    return this.add(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)))
  }

  registers(): { lo: Int32Array; hi: Int32Array } {
    return { lo: Int32Array.from(this.#lo), hi: Int32Array.from(this.#hi) }
  }
}
