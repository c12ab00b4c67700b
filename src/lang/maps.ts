import type { MapDescription, MapKind } from '../isa/program.ts'
import { type ControlOf, type DataOf, type Fields, type StructType, struct, u32 } from './types.ts'

/** A table declared in a schema: the data plane and the control plane both take their types from it. */
export interface Table<K extends Fields = Fields, V extends Fields = Fields> {
  readonly kind: MapKind
  readonly key: StructType<K>
  readonly value: StructType<V>
  readonly entries: number
  readonly summary: string | undefined
}

interface TableOptions<K extends Fields, V extends Fields> {
  readonly key: K
  readonly value: V
  /** The most that fit. */
  readonly entries: number
  readonly summary?: string
}

const table = <K extends Fields, V extends Fields>(
  kind: MapKind,
  { key, value, entries, summary }: TableOptions<K, V>,
) => {
  if (!Number.isInteger(entries) || entries < 1 || entries > 0xffffffff)
    throw new RangeError(`entries: ${entries} is not a number from 1 to 4294967295`)
  return { kind, key: struct('key', key), value: struct('value', value), entries, summary } satisfies Table<K, V>
}

/** A hash table. When it is full, `set` stores nothing and returns false. */
export const hash = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V> =>
  table('hash', options)

/** A hash table that forgets about the least recently used entry when it is full. */
export const lruHash = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V> =>
  table('lru_hash', options)

/** Entries 0 to `entries - 1`, all there from the start, all zero. The key is `{ index }`. */
export const array = <V extends Fields>(options: Omit<TableOptions<{ index: typeof u32 }, V>, 'key'>) =>
  table('array', { ...options, key: { index: u32 } })

/** The map that a machine creates for a table. */
export const describe = ({ kind, key, value, entries }: Table): MapDescription => ({
  kind,
  key: key.layout,
  value: value.layout,
  entries,
})

/** What a data plane may do with a table. */
export interface DataTable<K extends Fields, V extends Fields> {
  /** The entry itself, not a copy: assigning to its fields changes the table. Null where there is none. */
  get(key: DataOf<K>): DataOf<V> | null
  /** Adds or replaces as a whole. False where there was no room. */
  set(key: DataOf<K>, value: DataOf<V>): boolean
  /** False where there was no such entry. */
  delete(key: DataOf<K>): boolean
}

/** The same table, as the control plane sees it. */
export interface ControlTable<K extends Fields, V extends Fields> {
  get(key: ControlOf<K>): ControlOf<V> | undefined
  set(key: ControlOf<K>, value: ControlOf<V>): void
  delete(key: ControlOf<K>): boolean
  entries(): readonly (readonly [ControlOf<K>, ControlOf<V>])[]
}
