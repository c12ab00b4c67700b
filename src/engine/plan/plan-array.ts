/** What of a graph stays in its array of programs, and what comes into it. */
import type { Program } from '../../isa/program.ts'
import { MAP } from '../../lang/engine-names.ts'
import { keptPath, nextPath, slotPath } from '../graph/paths.ts'
import type { Wanted, WantedProgram } from '../stitch/stitch.ts'
import { canExchange, isSlot } from '../stitch/structure.ts'
import type { Preparation, Present, Sized, Step } from './plan.ts'

/** Maps that stay. An array of programs does if those in it can be exchanged one by one. */
export function staying(present: Present, wanted: Wanted): ReadonlySet<string> {
  const { sameMaps, met } = present
  const maps = new Set([...sameMaps].filter((path) => !(path in wanted.slots)))
  const arrays = Object.keys(wanted.slots).filter((path) => sameMaps.has(path))
  if (arrays.length === 0 || met === undefined || wanted.met === undefined) return maps
  const [before, after] = [met.structure.programs, wanted.met.structure.programs]
  const slots = new Map<string, WantedProgram>(
    Object.values(wanted.slots).flatMap((programs) => programs.map((one) => [`${one.slot}`, one] as const)),
  )
  const same = new Set([...maps, ...arrays])
  const isChanged = (key: string): boolean => {
    const program = slots.get(key) ?? wanted.attachments[key]
    if (program === undefined || before[key]?.print !== after[key]?.print || !areSame(same, program)) return true
    return !isSlot(key) && (!present.attachments.has(key) || isMoved(present, wanted.attachments, key))
  }
  return canExchange(met, wanted.met, isChanged) ? same : maps
}

/** What changes in arrays that stay. `mapsNow`: where maps are while the graph changes. */
export function inArrays(
  { met }: Present,
  { graph, slots, met: now }: Wanted,
  same: ReadonlySet<string>,
  mapsNow: (maps: WantedProgram['maps']) => WantedProgram['maps'],
): { readonly preparations: readonly (Preparation & { do: 'load' | 'keep' })[]; readonly steps: readonly Step[] } {
  const preparations: (Preparation & { do: 'load' | 'keep' })[] = []
  const steps: Step[] = []
  if (met === undefined || now === undefined) return { preparations, steps }
  const [before, after] = [met.structure.programs, now.structure.programs]
  for (const [path, programs] of Object.entries(slots)) {
    if (!same.has(path)) continue
    for (const { slot, program, maps, owner } of programs) {
      const was = before[slot]
      if (was?.print === after[slot]?.print && areSame(same, { program, maps })) continue
      const from = nextPath(slotPath(graph, slot))
      preparations.push({ do: 'load', path: slotPath(graph, slot), at: from, program, maps: mapsNow(maps), owner })
      if (was !== undefined) preparations.push({ do: 'keep', path, slot, at: keptPath(path, slot) })
      steps.push({ do: was === undefined ? 'fill' : 'exchange', path, slot, from, ...sized(program) })
    }
    for (const key of Object.keys(before))
      if (isSlot(key) && after[key] === undefined) steps.push({ do: 'empty', path, slot: Number(key) })
  }
  return { preparations, steps }
}

/** Whether an attachment is to be at another interface, or at another point of it. */
export function isMoved(present: Present, attachments: Wanted['attachments'], path: string): boolean {
  const [now, then] = [present.attachments.get(path), attachments[path]]
  return now !== undefined && then !== undefined && (now.interface !== then.interface || now.point !== then.point)
}

/** Whether a program uses none but maps that stay. */
export const areSame = (
  same: ReadonlySet<string>,
  { program, maps }: Pick<WantedProgram, 'program' | 'maps'>,
): boolean => Object.keys(program.maps).every((name) => same.has(maps[name] ?? ''))

export function sized(program: Program): Sized {
  const instances = instancesOf(program)
  return { instructions: program.instructions.length, ...(instances.length > 1 ? { instances } : {}) }
}

/** Those with a data plane in it: each counts. */
const instancesOf = ({ maps }: Program): readonly string[] =>
  Object.keys(maps).flatMap((name) => {
    const [instance = '', map] = name.split('/')
    return map === MAP.counters ? [instance] : []
  })
