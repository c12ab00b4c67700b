/** Tables that have as many entries as a graph says of an instance, where its cube says another number. */
import { own } from '../../base/own.ts'
import type { Cube } from '../../cube/index.ts'
import { mapKind, type Table } from '../../lang/index.ts'

export type Entries = Readonly<Record<string, number>>

/** Tables of keys: in others, the number of entries has a meaning for the data plane, or is none of tables'. */
const KINDS: readonly string[] = ['hash', 'lru_hash', 'percpu_hash', 'lru_percpu_hash', 'lpm_trie']

export const canBeSized = ({ kind }: Table): boolean => KINDS.includes(mapKind(kind))

export function sized<C extends Pick<Cube, 'state'>>(cube: C, entries: Entries | undefined): C {
  if (entries === undefined) return cube
  const state = Object.entries(cube.state).map(([name, table]) => {
    const said = own(entries, name)
    return [name, said === undefined ? table : { ...table, entries: said }]
  })
  return { ...cube, state: Object.fromEntries(state) }
}
