import { alignUp } from '../base/bytes.ts'
import { isPerCpu } from '../isa/program.ts'
import { decodeStruct, encodeStruct } from '../lang/codec.ts'
import { type ControlOf, type Fields, mapKind, type PrefixOf, swapped, type Table } from '../lang/index.ts'
import { decodePrefix, encodePrefix } from '../lang/prefix.ts'

/** An entry of a table, as its migration has it: of a per-CPU table with the values of all CPUs, of a cell with the index 0. */
export type EntryOf<T extends Table> =
  T extends Table<infer K, infer V>
    ? {
        readonly key: T['kind'] extends 'lpm_trie' | 'swappable_lpm_trie' ? PrefixOf<K> : ControlOf<K>
        readonly value: T['kind'] extends 'percpu_array' | 'percpu_hash' | 'lru_percpu_hash'
          ? readonly ControlOf<V>[]
          : ControlOf<V>
      }
    : never

/** How the entries of a table as it was become those of a table as it is. */
export interface Migration<New extends Table = Table> {
  readonly from: Table
  /** From bytes to bytes; undefined for an entry that is given up. */
  readonly convert: (to: New, key: Uint8Array, value: Uint8Array) => readonly [Uint8Array, Uint8Array] | undefined
}

/**
 * Takes over the entries of a table that was declared as `old`: `entry` makes a new one of each, or gives it up. It is called
 * while packets flow, and again with what they changed meanwhile, so it depends on nothing but the entry.
 */
export const from = <Old extends Table, New extends Table>(
  old: Old,
  entry: (old: EntryOf<Old>) => EntryOf<New> | undefined,
): Migration<New> => ({
  from: old,
  convert(to, key, value) {
    const made = entry(decodeEntry(old, key, value))
    return made === undefined ? undefined : encodeEntry(to, made)
  },
})

const isPrefixed = ({ kind }: Table): boolean => (swapped(kind) ?? kind) === 'lpm_trie'

function decodeEntry<T extends Table>(table: T, key: Uint8Array, value: Uint8Array): EntryOf<T> {
  const { kind, value: values } = table
  const each = alignUp(values.size, 8)
  return {
    key: isPrefixed(table) ? decodePrefix(table.key, key) : decodeStruct(table.key, key),
    value: isPerCpu(mapKind(kind))
      ? Array.from({ length: value.length / each }, (_, cpu) => decodeStruct(values, value.subarray(cpu * each)))
      : decodeStruct(values, value),
  } as EntryOf<T>
}

function encodeEntry(table: Table, entry: EntryOf<Table>): readonly [key: Uint8Array, value: Uint8Array] {
  const { kind, value: values } = table
  const { key, value }: { readonly key: unknown; readonly value: unknown } = entry
  const encodedKey = isPrefixed(table)
    ? encodePrefix(table.key, key as PrefixOf<Fields>)
    : encodeStruct(table.key, key as ControlOf<Fields>)
  if (!isPerCpu(mapKind(kind))) return [encodedKey, encodeStruct(values, value as ControlOf<Fields>)]
  const each = alignUp(values.size, 8)
  const all = value as readonly ControlOf<Fields>[]
  const bytes = new Uint8Array(each * all.length)
  for (const [cpu, one] of all.entries()) bytes.set(encodeStruct(values, one), cpu * each)
  return [encodedKey, bytes]
}
