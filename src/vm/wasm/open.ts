/** Programs that differ only in open numbers ({@link Program.open}) are one module, which gets these numbers when it is instantiated. */
import { ALU, CLASS, classOf, JMP, LDDW, SOURCE } from '../../isa/opcodes.ts'
import type { Instruction, Program } from '../../isa/program.ts'

/** As it is translated: with the open number that its immediate is, if it is one. */
export interface Translated extends Instruction {
  readonly open?: number | undefined
}

/** Whether a translation does without knowing the number: it is copied, added, or compared with. */
function isCopied({ opcode, map, mapValue }: Instruction): boolean {
  const isNumber = (opcode & SOURCE.x) === 0
  const code = opcode & 0xf0
  switch (classOf(opcode)) {
    case CLASS.alu:
    case CLASS.alu64:
      return isNumber && (code === ALU.mov || code === ALU.add)
    case CLASS.jmp:
    case CLASS.jmp32:
      return isNumber && code !== JMP.ja && code !== JMP.call && code !== JMP.exit
    case CLASS.st:
      return true
    default:
      return opcode === LDDW && map !== undefined && mapValue !== undefined
  }
}

/** What the open numbers of a program are, in their order. None where one of them has to be known. */
export function openNumbers({ open = [], instructions }: Program): readonly number[] {
  const numbers: number[] = []
  for (const [index, instruction] of instructions.entries()) {
    const number = open[index]
    if (number === undefined) continue
    if (!isCopied(instruction)) return []
    numbers[number] = Number(instruction.mapValue ?? instruction.imm)
  }
  return numbers
}

/** The program as it is translated for all that are alike. */
export function opened(program: Program): Program {
  const { open, instructions } = program
  if (open === undefined || openNumbers(program).length === 0) return program
  return { ...program, instructions: instructions.map((one, index): Translated => ({ ...one, open: open[index] })) }
}

/** Bytes of values, from the first to behind the last. */
export interface Reached {
  readonly from: number
  readonly to: number
}

/**
 * Whether values have all bytes that one of two programs that are alike reaches without asking, if their addresses are those of the
 * other one; and each as it is aligned.
 */
export function reaches(one: Program, other: Program, reached: ReadonlyMap<number, Reached>): boolean {
  const numbers = new Map(Object.keys(one.maps).map((name, number) => [name, number]))
  return one.instructions.every(({ map = '', mapValue, open }: Translated, index) => {
    if (mapValue === undefined || open === undefined) return true
    const span = reached.get(numbers.get(map) ?? -1)
    const moved = (other.instructions[index]?.mapValue ?? 0) - mapValue
    if (span === undefined || moved === 0) return true
    return moved % 8 === 0 && span.from + moved >= 0 && span.to + moved <= (one.maps[map]?.value.size ?? 0)
  })
}
