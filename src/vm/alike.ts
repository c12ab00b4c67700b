/** What was found out about a program holds for those that differ from it in nothing but names and open numbers. */
import type { Instruction, MapDescription, Program } from '../isa/program.ts'
import { openPlaces } from './wasm/open.ts'

/** Of the programs that were used last, something that took time to find out. */
export class Alike<T> {
  readonly #most: number
  /** The last one was used last. */
  readonly #known: { readonly program: Program; readonly value: T }[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** What is known of one that is alike, and `fits`. */
  find(program: Program, fits: (value: T) => boolean = () => true): T | undefined {
    const at = this.#known.findLastIndex((one) => isAlike(one.program, program) && fits(one.value))
    if (at < 0) return undefined
    const [found] = this.#known.splice(at, 1)
    if (found !== undefined) this.#known.push(found)
    return found?.value
  }

  add(program: Program, value: T): T {
    this.#known.push({ program, value })
    if (this.#known.length > this.#most) this.#known.shift()
    return value
  }
}

function isAlike(one: Program, other: Program): boolean {
  if (one === other) return true
  if (one.hook !== other.hook || one.instructions.length !== other.instructions.length) return false
  const [maps, others] = [Object.keys(one.maps), Object.keys(other.maps)]
  if (maps.length !== others.length) return false
  const isSameMap = (map: string | undefined, its: string | undefined): boolean =>
    map === undefined || its === undefined ? map === its : maps.indexOf(map) === others.indexOf(its)
  if (!maps.every((map, number) => isSameShape(one.maps[map], other.maps[others[number] ?? '']))) return false
  const [open, its] = [openPlaces(one), openPlaces(other)]
  for (let index = 0; index < one.instructions.length; index++) {
    const instruction = one.instructions[index]
    const same = other.instructions[index]
    if (instruction === undefined || same === undefined || open[index] !== its[index]) return false
    // Those that were bound to one shape have most of them together.
    if (instruction === same && same.map === undefined) continue
    if (!isSame(instruction, same, open[index] !== undefined) || !isSameMap(instruction.map, same.map)) return false
  }
  return true
}

const isSame = (a: Instruction, b: Instruction, isOpen: boolean): boolean =>
  a.opcode === b.opcode &&
  a.dst === b.dst &&
  a.src === b.src &&
  a.offset === b.offset &&
  (isOpen ? (a.mapValue === undefined) === (b.mapValue === undefined) : a.imm === b.imm && a.mapValue === b.mapValue)

/** As far as programs that refer to them are concerned. */
const isSameShape = (a: MapDescription | undefined, b: MapDescription | undefined): boolean =>
  a?.kind === b?.kind &&
  a?.key.size === b?.key.size &&
  a?.value.size === b?.value.size &&
  a?.entries === b?.entries &&
  a?.lock === b?.lock
