/** State survives a change by instance, name and layout; where the layout is another one, by the cube's own function. */
import { dirname, join } from 'node:path'
import { type Diagnostic, Refusal } from '../../base/diagnostic.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import type { Migration } from '../../cube/index.ts'
import { bounded, Endless } from '../../importing/bounded.ts'
import { placeInStack, shown } from '../../importing/stack.ts'
import { isKeyless, isRing, type MapDescription } from '../../isa/program.ts'
import { mapKind, type Table } from '../../lang/index.ts'
import type { Graph, GraphFile } from '../graph/graph.ts'
import { mapPath } from '../graph/paths.ts'
import type { Entry } from '../stitch/stitch.ts'
import { type Conversions, type Convert, conversion } from './migrate.ts'
import type { Copy, Step } from './plan.ts'

interface OwnedTable {
  readonly instance: string
  readonly name: string
  readonly table: Table
  readonly migrations: readonly Migration[] | undefined
}

/** The tables of all instances, by the paths of their maps. */
function tablesOf(graph: Graph, cubes: ReadonlyMap<string, CubeFolder>): ReadonlyMap<string, OwnedTable> {
  const tables = new Map<string, OwnedTable>()
  for (const { name: instance, cube: named } of graph.instances) {
    const { cube, control } = cubes.get(named) ?? {}
    for (const [name, table] of Object.entries(cube?.state ?? {}))
      tables.set(mapPath(graph.name, instance, name), { instance, name, table, migrations: control?.migrate?.[name] })
  }
  return tables
}

export interface KeptState {
  /** How maps are described whose entries go into another one. */
  readonly kept: ReadonlyMap<string, MapDescription>
  readonly conversions: Conversions
  /** Tables whose entries would be lost. */
  readonly diagnostics: readonly Diagnostic[]
}

/** What becomes of the maps at `changed`. `recorded` tells how they were described when they were made. */
export function keepState(
  file: GraphFile,
  changed: readonly string[],
  recorded: (path: string) => MapDescription | undefined,
): KeptState {
  const { graph, cubes, place } = file
  const tables = tablesOf(graph, cubes)
  const kept = new Map<string, MapDescription>()
  const conversions = new Map<string, Convert>()
  const diagnostics: Diagnostic[] = []
  for (const path of changed) {
    const owned = tables.get(path)
    // Events are for whoever is there when they happen. What is no table of a cube is made anew from the graph.
    if (owned === undefined || isRing(mapKind(owned.table.kind))) continue
    const from = recorded(path)
    const convert = from && conversion(from, owned.table, owned.migrations)
    if (from !== undefined && convert !== undefined) {
      kept.set(path, from)
      conversions.set(path, orRefuse(convert, owned, file))
    } else {
      const path = ['instances', owned.instance, 'cube']
      diagnostics.push({ ...lost(graph, owned, from), path, place: place(path) })
    }
  }
  return { kept, conversions, diagnostics }
}

/** Entries that a cube's own function may take all the time for that {@link bounded} gives. */
const AT_ONCE = 1000

/** What a cube's own function throws, or that it does not come to an end, is a mistake in its file, and the change is refused. */
function orRefuse(convert: Convert, { instance, name }: OwnedTable, { graph, cubes, place }: OwnFile): Convert {
  const some: Convert = (entries) => {
    try {
      return bounded(() => convert(entries))
    } catch (error) {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
      const { dataplane = '' } = cubes.get(graph.instances.find((one) => one.name === instance)?.cube ?? '') ?? {}
      const path = ['instances', instance, 'cube']
      const inCube = dirname(dataplane)
      const mistake =
        error instanceof Endless
          ? { message: `migrate of ${name} in ${shown(join(inCube, 'control.ts'))}: ${message}` }
          : { message: `migrate throws at an entry of ${name}: ${message}`, place: placeInStack(stack, inCube) }
      const which = { message: `it is the table ${name} of ${instance}`, path, place: place?.(path) }
      throw new Refusal([mistake, which], { cause: error })
    }
  }
  return (entries) => {
    const made: (Entry | undefined)[] = []
    for (let at = 0; at < entries.length; at += AT_ONCE)
      for (const one of some(entries.slice(at, at + AT_ONCE))) made.push(one)
    return made
  }
}

/** A graph, and where it is written, if it is. */
type OwnFile = Pick<GraphFile, 'graph' | 'cubes'> & Partial<Pick<GraphFile, 'place'>>

function lost({ name: graph }: Graph, { instance, name, table }: OwnedTable, from: MapDescription | undefined) {
  const what = `the table ${name} of ${instance}`
  const anew = `run tessera delete ${graph} first, and its entries are lost`
  if (from === undefined)
    return { message: `${what} is there already, and nobody knows with which layout`, remedy: anew }
  if (isKeyless(from.kind))
    return {
      message: `${what} cannot change: nobody can list what is in a ${from.kind.replace('_', ' ')}`,
      remedy: anew,
    }
  const changed = table.kind === from.kind ? 'has another layout than' : `is a ${table.kind}, and a ${from.kind} in`
  return {
    message: `${what} ${changed} the graph that runs`,
    remedy: `say in the cube's control.ts what becomes of its entries: migrate: { ${name}: [from(OLD, ({ key, value }) => …)] };\nor ${anew}`,
  }
}

/** What becomes of the entries that a change had begun to copy. */
export function conversionsAgain(
  graph: Graph,
  cubes: ReadonlyMap<string, CubeFolder>,
  steps: readonly Step[],
): Conversions {
  const tables = tablesOf(graph, cubes)
  const copies = steps.filter((step): step is Step & Copy => step.do === 'copy again')
  return new Map(
    copies.flatMap(({ path, from }) => {
      const owned = tables.get(path)
      const convert = owned && conversion(from, owned.table, owned.migrations)
      return convert === undefined || owned === undefined
        ? []
        : [[path, orRefuse(convert, owned, { graph, cubes })] as const]
    }),
  )
}
