/** Tables for generated programs. */
import { toHex } from '../../src/base/bytes.ts'
import { isArray } from '../../src/isa/program.ts'
import { mapKind, type StructType, swapped } from '../../src/lang/index.ts'
import { sample } from './cube.ts'
import type { Choose } from './generate/draft.ts'
import type { TableContents } from './interpret.ts'
import { octet } from './packets.ts'

/** Tables with a few entries, their padding zero; `packets` give some of the keys. */
export function tablesOf(
  choose: Choose,
  names: readonly (keyof typeof sample.state)[],
  packets: readonly Uint8Array[],
): TableContents {
  return Object.fromEntries(
    names.map((name) => {
      const { kind, key, value, entries } = sample.state[name]
      const filled = new Map<string, Uint8Array>()
      const inner = swapped(kind) ?? mapKind(kind)
      const all = isArray(inner)
      if (inner === 'ringbuf' || kind === 'bloom_filter') return [name, filled]
      const count = all ? entries : choose(Math.min(entries + 1, 6))
      for (let index = 0; index < count; index++) {
        const bytes = all || BY_NUMBER.has(name) ? numbered(key, index) : random(key, choose)
        const packet = packets[choose(packets.length)]
        if (name === 'line' || name === 'pile') {
          filled.set(String(index), random(value, choose))
          continue
        }
        if (BY_MAC.has(name) && packet) bytes.set(packet.subarray(6 * choose(2)).subarray(0, 6))
        if (name === 'latest' && packet) bytes.set(packet.subarray(choose(2) ? 26 : 30).subarray(0, 4))
        if (name === 'hosts' && packet) bytes.set(packet.subarray(choose(2) ? 22 : 38).subarray(0, 16))
        if (name === 'hosts') bytes.set([choose(2), 0], 16)
        if (name === 'flows') bytes.set([choose(4), 0], 6)
        if (name === 'recent') bytes[6] = choose(2)
        if (inner === 'lpm_trie') cutPrefix(bytes, choose)
        filled.set(toHex(bytes), random(value, choose))
      }
      return [name, filled]
    }),
  )
}

const BOOLS: ReadonlySet<string> = new Set(['bool', 'list(bool, 4)'])
const BY_NUMBER: ReadonlySet<string> = new Set(['small', 'swaps', 'tight', 'shares', 'buckets', 'vault'])
const BY_MAC: ReadonlySet<string> = new Set(['flows', 'recent'])

/** A prefix of 0 to 48 bits, mostly short, so that several match one key; what is past its length is zero. */
function cutPrefix(bytes: Uint8Array, choose: Choose): void {
  const length = [0, 15, 16, 17, 18, 20, 24, choose(49)][choose(8)] ?? 0
  bytes.set([0, choose(2)], 4)
  bytes[0] = length
  for (let bit = length; bit < 8 * (bytes.length - 4); bit++) {
    const at = 4 + (bit >> 3)
    bytes[at] = (bytes[at] ?? 0) & ~(0x80 >> (bit & 7))
  }
}

function numbered(struct: StructType, index: number): Uint8Array {
  const bytes = new Uint8Array(struct.size)
  bytes[0] = index
  return bytes
}

function random(struct: StructType, choose: Choose): Uint8Array {
  const bytes = new Uint8Array(struct.size)
  for (const { name, offset, layout } of struct.layout.fields)
    for (let at = 0; at < layout.size; at++)
      bytes[offset + at] = BOOLS.has(struct.fields[name]?.name ?? '') ? choose(2) : octet(choose)
  return bytes
}
