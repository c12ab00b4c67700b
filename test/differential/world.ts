/** Packets and tables for generated programs. Few different bytes, so that keys meet. */
import { toHex } from '../../src/base/bytes.ts'
import type { StructType } from '../../src/lang/index.ts'
import { sample } from './cube.ts'
import type { Choose } from './generate.ts'
import type { TableContents } from './interpret.ts'

export function packetOf(choose: Choose): Uint8Array {
  const packet = Uint8Array.from({ length: 14 + choose(110) }, () => octet(choose))
  // BPF_PROG_TEST_RUN takes no packet that says IP and is too short for it.
  if (packet.length < 54 && ['0800', '86dd'].includes(toHex(packet.subarray(12, 14)))) packet[13] = 1
  return packet
}

const octet = (choose: Choose): number => [0, 1, 2, 3, 0x7f, 0x80, 0xff, choose(256)][choose(8)] ?? 0

/** Every table with a few entries, their padding zero; `packets` give some of the keys. */
export function tablesOf(choose: Choose, packets: readonly Uint8Array[]): TableContents {
  return Object.fromEntries(
    Object.entries(sample.state).map(([name, { kind, key, value, entries }]) => {
      const filled = new Map<string, Uint8Array>()
      const count = kind === 'array' ? entries : choose(6)
      for (let index = 0; index < count; index++) {
        const bytes = kind === 'array' || name === 'small' ? numbered(key, index) : random(key, choose)
        const packet = packets[choose(packets.length)]
        const byAddress = name === 'flows' || name === 'recent'
        if (byAddress && packet) bytes.set(packet.subarray(6 * choose(2)).subarray(0, 6))
        if (name === 'flows') bytes.set([choose(4), 0], 6)
        if (name === 'recent') bytes[6] = choose(2)
        if (kind === 'lpm_trie') cutPrefix(bytes, choose)
        filled.set(toHex(bytes), random(value, choose))
      }
      return [name, filled]
    }),
  )
}

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
      bytes[offset + at] = struct.fields[name]?.kind === 'bool' ? choose(2) : octet(choose)
  return bytes
}
