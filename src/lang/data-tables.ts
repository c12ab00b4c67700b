/** State as a data plane sees it. */
import type { Locked } from './lock.ts'
import type { LockedKind, SwappableKind, Table } from './maps.ts'
import type { DataOf, Fields, GivenOf } from './types.ts'

/** What a data plane may do with an array. */
export interface DataArray<K extends Fields, V extends Fields> {
  /** The entry itself, not a copy: assigning to its fields changes the table. Null where there is none. */
  get(key: GivenOf<K>): DataOf<V> | null
  /** Adds or replaces as a whole. False where there was no room. */
  set(key: GivenOf<K>, value: GivenOf<V>): boolean
}

/** What a data plane may do with a table. */
export interface DataTable<K extends Fields, V extends Fields> extends DataArray<K, V> {
  /** Adds, in one step. False where there was such an entry already, which stays as it is, or no room. */
  add(key: GivenOf<K>, value: GivenOf<V>): boolean
  /** Replaces as a whole, in one step. False where there was no such entry. */
  replace(key: GivenOf<K>, value: GivenOf<V>): boolean
  /** False where there was no such entry. */
  delete(key: GivenOf<K>): boolean
}

/** What `get` gives of a table whose entries have locks. */
interface LockedEntries<K extends Fields, V extends Fields> {
  /** The entry itself, whose fields need its lock: {@link withLock}. Null where there is none. */
  get(key: GivenOf<K>): Locked<DataOf<V>> | null
}

/** What a data plane may do with a table whose entries have locks. */
export interface DataLockedTable<K extends Fields, V extends Fields>
  extends Omit<DataTable<K, V>, 'get'>,
    LockedEntries<K, V> {}

/** What a data plane may do with an array whose entries have locks. */
export interface DataLockedArray<K extends Fields, V extends Fields>
  extends Omit<DataArray<K, V>, 'get'>,
    LockedEntries<K, V> {}

/** What a data plane may do with a table of prefixes, or one that can be swapped: entries are the control plane's to set. */
export interface DataPrefixes<K extends Fields, V extends Fields> {
  /** The entry itself, not a copy: of the longest prefix that the key begins with. Null where there is none. */
  get(key: GivenOf<K>): DataOf<V> | null
}

/** What a data plane may do with a queue or a stack. */
export interface DataQueue<V extends Fields> {
  /** False where there was no room. */
  push(value: GivenOf<V>): boolean
  /** Takes the next value out: a copy. Null where there is none. */
  pop(): Readonly<DataOf<V>> | null
  /** A copy of the next value, which stays. Null where there is none. */
  peek(): Readonly<DataOf<V>> | null
}

/** What a data plane may do with a cell. */
export interface DataCell<V extends Fields> {
  /** The value itself, not a copy: assigning to its fields changes the cell. */
  get(): DataOf<V>
}

/** What a data plane may do with a ring. */
export interface DataRing<V extends Fields> {
  /** Tells the control plane. False where there was no room: counted as lost. */
  emit(event: GivenOf<V>): boolean
}

/** What a data plane may do with a Bloom filter. */
export interface DataBloom<V extends Fields> {
  add(value: GivenOf<V>): void
  /** Whether it may have been added. Never false for one that was. */
  has(value: GivenOf<V>): boolean
}

/** What a data plane may do with a table, by its kind. */
export type DataTableOf<T extends Table> =
  T extends Table<infer K, infer V>
    ? T['kind'] extends 'lpm_trie' | SwappableKind
      ? DataPrefixes<K, V>
      : T['kind'] extends 'queue' | 'stack'
        ? DataQueue<V>
        : T['kind'] extends 'cell'
          ? DataCell<V>
          : T['kind'] extends 'ringbuf' | 'packet_ringbuf'
            ? DataRing<V>
            : T['kind'] extends 'bloom_filter'
              ? DataBloom<V>
              : T['kind'] extends 'locked_array'
                ? DataLockedArray<K, V>
                : T['kind'] extends LockedKind
                  ? DataLockedTable<K, V>
                  : T['kind'] extends 'array' | 'percpu_array'
                    ? DataArray<K, V>
                    : DataTable<K, V>
    : never
