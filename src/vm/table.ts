/** A hash table over byte strings of one size. Slots are numbered from 0, never move, and are used again. */
export class Table {
  readonly #keySize: number
  readonly #entries: number
  readonly #recent: boolean
  #capacity = 0
  /** Keys in words of 32 bits, little-endian, zeros behind the last byte. */
  #keys: Int32Array = new Int32Array(0)
  readonly #words: number
  /** The key that is looked for. */
  readonly #wanted: Int32Array
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
    this.#words = (keySize + 3) >> 2
    this.#wanted = new Int32Array(this.#words)
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
    this.#take(bytes, at)
    let slot = this.#heads[this.#bucket(this.#wanted, 0)] ?? -1
    while (slot >= 0 && !this.#isWanted(slot)) slot = this.#next[slot] ?? -1
    return slot
  }

  /** A slot for a key that is not in the table yet, which is not full. */
  add(bytes: Uint8Array, at: number): number {
    if (this.#free.length === 0) this.#grow()
    const slot = this.#free.pop() ?? -1
    this.#take(bytes, at)
    this.#keys.set(this.#wanted, slot * this.#words)
    const bucket = this.#bucket(this.#wanted, 0)
    this.#next[slot] = this.#heads[bucket] ?? -1
    this.#heads[bucket] = slot
    this.size++
    if (this.#recent) this.#link(slot)
    return slot
  }

  remove(slot: number): void {
    const bucket = this.#bucket(this.#keys, slot * this.#words)
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
    const key = new Uint8Array(this.#keySize)
    const start = slot * this.#words
    for (let i = 0; i < this.#keySize; i++) key[i] = (this.#keys[start + (i >> 2)] ?? 0) >> (8 * (i & 3))
    return key
  }

  *slots(): Iterable<number> {
    for (let slot = 0; slot < this.#capacity; slot++) if (this.#next[slot] !== FREE) yield slot
  }

  /** Keeps the key at `at` in `bytes` as the one that is wanted. */
  #take(bytes: Uint8Array, at: number): void {
    const wanted = this.#wanted
    const whole = this.#keySize >> 2
    for (let word = 0; word < whole; word++) {
      const from = at + 4 * word
      wanted[word] =
        (bytes[from] ?? 0) |
        ((bytes[from + 1] ?? 0) << 8) |
        ((bytes[from + 2] ?? 0) << 16) |
        ((bytes[from + 3] ?? 0) << 24)
    }
    if (whole === this.#words) return
    let rest = 0
    for (let i = this.#keySize - 1; i >= 4 * whole; i--) rest = (rest << 8) | (bytes[at + i] ?? 0)
    wanted[whole] = rest
  }

  /** Mixed as MurmurHash3 does it (Appleby), 32 bits at a time. */
  #bucket(words: Int32Array, at: number): number {
    let hash = 0
    for (let i = at; i < at + this.#words; i++) {
      const mixed = Math.imul(words[i] ?? 0, 0xcc9e2d51)
      hash = Math.imul(hash ^ ((mixed << 15) | (mixed >>> 17)), 0x1b873593)
      hash ^= hash >>> 13
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    return (hash ^ (hash >>> 15)) & (this.#heads.length - 1)
  }

  #isWanted(slot: number): boolean {
    const start = slot * this.#words
    for (let i = 0; i < this.#words; i++) if (this.#keys[start + i] !== this.#wanted[i]) return false
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
    const keys = new Int32Array(capacity * this.#words)
    keys.set(this.#keys)
    this.#keys = keys
    this.#next = longer(this.#next, capacity, FREE)
    if (this.#recent) this.#moveAnchor(before, capacity, longer)
    this.#capacity = capacity
    for (let slot = capacity - 1; slot >= before; slot--) this.#free.push(slot)
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, capacity)))).fill(-1)
    for (let slot = 0; slot < before; slot++) {
      const bucket = this.#bucket(this.#keys, slot * this.#words)
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
