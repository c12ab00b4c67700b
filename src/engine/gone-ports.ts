/** Tables may name ports by their numbers ({@link portFields}). Entries that name one go when a change of the graph removes it. */
import type { MachineMap } from '../backend/machine.ts'
import { type PortField, portFields } from '../lang/index.ts'
import type { GraphFile } from './graph.ts'
import { mapPath } from './paths.ts'
import type { Numbering } from './records.ts'

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
    const known = Object.hasOwn(before, name) ? before[name] : undefined
    const gone = Object.entries(known?.ids ?? {}).filter(([port]) => !Object.hasOwn(kept, port))
    if (gone.length === 0) return []
    const ports = Object.fromEntries(gone)
    return Object.entries(cubes.get(named)?.cube.state ?? {}).flatMap(([table, declared]) => {
      const fields = portFields(declared)
      return fields.length === 0 ? [] : [{ path: mapPath(graph.name, name, table), ports, fields }]
    })
  })

/**
 * Removes those entries. What a program has written since they were listed stays, for each is looked at once more; what it writes
 * between that look and the deletion goes, and is learned again. Doing it again changes nothing.
 */
export function forgetPorts(
  table: Pick<MachineMap, 'entries' | 'lookup' | 'delete'>,
  { ports, fields }: GonePorts,
): void {
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
  for (const [key, listed] of table.entries()) {
    if (!inKey(key)) {
      if (!inValue(listed)) continue
      const value = table.lookup(key)
      if (value === undefined || !inValue(value)) continue
    }
    table.delete(key)
  }
}
