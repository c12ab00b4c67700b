/** State as a control plane sees it. */
import type { SwappableKind, Table } from './maps.ts'
import type { ControlOf, Fields, IntType, Type } from './types.ts'

/** A table with keys. */
export interface ControlTable<K extends Fields, V extends Fields> {
  get(key: ControlOf<K>): ControlOf<V> | undefined
  set(key: ControlOf<K>, value: ControlOf<V>): void
  /** False where there is such an entry already, which stays as it is. */
  add(key: ControlOf<K>, value: ControlOf<V>): boolean
  /** False where there is no such entry. */
  replace(key: ControlOf<K>, value: ControlOf<V>): boolean
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
  /** False where there is this very prefix already. */
  add(prefix: PrefixOf<K>, value: ControlOf<V>): boolean
  /** False where there is no such prefix. */
  replace(prefix: PrefixOf<K>, value: ControlOf<V>): boolean
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

/** A cell, as the control plane sees it. */
export interface ControlCell<V extends Fields> {
  get(): ControlOf<V>
  set(value: ControlOf<V>): void
}

/** A ring, as the control plane sees it. One reader at a time: each event is given out once. */
export interface ControlRing<Event> extends AsyncIterable<Event> {
  /** The events that are there now, in their order. */
  drain(): readonly Event[]
  /** Calls `listener` with each event, soon after it happened, until disposed. */
  onEvent(listener: (event: Event) => void): Disposable
}

/** An event of a packet ring: the value, and the first bytes of the packet. */
export type PacketEvent<V extends Fields> = ControlOf<V> & { readonly packet: Uint8Array }

/** A Bloom filter, as the control plane sees it. */
export interface ControlBloom<V extends Fields> {
  add(value: ControlOf<V>): void
  has(value: ControlOf<V>): boolean
}

/** What a table that can be swapped has besides. */
export interface ControlSwap<K, V extends Fields> {
  /**
   * Replaces all entries, from one packet to the next. A Refusal where they do not fit, and nothing has changed. References
   * that a packet holds go on to the old entries, which nobody else sees any more.
   */
  replaceAll(entries: Iterable<readonly [key: K, value: ControlOf<V>]>): void
}

/** A table as the control plane sees it, by its kind. */
export type ControlTableOf<T extends Table> =
  T extends Table<infer K, infer V>
    ? T['kind'] extends 'lpm_trie'
      ? ControlPrefixes<K, V>
      : T['kind'] extends 'swappable_lpm_trie'
        ? ControlPrefixes<K, V> & ControlSwap<PrefixOf<K>, V>
        : T['kind'] extends SwappableKind
          ? ControlTable<K, V> & ControlSwap<ControlOf<K>, V>
          : T['kind'] extends 'percpu_array' | 'percpu_hash' | 'lru_percpu_hash'
            ? ControlPerCpuTable<K, V>
            : T['kind'] extends 'queue' | 'stack'
              ? ControlQueue<V>
              : T['kind'] extends 'cell'
                ? ControlCell<V>
                : T['kind'] extends 'ringbuf'
                  ? ControlRing<ControlOf<V>>
                  : T['kind'] extends 'packet_ringbuf'
                    ? ControlRing<PacketEvent<V>>
                    : T['kind'] extends 'bloom_filter'
                      ? ControlBloom<V>
                      : ControlTable<K, V>
    : never
