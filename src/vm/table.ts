/** A hash table over byte strings of one size. Slots are numbered from 0, never move, and are used again. */
export class Table {
  readonly #keySize: number
  readonly #entries: number
  readonly #recent: boolean
  #capacity = 0
  #keys = new Uint8Array(0)
  /** The first slot of each chain, and each slot's successor; -1 ends a chain, FREE marks a slot nobody uses. */
  #heads: Int32Array = new Int32Array(0)
  #next: Int32Array = new Int32Array(0)
  /** All used slots in a ring, the least recently used first; the ring's anchor is the slot after the last. */
  #newer: Int32Array = new Int32Array(0)
  #older: Int32Array = new Int32Array(0)
  #free: number[] = []
  size = 0

  /** `recent`: keep the order of use, so that {@link oldest} knows what to give up. */
  constructor(keySize: number, entries: number, recent: boolean) {
    this.#keySize = keySize
    this.#entries = entries
    this.#recent = recent
    this.#grow()
  }

  get capacity(): number {
    return this.#capacity
  }

  get full(): boolean {
    return this.size === this.#entries
  }

  /** The slot of the key at `at` in `bytes`, or -1. */
  find(bytes: Uint8Array, at: number): number {
    let slot = this.#heads[this.#bucket(bytes, at)] ?? -1
    while (slot >= 0 && !this.#same(slot, bytes, at)) slot = this.#next[slot] ?? -1
    return slot
  }

  /** A slot for a key that is not in the table yet, which is not full. */
  add(bytes: Uint8Array, at: number): number {
    if (this.#free.length === 0) this.#grow()
    const slot = this.#free.pop() ?? -1
    const start = slot * this.#keySize
    for (let i = 0; i < this.#keySize; i++) this.#keys[start + i] = bytes[at + i] ?? 0
    const bucket = this.#bucket(bytes, at)
    this.#next[slot] = this.#heads[bucket] ?? -1
    this.#heads[bucket] = slot
    this.size++
    if (this.#recent) this.#link(slot)
    return slot
  }

  remove(slot: number): void {
    const bucket = this.#bucket(this.#keys, slot * this.#keySize)
    const after = this.#next[slot] ?? -1
    let before = this.#heads[bucket] ?? -1
    if (before === slot) this.#heads[bucket] = after
    else {
      while (this.#next[before] !== slot) before = this.#next[before] ?? -1
      this.#next[before] = after
    }
    this.#next[slot] = FREE
    this.#free.push(slot)
    this.size--
    if (this.#recent) this.#unlink(slot)
  }

  /** Marks a slot as the most recently used. */
  touch(slot: number): void {
    if (!this.#recent) return
    this.#unlink(slot)
    this.#link(slot)
  }

  /** The least recently used slot of a table that is not empty. */
  oldest(): number {
    return this.#newer[this.#capacity] ?? -1
  }

  key(slot: number): Uint8Array {
    return this.#keys.slice(slot * this.#keySize, (slot + 1) * this.#keySize)
  }

  *slots(): Iterable<number> {
    for (let slot = 0; slot < this.#capacity; slot++) if (this.#next[slot] !== FREE) yield slot
  }

  #bucket(bytes: Uint8Array, at: number): number {
    let hash = 0x811c9dc5
    for (let i = 0; i < this.#keySize; i++) hash = Math.imul(hash ^ (bytes[at + i] ?? 0), 0x01000193)
    return (hash ^ (hash >>> 15)) & (this.#heads.length - 1)
  }

  #same(slot: number, bytes: Uint8Array, at: number): boolean {
    const start = slot * this.#keySize
    for (let i = 0; i < this.#keySize; i++) if (this.#keys[start + i] !== bytes[at + i]) return false
    return true
  }

  #link(slot: number): void {
    const anchor = this.#capacity
    const last = this.#older[anchor] ?? anchor
    this.#newer[last] = slot
    this.#older[slot] = last
    this.#newer[slot] = anchor
    this.#older[anchor] = slot
  }

  #unlink(slot: number): void {
    const older = this.#older[slot] ?? 0
    const newer = this.#newer[slot] ?? 0
    this.#newer[older] = newer
    this.#older[newer] = older
  }

  #grow(): void {
    const before = this.#capacity
    const capacity = Math.min(this.#entries, Math.max(16, before * 2))
    const longer = (words: Int32Array, length: number, fill: number): Int32Array => {
      const result = new Int32Array(length).fill(fill)
      result.set(words)
      return result
    }
    const keys = new Uint8Array(capacity * this.#keySize)
    keys.set(this.#keys)
    this.#keys = keys
    this.#next = longer(this.#next, capacity, FREE)
    if (this.#recent) this.#moveAnchor(before, capacity, longer)
    this.#capacity = capacity
    for (let slot = capacity - 1; slot >= before; slot--) this.#free.push(slot)
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, capacity)))).fill(-1)
    for (let slot = 0; slot < before; slot++) {
      const bucket = this.#bucket(this.#keys, slot * this.#keySize)
      this.#next[slot] = this.#heads[bucket] ?? -1
      this.#heads[bucket] = slot
    }
  }

  #moveAnchor(
    before: number,
    after: number,
    longer: (w: Int32Array, length: number, fill: number) => Int32Array,
  ): void {
    const first = this.#newer[before]
    const last = this.#older[before]
    this.#newer = longer(this.#newer, after + 1, after)
    this.#older = longer(this.#older, after + 1, after)
    if (first === undefined || last === undefined || first === before) return
    this.#newer[after] = first
    this.#older[first] = after
    this.#older[after] = last
    this.#newer[last] = after
  }
}

const FREE = -2
