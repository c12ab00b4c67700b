/** From the layout that a table's map was made with to the one that its schema has now. */
import type { Migration } from '../cube/index.ts'
import { isKeyless, isPerCpu, type MapDescription } from '../isa/program.ts'
import { describe, type Table } from '../lang/index.ts'
import type { Entry } from './stitch.ts'

/** What becomes of each entry; undefined where it is given up, or where there is none. */
export type Convert = (entries: readonly (Entry | undefined)[]) => readonly (Entry | undefined)[]

/** Equal where an entry of the one can be an entry of the other as it is: also to people, who gave its fields names. */
function layoutOf(description: MapDescription): string {
  const known = layouts.get(description)
  if (known !== undefined) return known
  const { kind, key, value, lock, inner } = description
  const layout =
    inner === undefined ? JSON.stringify([kindOfEntries(kind), key, value, lock]) : `a map of ${layoutOf(inner)}`
  layouts.set(description, layout)
  return layout
}

/** All instances of a cube are described by the same objects. */
const layouts = new WeakMap<MapDescription, string>()

/** Whether all of this is described alike, down to the names of fields, which nothing but a record has. */
export const isSameMap = (a: MapDescription, b: MapDescription): boolean =>
  a.kind === b.kind &&
  a.entries === b.entries &&
  a.inner?.kind === b.inner?.kind &&
  a.inner?.entries === b.inner?.entries &&
  layoutOf(a) === layoutOf(b)

function kindOfEntries(kind: MapDescription['kind']): string {
  if (isKeyless(kind) || kind === 'lpm_trie') return kind
  return isPerCpu(kind) ? 'a value for each CPU' : 'a value'
}

/** How entries of a map that was described as `from` get into `table`; undefined where nobody knows. */
export function conversion(
  from: MapDescription,
  table: Table,
  migrations: readonly Migration[] = [],
): Convert | undefined {
  if (isKeyless(from.kind)) return undefined
  const layout = layoutOf(from)
  if (layout === layoutOf(describe(table))) return (entries) => entries
  const known = migrations.find((migration) => layoutOf(describe(migration.from)) === layout)
  return known && ((entries) => entries.map((entry) => entry && known.convert(table, ...entry)))
}
