import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, bits, Ethernet, header, IPv4, ipv4, list, Udp, u8, u16, u32 } from '../../../src/lang/index.ts'

const pair = { kind: u8, value: u32 }

/** Lists at odd and even places, behind a UDP header. */
export const Marks = header('Marks', {
  choice: u8,
  octets: list(u8, 7),
  words: list(u16, 5),
  pairs: list(pair, 3),
  flags: list({ high: bits(3), low: bits(13) }, 2),
  addresses: list(ipv4, 2),
})

/** The same with a checksum of its own. */
export const Summed = header(
  'Summed',
  { sum: u16, choice: u8, octets: list(u8, 6), pairs: list(pair, 3), last: u8 },
  { checksum: { field: 'sum', covers: 'header' } },
)

export const marker = defineCube('marker', {
  summary: 'assigns to elements of lists in headers',
  ports: z.strictObject({}),
  config: z.strictObject({ distance: z.int().default(0), summed: z.boolean().default(false) }),
  state: { kept: array({ value: { words: list(u16, 5), pairs: list(pair, 3) }, entries: 1 }) },
  drops: { truncated: 'too short' },
})

export default dataplane(marker, (packet, { state, config, drop, flood }) => {
  const at = Ethernet.size + IPv4.size
  const udp = packet.read(Udp, at)
  const kept = state.kept.get({ index: 0 })
  if (!udp || !kept) return drop('truncated')
  if (config.summed) {
    const summed = packet.read(Summed, at + Udp.size)
    if (!summed) return drop('truncated')
    summed.octets[summed.choice % 6] = 0xc5
    summed.pairs[summed.choice % 3] = { kind: 9, value: packet.length }
    summed.pairs.at(1).value += 0x10203
    return flood()
  }
  const marks = packet.read(Marks, at + Udp.size + config.distance, udp)
  if (!marks) return drop('truncated')
  marks.octets[3] = 0xfe
  marks.octets[marks.choice % 7] = marks.octets.at(marks.choice % 7) + 0x31
  for (let i = 0; i < 4; i++) marks.words[i] = marks.words.at(i) * 3 + i
  const pair = marks.pairs.at(marks.choice % 3)
  pair.kind = 0x77
  pair.value += 0x01020304
  marks.pairs[2] = marks.pairs.at(0)
  for (const flag of marks.flags) flag.low = 0x1abc
  marks.addresses[marks.choice & 1] = ipv4('192.0.2.9')
  kept.words = marks.words
  kept.pairs = marks.pairs
  return flood()
})
