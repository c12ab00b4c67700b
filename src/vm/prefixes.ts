import type { Table } from './table.ts'

/** What stands before the data in a key: its length in bits (linux/bpf.h, struct bpf_lpm_trie_key_u8). */
const HEAD = 4

/**
 * Longest-prefix matching in a hash table, by trying each length that occurs, the longest first. The kernel keeps a trie
 * (kernel/bpf/lpm_trie.c); what it finds is the same. Bits past a prefix's length are no part of it: they are zero in the table.
 */
export class Prefixes {
  readonly #table: Table
  readonly #keySize: number
  /** How many entries there are of each length. */
  readonly #counts: Uint32Array
  /** The lengths that occur, the longest first. */
  #lengths: readonly number[] = []
  /** The key that is looked for, cut more and more. */
  readonly #tried: Uint8Array
  /** The key of each slot as it was given, which lists show. */
  readonly #given = new Map<number, Uint8Array>()

  constructor(table: Table, keySize: number) {
    this.#table = table
    this.#keySize = keySize
    this.#tried = new Uint8Array(keySize)
    this.#counts = new Uint32Array((keySize - HEAD) * 8 + 1)
  }

  /** The slot of the longest prefix of the key at `at` in `bytes`, or -1. */
  longest(bytes: Uint8Array, at: number): number {
    const limit = lengthAt(bytes, at)
    if (limit >= this.#counts.length) return -1
    const key = this.#tried
    for (let i = 0; i < this.#keySize; i++) key[i] = bytes[at + i] ?? 0
    for (const length of this.#lengths) {
      if (length > limit) continue
      cutTo(length, key)
      const slot = this.#table.find(key, 0)
      if (slot >= 0) return slot
    }
    return -1
  }

  /** The key at `at` in `bytes` as it is in the table; undefined where its length is more than it has bits. */
  cut(bytes: Uint8Array, at: number): Uint8Array | undefined {
    const length = lengthAt(bytes, at)
    if (length >= this.#counts.length) return undefined
    const key = bytes.slice(at, at + this.#keySize)
    cutTo(length, key)
    return key
  }

  /** What was put into a slot has the key at `at` in `bytes`. */
  put(slot: number, bytes: Uint8Array, at: number): void {
    const key = bytes.slice(at, at + this.#keySize)
    if (!this.#given.has(slot)) this.#count(key, 1)
    this.#given.set(slot, key)
  }

  remove(slot: number): void {
    this.#count(this.key(slot), -1)
    this.#given.delete(slot)
  }

  key(slot: number): Uint8Array {
    return this.#given.get(slot)?.slice() ?? new Uint8Array(this.#keySize)
  }

  #count(key: Uint8Array, change: 1 | -1): void {
    const length = lengthAt(key, 0)
    const count = (this.#counts[length] ?? 0) + change
    this.#counts[length] = count
    if (count === 0) this.#lengths = this.#lengths.filter((other) => other !== length)
    else if (change === 1 && count === 1) this.#lengths = [...this.#lengths, length].sort((a, b) => b - a)
  }
}

const lengthAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0

/** Gives a key another length, which is not longer than the one that it has. */
function cutTo(length: number, key: Uint8Array): void {
  for (let i = 0; i < HEAD; i++) key[i] = length >>> (8 * i)
  const whole = HEAD + (length >> 3)
  const part = length & 7
  if (part !== 0) key[whole] = (key[whole] ?? 0) & (0xff << (8 - part))
  for (let i = part === 0 ? whole : whole + 1; i < key.length; i++) key[i] = 0
}
