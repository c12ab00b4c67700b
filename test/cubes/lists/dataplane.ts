import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  array,
  bool,
  Ethernet,
  fill,
  hash,
  header,
  ipv4,
  list,
  mac,
  u8,
  u16,
  u32,
  u64,
} from '../../../src/lang/index.ts'

/** What follows the Ethernet header here. */
export const Words = header('Words', {
  choice: u8,
  count: u8,
  words: list(u16, 5),
  pairs: list({ kind: u8, value: u32 }, 3),
  tail: list(u8, 12),
  addresses: list(ipv4, 2),
})

export const lists = defineCube('lists', {
  summary: 'reads and writes lists in many ways',
  ports: z.strictObject({}),
  config: z.strictObject({ ports: z.array(z.number().int()).default([]) }),
  state: {
    cells: array({
      value: {
        words: list(u16, 5),
        octets: list(u8, 12),
        seen: list(bool, 4),
        peers: list({ address: mac, hits: u32 }, 3),
        sum: u64,
      },
      entries: 2,
    }),
    kept: hash({
      key: { name: list(u8, 12), words: list(u16, 5) },
      value: { wide: list(u64, 3), four: list(ipv4, 2), marks: list(u8, 3), ones: list(u16, 7) },
      entries: 8,
    }),
  },
  drops: { truncated: 'too short', counted: 'all others', configured: 'its first word is in the configuration' },
})

export default dataplane(lists, (packet, { state, config, drop }) => {
  const ethernet = packet.read(Ethernet)
  const words = packet.read(Words, Ethernet.size)
  const cell = state.cells.get({ index: 0 })
  if (!ethernet || !words || !cell) return drop('truncated')
  for (const port of config.ports) if (words.words.at(0) === port) return drop('configured')

  // By what was masked, what is left by a division, what a loop counts, and what was tested.
  cell.octets[words.choice & 7] = words.tail.at(packet.length % 12)
  for (let i = 0; i < 5; i++) cell.words[i] = words.words.at(4 - i)
  const count = words.count
  if (count < 3) {
    const peer = cell.peers.at(count)
    peer.address = ethernet.source
    peer.hits += words.pairs.at(count).value
  }
  cell.seen[words.choice & 3] = words.choice > 3
  let at = 0
  while (at < 12 && words.tail.at(at) !== 0) at++

  // All of one.
  let sum: u64 = at
  for (const word of words.words) sum += word * 1000
  for (const { kind, value } of words.pairs) if (kind === 7) sum += value
  for (const octet of cell.octets) sum += octet
  cell.sum = sum

  // In keys and values.
  const known = state.kept.get({ name: words.tail, words: words.words })
  if (known) {
    known.wide[words.choice & 1] = known.wide.at(2) + 1
    known.four[1] = known.four.at(0)
  } else
    state.kept.set(
      { name: words.tail, words: words.words },
      { wide: [sum, words.choice, 40], four: words.addresses, marks: fill(words.choice), ones: fill(0x101) },
    )
  return drop('counted')
})
