/** Tables may name ports by their numbers ({@link portFields}). Entries that name one go when a change of the graph removes it. */

import type { Machine, MachineMap } from '../../backend/machine.ts'
import { own } from '../../base/own.ts'
import type { MapDescription } from '../../isa/program.ts'
import { type PortField, portFields } from '../../lang/index.ts'
import type { GraphFile } from '../graph/graph.ts'
import type { Numbering } from '../graph/numbering.ts'
import { mapPath } from '../graph/paths.ts'

/** What goes of a table. */
export interface GonePorts {
  readonly path: string
  /** Numbers, by the names that the ports had. */
  readonly ports: Readonly<Record<string, number>>
  readonly fields: readonly PortField[]
}

/** For each table that may name ports which are there `before` and not `now`. */
export const gonePorts = (
  { graph, cubes }: Pick<GraphFile, 'graph' | 'cubes'>,
  before: Numbering = {},
  now: Numbering,
): readonly GonePorts[] =>
  graph.instances.flatMap(({ name, cube: named }) => {
    const kept = now[name]?.ids ?? {}
    const numbers = new Set(Object.values(kept))
    const gone = Object.entries(own(before, name)?.ids ?? {}).filter(([, id]) => !numbers.has(id))
    if (gone.length === 0) return []
    const ports = Object.fromEntries(gone)
    return Object.entries(cubes.get(named)?.cube.state ?? {}).flatMap(([table, declared]) => {
      const fields = portFields(declared)
      return fields.length === 0 ? [] : [{ path: mapPath(graph.name, name, table), ports, fields }]
    })
  })

/** Looks as often, at most. */
const ROUNDS = 4

/**
 * Removes those entries, when no packet is in an old program any more. Doing it again changes nothing. While it looks at one table, a
 * packet may copy what another one still says of such a port: so where it found any, it looks once more.
 */
export function forgetPorts(
  machine: Pick<Machine, 'openMap' | 'settle'>,
  tables: readonly GonePorts[],
  described: (path: string) => MapDescription | undefined,
): void {
  let rest = tables
  for (let round = 0; round < ROUNDS && rest.length > 0; round++) {
    if (round > 0) machine.settle()
    const found = rest.filter((one) => {
      const description = described(one.path)
      using table = description && machine.openMap(one.path, description)
      return table !== undefined && removeFrom(table, one)
    })
    const instances = new Set(found.map(({ path }) => instanceOf(path)))
    rest = rest.filter(({ path }) => instances.has(instanceOf(path)))
  }
}

const instanceOf = (path: string): string | undefined => path.split('/')[1]

/**
 * Whether there were any. What a program has written since they were listed stays, for each is looked at once more; what it writes
 * between that look and the deletion goes.
 */
function removeFrom(table: MachineMap, { ports, fields }: GonePorts): boolean {
  const gone = new Set(Object.values(ports))
  const namesIn = (part: PortField['in']) => {
    const own = fields.filter((field) => field.in === part)
    const isGone = (bytes: Uint8Array, { offset, order }: PortField): boolean => {
      const [first = 0, second = 0] = [bytes[offset], bytes[offset + 1]]
      return gone.has(order === 'host' ? first + 256 * second : 256 * first + second)
    }
    return (bytes: Uint8Array): boolean => own.some((field) => isGone(bytes, field))
  }
  const [inKey, inValue] = [namesIn('key'), namesIn('value')]
  let isFound = false
  for (const [key, listed] of table.entries()) {
    if (!inKey(key)) {
      if (!inValue(listed)) continue
      const value = table.lookup(key)
      if (value === undefined || !inValue(value)) continue
    }
    isFound = table.delete(key) || isFound
  }
  return isFound
}
