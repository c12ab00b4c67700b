import { F_LOCK, UPDATE } from '../isa/opcodes.ts'
import {
  isArray,
  isBloom,
  isDevmap,
  isKeyless,
  isLru,
  isPerCpu,
  isProgramArray,
  isRing,
  isSequence,
  type MapDescription,
} from '../isa/program.ts'
import { Bloom } from './bloom.ts'
import { ERRNO } from './errno.ts'
import { DESCRIPTOR } from './layout.ts'
import { type Memory, paddedSize, Region, strideOf } from './memory.ts'
import { Prefixes } from './prefixes.ts'
import { ProgramArray } from './program-array.ts'
import { Ring } from './ring.ts'
import { Sequence } from './sequence.ts'
import { Table } from './table.ts'
import type { Imported } from './wasm/engine.ts'

/** Who asks. Only programs count as use, where the least recently used entry has to go (kernel/bpf/hashtab.c). */
export type Caller = 'program' | 'control plane'

/**
 * A map: numbered slots, each with a value at `slot * stride` of one region of memory. It lives while somebody holds it:
 * a handle, a pin, a program. Results below zero are negated error numbers.
 */
export class VirtualMap {
  readonly name: string
  readonly description: MapDescription
  readonly stride: number
  /** The length of a value as the control plane sees it. */
  readonly valueSize: number
  readonly values: Region
  /** Where in linear memory its values are described to translations. */
  readonly descriptor: number
  /** The number of the region that stands for the map itself; its values are in the next. */
  readonly id: number
  readonly #memory: Memory
  /** Keys of a hash map, or those of a devmap that are set. An array has none: its keys are its slots. */
  readonly #table: Table | undefined
  /** Of an LPM trie: whose keys are in the table, cut to their lengths. */
  readonly #prefixes: Prefixes | undefined
  /** What is in maps whose values have no keys: no program points to them. */
  readonly sequence: Sequence | undefined
  readonly ring: Ring | undefined
  readonly bloom: Bloom | undefined
  readonly programs: ProgramArray | undefined
  /** Of a map of maps: the map that is in it now. */
  inner: VirtualMap | undefined
  #holders = 0
  #users = 0
  #isGone = false

  constructor(name: string, description: MapDescription, memory: Memory) {
    const { kind, key, value, entries } = description
    this.name = name
    this.description = description
    this.stride = strideOf(value.size)
    this.valueSize = isPerCpu(kind) ? paddedSize(value.size) : value.size
    this.sequence = isSequence(kind) ? new Sequence(entries, kind === 'stack') : undefined
    this.ring = isRing(kind) ? new Ring(entries) : undefined
    this.bloom = isBloom(kind) ? new Bloom() : undefined
    this.programs = isProgramArray(kind) ? new ProgramArray(entries) : undefined
    // No program points to values of these.
    const keyless = isKeyless(kind) || kind === 'array_of_maps' || isProgramArray(kind)
    this.#table = isArray(kind) || keyless ? undefined : new Table(key.size, entries, isLru(kind))
    this.#prefixes = kind === 'lpm_trie' && this.#table ? new Prefixes(this.#table, key.size) : undefined
    const slots = this.#table?.capacity ?? (keyless ? 0 : entries)
    this.#memory = memory
    const { heap } = memory
    const length = slots * this.stride
    this.descriptor = heap.allocate(DESCRIPTOR.size)
    this.values = new Region('values', `values of map "${name}"`, heap.allocate(length), length, { map: this })
    this.#describe()
    this.id = memory.addMap(this, this.values, this.descriptor)
    this.inner = this.emptyInner()?.hold()
  }

  hold(): this {
    this.#holders++
    return this
  }

  release(): void {
    this.#holders--
    // Programs in it may be the ones that use it.
    if (this.#holders === 0) this.programs?.clear()
    this.#drop()
  }

  /** The same for programs, which do not keep what is in an array of programs. */
  bind(): void {
    this.#users++
  }

  unbind(): void {
    this.#users--
    this.#drop()
  }

  #drop(): void {
    if (this.#isGone || this.#holders > 0 || this.#users > 0) return
    this.#isGone = true
    this.inner?.release()
    const { heap } = this.#memory
    this.#memory.removeMap(this.id)
    heap.release(this.values.start, this.values.length)
    heap.release(this.descriptor, DESCRIPTOR.size)
  }

  /** Of a map of maps: a map that could be in it. */
  emptyInner(): VirtualMap | undefined {
    const { inner } = this.description
    return inner && new VirtualMap(this.name, inner, this.#memory)
  }

  /** Of a map of maps: the other one is let go of. */
  exchange(inner: VirtualMap): void {
    this.inner?.release()
    this.inner = inner.hold()
  }

  /** The slot of the key at `at` in `bytes`, or -1. */
  find(bytes: Uint8Array, at: number, caller: Caller): number {
    if (this.#table === undefined) {
      const index = indexAt(bytes, at)
      return index < this.description.entries ? index : -1
    }
    if (this.#prefixes !== undefined) return this.#prefixes.longest(bytes, at)
    const slot = this.#table.find(bytes, at)
    if (slot >= 0 && caller === 'program') this.#table.touch(slot)
    return slot
  }

  /** The slot of the key at an address of linear memory, or -1. */
  readonly findForProgram: Imported = (address, _, __, ___, ____) => this.find(this.#bytes, address >>> 0, 'program')

  /** 0, or a negated error number. */
  update(keys: Uint8Array, keyAt: number, values: Uint8Array, valueAt: number, flags: number): number {
    const condition = flags & ~F_LOCK
    const lockless = condition !== flags && this.description.lock === undefined
    if (condition !== UPDATE.any && condition !== UPDATE.noExist && condition !== UPDATE.exist) return -ERRNO.EINVAL
    if (lockless && this.#table !== undefined) return -ERRNO.EINVAL
    if (isDevmap(this.description.kind)) return this.#setDevice(keys, keyAt, values, valueAt, condition)
    const isOurs = values === this.#bytes
    const slot = this.#slotFor(keys, keyAt, condition)
    // Arrays look at their keys first (kernel/bpf/arraymap.c, array_map_update_elem).
    if (slot < 0) return slot
    if (lockless) return -ERRNO.EINVAL
    const start = this.values.start + slot * this.stride
    // The value may itself lie in this map, so it is copied as one piece.
    const { lock, value } = this.description
    const { size } = value
    // When memory grows to have room for the slot, whoever had it has nothing.
    const from = isOurs ? this.#bytes : values
    this.#bytes.set(from.subarray(valueAt, valueAt + size), start)
    // Nobody can hold it now.
    if (lock !== undefined) this.#bytes.fill(0, start + lock, start + lock + 4)
    return 0
  }

  /** 0, or a negated error number. */
  delete(bytes: Uint8Array, at: number): number {
    if (this.programs !== undefined) return this.programs.delete(indexAt(bytes, at))
    if (this.#table === undefined) return -ERRNO.EINVAL
    const [key, keyAt] = this.#prefixes === undefined ? [bytes, at] : [this.#prefixes.cut(bytes, at), 0]
    if (key === undefined) return -ERRNO.EINVAL
    const isDevice = isDevmap(this.description.kind)
    if (isDevice && indexAt(key, keyAt) >= this.description.entries) return -ERRNO.EINVAL
    const slot = this.#table.find(key, keyAt)
    if (slot < 0) return isDevice ? 0 : -ERRNO.ENOENT
    this.#prefixes?.remove(slot)
    this.#table.remove(slot)
    return 0
  }

  /** A copy of a slot's value. */
  value(slot: number): Uint8Array {
    const start = this.values.start + slot * this.stride
    return this.#bytes.slice(start, start + this.valueSize)
  }

  *entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    if (this.#table !== undefined) {
      for (const slot of this.#table.slots())
        yield [this.#prefixes?.key(slot) ?? this.#table.key(slot), this.value(slot)]
      return
    }
    for (let index = 0; index < this.description.entries; index++)
      yield [Uint8Array.of(index, index >> 8, index >> 16, index >> 24), this.value(index)]
  }

  /** Every entry is there, and may be of no interface (kernel/bpf/devmap.c, __dev_map_update_elem). */
  #setDevice(keys: Uint8Array, keyAt: number, values: Uint8Array, valueAt: number, condition: number): number {
    if (indexAt(keys, keyAt) >= this.description.entries) return -ERRNO.E2BIG
    if (condition === UPDATE.noExist) return -ERRNO.EEXIST
    if (this.#table === undefined) return -ERRNO.EINVAL
    if (indexAt(values, valueAt) === 0) {
      this.delete(keys, keyAt)
      return 0
    }
    const slot = this.#hashSlot(this.#table, keys, keyAt, UPDATE.any)
    this.#bytes.set(values.subarray(valueAt, valueAt + this.valueSize), this.values.start + slot * this.stride)
    return 0
  }

  #arraySlot(keys: Uint8Array, at: number, flags: number): number {
    const index = indexAt(keys, at)
    if (index >= this.description.entries) return -ERRNO.E2BIG
    return flags === UPDATE.noExist ? -ERRNO.EEXIST : index
  }

  #slotFor(keys: Uint8Array, at: number, flags: number): number {
    if (this.#table === undefined) return this.#arraySlot(keys, at, flags)
    if (this.#prefixes === undefined) return this.#hashSlot(this.#table, keys, at, flags)
    const given = keys.slice(at, at + this.description.key.size)
    const prefix = this.#prefixes.cut(given, 0)
    if (prefix === undefined) return -ERRNO.EINVAL
    const slot = this.#hashSlot(this.#table, prefix, 0, flags)
    if (slot >= 0) this.#prefixes.put(slot, given, 0)
    return slot
  }

  #hashSlot(table: Table, keys: Uint8Array, at: number, flags: number): number {
    const present = table.find(keys, at)
    if (present >= 0) {
      if (flags === UPDATE.noExist) return -ERRNO.EEXIST
      table.touch(present)
      return present
    }
    if (flags === UPDATE.exist) return -ERRNO.ENOENT
    if (table.full) {
      if (this.description.kind === 'lpm_trie') return -ERRNO.ENOSPC
      if (!isLru(this.description.kind)) return -ERRNO.E2BIG
      table.remove(table.oldest())
    }
    const slot = table.add(keys, at)
    this.#makeRoom(table.capacity)
    return slot
  }

  #makeRoom(slots: number): void {
    const { start, length } = this.values
    const longer = slots * this.stride
    if (longer <= length) return
    const { heap } = this.#memory
    this.values.start = heap.allocate(longer)
    this.values.length = longer
    heap.bytes.copyWithin(this.values.start, start, start + length)
    heap.release(start, length)
    this.#describe()
  }

  #describe(): void {
    const { view } = this.#memory.heap
    view.setUint32(this.descriptor + DESCRIPTOR.start, this.values.start, true)
    view.setUint32(this.descriptor + DESCRIPTOR.length, this.values.length, true)
  }

  get #bytes(): Uint8Array {
    return this.#memory.heap.bytes
  }
}

/** The keys of arrays and devmaps: 32 bits, little-endian. */
const indexAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
