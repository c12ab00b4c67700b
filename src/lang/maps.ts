import { alignUp } from '../base/bytes.ts'
import type { Struct } from '../isa/layout.ts'
import type { MapDescription, MapKind } from '../isa/program.ts'
import { checkPortFields } from './port-fields.ts'
import { prefixKey, prefixKeyLayout } from './prefix.ts'
import { type Fields, type StructType, struct, u32 } from './types.ts'

/** A cell is an array of one entry, which is always there. */
/** Events of a packet ring carry the packet that they are about. */
export type TableKind = MapKind | 'cell' | 'packet_ringbuf' | LockedKind | SwappableKind
export type SwappableKind = `swappable_${Swappable}`
type Swappable = 'hash' | 'array' | 'lpm_trie'
export type LockedKind = 'locked_hash' | 'locked_array'

/** A table declared in a schema: the data plane and the control plane both take their types from it. */
export interface Table<K extends Fields = Fields, V extends Fields = Fields, Kind extends TableKind = TableKind> {
  readonly kind: Kind
  readonly key: StructType<K>
  readonly value: StructType<V>
  readonly entries: number
  readonly summary: string | undefined
  /** People may write to it, too, and not only planes: by the API and on the command line. */
  readonly writable?: true
  /** Of a ring whose events carry packets: how many bytes of each, at most. */
  readonly packet?: number
}

interface TableOptions<K extends Fields, V extends Fields> {
  readonly key: K
  readonly value: V
  /** The most that fit. */
  readonly entries: number
  readonly summary?: string
  /** People may set, delete and flush its entries. Unless said, only planes do. */
  readonly writable?: true
}

const table = <K extends Fields, V extends Fields, Kind extends TableKind>(
  kind: Kind,
  { key, value, entries, summary, writable }: TableOptions<K, V>,
) => {
  if (!Number.isInteger(entries) || entries < 1 || entries > 0xffffffff)
    throw new RangeError(`entries: ${entries} is not a number from 1 to 4294967295`)
  const made = {
    kind,
    key: struct('key', key),
    value: struct('value', value),
    entries,
    summary,
    ...(writable === true ? { writable } : {}),
  } satisfies Table<K, V, Kind>
  checkPortFields(kind, made)
  return made
}

/** A hash table. When it is full, `set` stores nothing and returns false. */
export const hash = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V, 'hash'> =>
  table('hash', options)

/** A hash table that forgets about the least recently used entry when it is full. */
export const lruHash = <K extends Fields, V extends Fields>(options: TableOptions<K, V>): Table<K, V, 'lru_hash'> =>
  table('lru_hash', options)

interface Index extends Fields {
  readonly index: typeof u32
}

/** Entries 0 to `entries - 1`, all there from the start, all zero. The key is `{ index }`. */
export const array = <V extends Fields>(options: Omit<TableOptions<Index, V>, 'key'>) =>
  table('array', { ...options, key: { index: u32 } })

/** Like {@link array}, with a value for each CPU: each counts in its own, and none waits for another. */
export const perCpuArray = <V extends Fields>(options: Omit<TableOptions<Index, V>, 'key'>) =>
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

/** One value, all zero at first. The data plane knows its address: it is never null, and nothing is looked up. Linux 5.5. */
export const cell = <V extends Fields>(
  options: Omit<TableOptions<Index, V>, 'key' | 'entries'>,
): Table<Index, V, 'cell'> => table('cell', { ...options, key: { index: u32 }, entries: 1 })

/**
 * Events for the control plane, in the order in which they happen. `bytes` is a power of two from 4096 on; an event takes the
 * size of its value and 8 more, to a multiple of 8. When it is full, `emit` returns false, and the event is counted as
 * lost. Linux 5.8.
 */
export const ring = <V extends Fields>({ bytes, ...options }: RingOptions<V>): Table<NoFields, V, 'ringbuf'> =>
  table('ringbuf', { ...options, key: {}, entries: ringSize(bytes) })

/**
 * Like {@link ring}, with the first `packet` bytes of the packet in each event, as it is then; of a shorter one, all. Each event
 * takes room for as many. With XDP, Linux 5.18.
 */
export function packetRing<V extends Fields>({
  bytes,
  packet,
  ...options
}: RingOptions<V> & { readonly packet: number }): Table<NoFields, V, 'packet_ringbuf'> {
  if (!Number.isInteger(packet) || packet < 1 || packet > LONGEST_PACKET)
    throw new RangeError(`packet: ${packet} is not a number of bytes from 1 to ${LONGEST_PACKET}`)
  if ('packet' in options.value) throw new RangeError('value.packet: the event has the packet under this name')
  return { ...table('packet_ringbuf', { ...options, key: {}, entries: ringSize(bytes) }), packet }
}

type RingOptions<V extends Fields> = Omit<TableOptions<NoFields, V>, 'key' | 'entries'> & { readonly bytes: number }

const LONGEST_PACKET = 65_535

function ringSize(bytes: number): number {
  if (bytes >= 4096 && Number.isInteger(Math.log2(bytes))) return bytes
  throw new RangeError(`bytes: ${bytes} is not a power of two from 4096 on`)
}

/** A record of a packet ring: the value, how many bytes of the packet there are, and room for the most there may be. */
export function packetRecord({ value, packet = 0 }: Table): Struct {
  const length = { name: 'captured', offset: alignUp(value.size, 4), layout: u32.layout }
  const bytes = {
    name: 'packet',
    offset: length.offset + 4,
    layout: { kind: 'bytes', role: 'raw', size: packet, align: 1 },
  } as const
  return { ...value.layout, size: bytes.offset + packet, fields: [...value.layout.fields, length, bytes] }
}

/**
 * Which values were ever added. `has` is right about those that were; of others, if there are no more than `entries`, it says
 * yes for about one in thirty. Nothing can be taken out. Linux 5.16.
 */
export const bloom = <V extends Fields>(
  options: Omit<TableOptions<NoFields, V>, 'key'>,
): Table<NoFields, V, 'bloom_filter'> => table('bloom_filter', { ...options, key: {} })

/**
 * A hash or an array each of whose entries has a lock: `locked(hash({ … }))`. Several fields change together, and
 * nobody sees some of them: data planes by {@link withLock}, `set` and the control plane by themselves. Linux 5.1.
 */
export function locked<K extends Fields, V extends Fields, Kind extends 'hash' | 'array'>(
  table: Table<K, V, Kind>,
): Table<K, V, `locked_${Kind}`> {
  const { kind, value } = table
  if (kind !== 'hash' && kind !== 'array') throw new RangeError(`${kind}: only a hash or an array can have locks`)
  const align = Math.max(value.layout.align, LOCK_SIZE)
  const size = alignUp(alignUp(value.size, LOCK_SIZE) + LOCK_SIZE, align)
  return { ...table, kind: `locked_${kind}`, value: { ...value, layout: { ...value.layout, size, align }, size } }
}

/** `struct bpf_spin_lock` (linux/bpf.h). */
const LOCK_SIZE = 4

export const isLocked = (kind: TableKind): kind is LockedKind => kind === 'locked_hash' || kind === 'locked_array'

/**
 * A table that the control plane replaces as a whole: `swappable(lpmTrie({ … }))`, then `replaceAll` in the control plane. Each
 * lookup sees all of the old entries or all of the new ones. Data planes only look up. Linux 4.12.
 */
export function swappable<K extends Fields, V extends Fields, Kind extends Swappable>(
  table: Table<K, V, Kind>,
): Table<K, V, `swappable_${Kind}`> {
  const kind: string = table.kind
  if (kind !== 'hash' && kind !== 'array' && kind !== 'lpm_trie')
    throw new RangeError(`${kind}: only a hash, an array or a table of prefixes can be swapped`)
  const made = { ...table, kind: `swappable_${table.kind}` } as const
  checkPortFields(made.kind, made)
  return made
}

/** The kind of the table that is swapped, of one that is. */
export function swapped(kind: TableKind): Swappable | undefined {
  switch (kind) {
    case 'swappable_hash':
      return 'hash'
    case 'swappable_array':
      return 'array'
    case 'swappable_lpm_trie':
      return 'lpm_trie'
    default:
      return undefined
  }
}

/** What a machine makes of a kind of tables. */
export function mapKind(kind: TableKind): MapKind {
  if (kind === 'packet_ringbuf') return 'ringbuf'
  if (kind === 'swappable_hash' || kind === 'swappable_array' || kind === 'swappable_lpm_trie') return 'array_of_maps'

  if (kind === 'locked_hash') return 'hash'
  return kind === 'cell' || kind === 'locked_array' ? 'array' : kind
}

/** The map that a machine creates for a table. */
export function describe(table: Table): MapDescription {
  const { kind, key, value, entries } = table
  const inner = swapped(kind)
  if (inner !== undefined) return { ...ONE_MAP, inner: describe({ ...table, kind: inner }) }
  return {
    kind: mapKind(kind),
    key: kind === 'lpm_trie' ? prefixKeyLayout(key) : key.layout,
    value: kind === 'packet_ringbuf' ? packetRecord(table) : value.layout,
    entries,
    // Behind all fields.
    ...(isLocked(kind) ? { lock: value.size - LOCK_SIZE } : {}),
  }
}

const ONE_MAP = { kind: 'array_of_maps', key: u32.layout, value: u32.layout, entries: 1 } as const
