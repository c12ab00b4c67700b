/** Programs told from others by what they do. */
import { createHash } from 'node:crypto'
import { encodeProgram } from '../../isa/encode.ts'
import type { Program } from '../../isa/program.ts'

/** Equal for programs that do the same, wherever their lines are. */
export function fingerprint(program: Program): string {
  const { instructions } = program
  const known = fingerprints.get(instructions)
  if (known !== undefined) return known
  const { bytes, places } = encodeProgram(program)
  const maps = places.flatMap(({ index }) => {
    const { map, mapValue = '' } = instructions[index] ?? {}
    return map === undefined ? [] : [`${index} ${map} ${mapValue}`]
  })
  const made = createHash('sha256').update(bytes).update(maps.join()).digest('hex')
  fingerprints.set(instructions, made)
  return made
}

/** Most programs of a graph stay the same when it changes. */
const fingerprints = new WeakMap<Program['instructions'], string>()
