/** Programs told from others by what they do. */
import { createHash } from 'node:crypto'
import { encode } from '../isa/encode.ts'
import type { Program } from '../isa/program.ts'

/** Equal for programs that do the same, wherever their lines are. */
export function fingerprint({ instructions }: Program): string {
  const known = fingerprints.get(instructions)
  if (known !== undefined) return known
  const maps: string[] = []
  for (const [index, { map, mapValue = '' }] of instructions.entries())
    if (map !== undefined) maps.push(`${index} ${map} ${mapValue}`)
  const made = createHash('sha256').update(encode(instructions)).update(maps.join()).digest('hex')
  fingerprints.set(instructions, made)
  return made
}

/** Most programs of a graph stay the same when it changes. */
const fingerprints = new WeakMap<Program['instructions'], string>()
