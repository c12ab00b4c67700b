/** Programs that differ only in open numbers ({@link Program.open}) are one module, which gets these numbers when it is instantiated. */
import { ALU, CLASS, classOf, JMP, LDDW, SOURCE } from '../../isa/opcodes.ts'
import type { Instruction, Program } from '../../isa/program.ts'
import { MOST_REFERENCES } from './knowledge.ts'

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
      return opcode === LDDW && (map === undefined || mapValue !== undefined)
  }
}

/** {@link Program.open}; none where one of them has to be known. */
export function openPlaces(program: Program): readonly (number | undefined)[] {
  const known = placesOf.get(program)
  if (known !== undefined) return known
  const { open = [], instructions } = program
  const made = instructions.every((one, index) => open[index] === undefined || isCopied(one)) ? open : []
  placesOf.set(program, made)
  return made
}

/** Programs never change, and whoever loads one asks of all that may be alike. */
const placesOf = new WeakMap<Program, readonly (number | undefined)[]>()

/** What the open numbers of a program are, in their order: 64 bits each, of immediates with their sign. */
export function openNumbers(program: Program): readonly bigint[] {
  const numbers: bigint[] = []
  const places = openPlaces(program)
  for (let index = 0; index < places.length; index++) {
    const number = places[index]
    if (number === undefined) continue
    const { mapValue, imm } = program.instructions[index] ?? {}
    numbers[number] = BigInt(mapValue ?? imm ?? 0)
  }
  return numbers
}

/** The program as it is translated for all that are alike. */
export function opened(program: Program): Program {
  const open = openPlaces(program)
  if (open.length === 0) return program
  const instructions = program.instructions.map((one, index): Translated => ({ ...one, open: open[index] }))
  return { ...program, instructions }
}

/** Bytes of values, from the first to behind the last. */
export interface Reached {
  readonly from: number
  readonly to: number
}

/**
 * What programs have pointers to, numbered: their maps in their order, and behind them each open number that is an offset in a
 * value, for in a program that is alike it goes elsewhere.
 */
export class References {
  readonly #maps: ReadonlyMap<string, number>
  readonly #mapOf: number[]
  readonly #open = new Map<string, number>()

  constructor({ maps, instructions }: Program) {
    const names = Object.keys(maps)
    this.#maps = new Map(names.map((name, number) => [name, number]))
    this.#mapOf = [...names.keys()]
    for (const { map, mapValue, open } of instructions as readonly Translated[]) {
      const key = `${open} ${map}`
      if (map === undefined || mapValue === undefined || open === undefined || this.#open.has(key)) continue
      // The others go by the numbers of their maps.
      if (this.#mapOf.length === MOST_REFERENCES) break
      this.#open.set(key, this.#mapOf.push(this.#maps.get(map) ?? -1) - 1)
    }
  }

  of({ map, open }: Translated): number {
    return this.#open.get(`${open} ${map}`) ?? this.#maps.get(map ?? '') ?? -1
  }

  /** The number of the map that it goes to. */
  map(reference: number): number {
    return this.#mapOf[reference] ?? -1
  }
}

/**
 * Whether values have all bytes that one of two programs that are alike reaches without asking, if their addresses are those of the
 * other one; and each as it is aligned. `reached`: by {@link References}.
 */
export function reaches(one: Program, other: Program, reached: ReadonlyMap<number, Reached>): boolean {
  const references = new References(one)
  return one.instructions.every((instruction: Translated, index) => {
    const { map = '', mapValue, open } = instruction
    if (mapValue === undefined || open === undefined) return true
    const span = reached.get(references.of(instruction))
    const moved = (other.instructions[index]?.mapValue ?? 0) - mapValue
    if (span === undefined || moved === 0) return true
    return moved % 8 === 0 && span.from + moved >= 0 && span.to + moved <= (one.maps[map]?.value.size ?? 0)
  })
}
