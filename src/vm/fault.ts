import { type Place, Refusal } from '../base/diagnostic.ts'
import { printInstruction } from '../isa/print.ts'
import { type Program, slotsOf } from '../isa/program.ts'

/** What a program did wrong, thrown where it is found; what runs the program knows at which instruction and makes it a {@link Fault}. */
export class Trap extends Error {}

/** A program stopped in the middle of a packet. The packet is lost; the machine goes on with the next one. */
export class Fault extends Refusal {
  /** The slot of the instruction, as listings number them. */
  readonly instruction: number

  constructor(program: Program, index: number, reason: string) {
    super([{ message: `${nameOf(program, index)}: ${reason}`, place: placeOf(program, index) }])
    this.name = 'Fault'
    this.instruction = slotAt(program, index)
  }
}

const slotAt = ({ instructions }: Program, index: number): number =>
  instructions.slice(0, index).reduce((sum, each) => sum + slotsOf(each), 0)

/** `program "bridge", instruction 2 (r0 = *(u32 *)(r1 +4))` */
export function nameOf(program: Program, index: number): string {
  const instruction = program.instructions[index]
  const text = instruction === undefined ? '' : printInstruction(instruction)
  const shown = text === '' || text.endsWith('unknown') ? '' : ` (${text})`
  return `program "${program.name}", instruction ${slotAt(program, index)}${shown}`
}

/** Where in the source the instruction at `index` came from, if the program says so. */
export function placeOf(program: Program, index: number): Place | undefined {
  const line = program.lines[program.instructions[index]?.line ?? -1]
  if (line === undefined) return undefined
  const length = Math.max(1, line.text.trimEnd().length - line.column + 1)
  return { file: line.file, line: line.line, column: line.column, length, text: line.text }
}
