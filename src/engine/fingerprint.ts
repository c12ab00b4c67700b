/** Programs told from others by what they do. */
import { createHash } from 'node:crypto'
import { encodeProgram } from '../isa/encode.ts'
import type { Program } from '../isa/program.ts'

/** Equal for programs that do the same, wherever their lines are. */
export function fingerprint(program: Program): string {
  const { instructions } = program
  const known = fingerprints.get(instructions)
  if (known !== undefined) return known
  const maps = mapsIn(program).map((index) => {
    const { map = '', mapValue = '' } = instructions[index] ?? {}
    return `${index} ${map} ${mapValue}`
  })
  const made = createHash('sha256').update(encodeProgram(program)).update(maps.join()).digest('hex')
  fingerprints.set(instructions, made)
  return made
}

/** Most programs of a graph stay the same when it changes. */
const fingerprints = new WeakMap<Program['instructions'], string>()

/** Which instructions refer to maps: the same in all programs that are alike. */
function mapsIn({ instructions, open }: Program): readonly number[] {
  const known = open && mapsInAlike.get(open)
  if (known !== undefined) return known
  const made = instructions.flatMap(({ map }, index) => (map === undefined ? [] : [index]))
  if (open !== undefined) mapsInAlike.set(open, made)
  return made
}

const mapsInAlike = new WeakMap<NonNullable<Program['open']>, readonly number[]>()
