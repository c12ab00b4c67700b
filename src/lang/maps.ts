import type { MapDescription, MapKind } from '../isa/program.ts'
import { prefixKey, prefixKeyLayout } from './prefix.ts'
import {
  type ControlOf,
  type DataOf,
  type Fields,
  type IntType,
  type StructType,
  struct,
  type Type,
  u32,
} from './types.ts'

/** A table declared in a schema: the data plane and the control plane both take their types from it. */
export interface Table<K extends Fields = Fields, V extends Fields = Fields, Kind extends MapKind = MapKind> {
  readonly kind: Kind
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

const table = <K extends Fields, V extends Fields, Kind extends MapKind>(
  kind: Kind,
  { key, value, entries, summary }: TableOptions<K, V>,
) => {
  if (!Number.isInteger(entries) || entries < 1 || entries > 0xffffffff)
    throw new RangeError(`entries: ${entries} is not a number from 1 to 4294967295`)
  return { kind, key: struct('key', key), value: struct('value', value), entries, summary } satisfies Table<K, V, Kind>
}

/** A hash table. When it is full, `set` stores nothing and returns false. */
export const hash = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V, 'hash'> =>
  table('hash', options)

/** A hash table that forgets about the least recently used entry when it is full. */
export const lruHash = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V, 'lru_hash'> =>
  table('lru_hash', options)

/** Entries 0 to `entries - 1`, all there from the start, all zero. The key is `{ index }`. */
export const array = <V extends Fields>(options: Omit<TableOptions<{ index: typeof u32 }, V>, 'key'>) =>
  table('array', { ...options, key: { index: u32 } })

/** Like {@link array}, with a value for each CPU: each counts in its own, and none waits for another. */
export const perCpuArray = <V extends Fields>(options: Omit<TableOptions<{ index: typeof u32 }, V>, 'key'>) =>
  table('percpu_array', { ...options, key: { index: u32 } })

/** Like {@link hash}, with a value for each CPU. One that `set` adds is zero on all CPUs but that of the packet. */
export const perCpuHash = <K extends Fields, V extends Fields>(
  options: TableOptions<K, V>,
): Table<K, V, 'percpu_hash'> => table('percpu_hash', options)

/** Like {@link lruHash}, with a value for each CPU. */
export const perCpuLruHash = <K extends Fields, V extends Fields>(
  options: TableOptions<K, V>,
): Table<K, V, 'lru_percpu_hash'> => table('lru_percpu_hash', options)

/**
 * A table of prefixes: of the last field of the key, an address or an unsigned integer; fields before it match as a whole.
 * The control plane sets a prefix by its key and its `length` in bits: `set({ destination: '10.0.0.0', length: 8 }, …)`.
 * The data plane asks what holds for one value, `get({ destination: ip.destination })`, and is given the entry of the
 * longest prefix that it begins with.
 */
export const lpmTrie = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V, 'lpm_trie'> => {
  const made = table('lpm_trie', options)
  return { ...made, key: prefixKey(options.key, made.value.layout.align) }
}

type NoFields = Readonly<Record<never, never>>

/** Values without keys: what is pushed first is popped first. When it is full, `push` adds nothing and returns false. */
export const queue = <V extends Fields>(options: Omit<TableOptions<NoFields, V>, 'key'>): Table<NoFields, V, 'queue'> =>
  table('queue', { ...options, key: {} })

/** Like {@link queue}, but what is pushed last is popped first. */
export const stack = <V extends Fields>(options: Omit<TableOptions<NoFields, V>, 'key'>): Table<NoFields, V, 'stack'> =>
  table('stack', { ...options, key: {} })

/** The map that a machine creates for a table. */
export const describe = ({ kind, key, value, entries }: Table): MapDescription => ({
  kind,
  key: kind === 'lpm_trie' ? prefixKeyLayout(key) : key.layout,
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

/** What a data plane may do with a table of prefixes: they are the control plane's to set. */
export interface DataPrefixes<K extends Fields, V extends Fields> {
  /** The entry of the longest prefix that the key begins with, itself, not a copy. Null where there is none. */
  get(key: DataOf<K>): DataOf<V> | null
}

/** What a data plane may do with a queue or a stack. */
export interface DataQueue<V extends Fields> {
  /** False where there was no room. */
  push(value: DataOf<V>): boolean
  /** Takes the next value out: a copy. Null where there is none. */
  pop(): Readonly<DataOf<V>> | null
  /** A copy of the next value, which stays. Null where there is none. */
  peek(): Readonly<DataOf<V>> | null
}

/** What a data plane may do with a table, by its kind. */
export type DataTableOf<T extends Table> =
  T extends Table<infer K, infer V>
    ? T['kind'] extends 'lpm_trie'
      ? DataPrefixes<K, V>
      : T['kind'] extends 'queue' | 'stack'
        ? DataQueue<V>
        : DataTable<K, V>
    : never

/** The same table, as the control plane sees it. */
export interface ControlTable<K extends Fields, V extends Fields> {
  get(key: ControlOf<K>): ControlOf<V> | undefined
  set(key: ControlOf<K>, value: ControlOf<V>): void
  delete(key: ControlOf<K>): boolean
  entries(): readonly (readonly [ControlOf<K>, ControlOf<V>])[]
}

/** The key of a prefix: the fields, and how many bits of the last one count. All bits after those are zero. */
export type PrefixOf<K extends Fields> = ControlOf<K> & { readonly length: number }

/** A table of prefixes, as the control plane sees it. A RangeError where a prefix has bits past its length. */
export interface ControlPrefixes<K extends Fields, V extends Fields> {
  /** The entry of the longest prefix that contains this one, which may be this very one. */
  get(prefix: PrefixOf<K>): ControlOf<V> | undefined
  /** Adds or replaces the entry of this very prefix. */
  set(prefix: PrefixOf<K>, value: ControlOf<V>): void
  /** Of this very prefix. False where there was none. */
  delete(prefix: PrefixOf<K>): boolean
  entries(): readonly (readonly [PrefixOf<K>, ControlOf<V>])[]
}

/** A value's integers; what else it has cannot be added up. */
export type SumOf<V extends Fields> = {
  [K in keyof V as V[K] extends IntType<unknown> ? K : never]: V[K] extends Type<unknown, infer C> ? C : never
}

/** A table with a value for each CPU, as the control plane sees it. */
export interface ControlPerCpuTable<K extends Fields, V extends Fields> {
  /** The values of all CPUs, in their order. */
  get(key: ControlOf<K>): readonly ControlOf<V>[] | undefined
  /** The integers of all CPUs' values, added up. */
  sum(key: ControlOf<K>): SumOf<V> | undefined
  /** Adds or replaces: the same value for every CPU. */
  set(key: ControlOf<K>, value: ControlOf<V>): void
  delete(key: ControlOf<K>): boolean
  entries(): readonly (readonly [ControlOf<K>, readonly ControlOf<V>[]])[]
}

/** A queue or a stack, as the control plane sees it. Nobody can list it. */
export interface ControlQueue<V extends Fields> {
  /** A Refusal where there is no room. */
  push(value: ControlOf<V>): void
  pop(): ControlOf<V> | undefined
  peek(): ControlOf<V> | undefined
}

/** A table as the control plane sees it, by its kind. */
export type ControlTableOf<T extends Table> =
  T extends Table<infer K, infer V>
    ? T['kind'] extends 'lpm_trie'
      ? ControlPrefixes<K, V>
      : T['kind'] extends 'percpu_array' | 'percpu_hash' | 'lru_percpu_hash'
        ? ControlPerCpuTable<K, V>
        : T['kind'] extends 'queue' | 'stack'
          ? ControlQueue<V>
          : ControlTable<K, V>
    : never
