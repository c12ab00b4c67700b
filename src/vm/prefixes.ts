import { viewOf } from '../base/bytes.ts'
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
  /** The key of each slot as it was given, which lists show. */
  readonly #given = new Map<number, Uint8Array>()

  constructor(table: Table, keySize: number) {
    this.#table = table
    this.#keySize = keySize
    this.#counts = new Uint32Array((keySize - HEAD) * 8 + 1)
  }

  /** The slot of the longest prefix of the key at `at` in `bytes`, or -1. */
  longest(bytes: Uint8Array, at: number): number {
    const limit = viewOf(bytes).getUint32(at, true)
    if (limit >= this.#counts.length) return -1
    for (let length = limit; length >= 0; length--) {
      if (this.#counts[length] === 0) continue
      const slot = this.#table.find(this.#cutTo(length, bytes, at), 0)
      if (slot >= 0) return slot
    }
    return -1
  }

  /** The key at `at` in `bytes` as it is in the table; undefined where its length is more than it has bits. */
  cut(bytes: Uint8Array, at: number): Uint8Array | undefined {
    const length = viewOf(bytes).getUint32(at, true)
    return length < this.#counts.length ? this.#cutTo(length, bytes, at) : undefined
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
    const length = viewOf(key).getUint32(0, true)
    this.#counts[length] = (this.#counts[length] ?? 0) + change
  }

  #cutTo(length: number, bytes: Uint8Array, at: number): Uint8Array {
    const key = new Uint8Array(this.#keySize)
    viewOf(key).setUint32(0, length, true)
    const whole = HEAD + (length >> 3)
    key.set(bytes.subarray(at + HEAD, at + whole), HEAD)
    if ((length & 7) !== 0) key[whole] = (bytes[at + whole] ?? 0) & (0xff << (8 - (length & 7)))
    return key
  }
}
