/** Tables of instances that run. */

import { refuse } from '../../api/problem.ts'
import { Held } from '../../base/held.ts'
import { own } from '../../base/own.ts'
import { suggestion } from '../../base/suggest.ts'
import { mapPath } from '../../engine/graph/paths.ts'
import { sized } from '../../engine/graph/sized.ts'
import { describe, type Table } from '../../lang/index.ts'
import { Fill } from '../metrics/fill.ts'
import type { Handlers } from './handlers.ts'
import { Listings } from './listings.ts'
import type { Parts } from './parts.ts'
import { instanceIn, type RunningInstance, runningGraph } from './running.ts'
import { describeTable, JsonTable } from './tables.ts'

const stateOf = ({ folder, instance }: RunningInstance): Readonly<Record<string, Table>> =>
  sized(folder.cube, instance.entries).state

type Named = { readonly graph: string; readonly instance: string }

export function stateHandlers(parts: Pick<Parts, 'engine' | 'catalogue' | 'wanted' | 'machine'>) {
  const fill = new Fill(performance.now.bind(performance))
  const listings = new Listings()
  const tablesOf = async ({ graph, instance }: Named): Promise<Readonly<Record<string, Table>>> =>
    stateOf(instanceIn(await runningGraph(parts, graph), instance))
  const open = ({ graph, instance }: Named, name: string, table: Table) =>
    parts.machine.openMap(mapPath(graph, instance, name), describe(table))

  /** Opens the table that is named for as long as something is done with it. */
  const withTable = async <T>(named: Named & { readonly table: string }, run: (table: JsonTable) => T): Promise<T> => {
    const tables = await tablesOf(named)
    const table = own(tables, named.table)
    if (table === undefined)
      throw refuse(404, `${named.instance} has no table ${named.table}`, suggestion(named.table, Object.keys(tables)))
    using map = open(named, named.table, table)
    if (map === undefined) throw refuse(409, `the table ${named.table} is another one just now: the graph changes`)
    return run(new JsonTable(named.table, table, map))
  }

  return {
    listTables: async (named) => {
      using held = new Held()
      fill.tidy()
      return Object.entries(await tablesOf(named)).map(([name, table]) => {
        const count = () => {
          const map = open(named, name, table)
          return map && held.use(map).entries().length
        }
        return describeTable(name, table, () => fill.count(mapPath(named.graph, named.instance, name), count))
      })
    },
    listEntries: ({ limit, cursor, ...named }) =>
      withTable(named, (table) =>
        table.list(limit, cursor, listings, mapPath(named.graph, named.instance, named.table)),
      ),
    getEntry: ({ key, ...named }) => withTable(named, (table) => table.get(key)),
    putEntry: ({ key, body, ...named }, { created }) =>
      withTable(named, (table) => {
        const { entry, isNew } = table.put(key, body)
        if (isNew) created()
        return entry
      }),
    deleteEntry: ({ key, ...named }) => withTable(named, (table) => table.delete(key)),
    flushTable: (named) => withTable(named, (table) => ({ deleted: table.flush() })),
  } satisfies Partial<Handlers>
}
