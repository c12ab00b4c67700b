/** From the layout that a table's map was made with to the one that its schema has now. */
import type { Migration } from '../../cube/index.ts'
import { isKeyless, type MapDescription } from '../../isa/program.ts'
import { describe, type Table } from '../../lang/index.ts'
import { layoutOf } from '../stitch/same-map.ts'
import type { Entry } from '../stitch/stitch.ts'

/** What becomes of each entry; undefined where it is given up, or where there is none. */
export type Convert = (entries: readonly (Entry | undefined)[]) => readonly (Entry | undefined)[]

/** What becomes of the entries of maps that others take the place of. */
export type Conversions = ReadonlyMap<string, Convert>

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
