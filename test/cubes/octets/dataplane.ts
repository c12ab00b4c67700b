import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { cell, Ethernet, header, ipv4, ipv6, u32, u64 } from '../../../src/lang/index.ts'

export const Pair = header('Pair', { six: ipv6, four: ipv4, number: u64 })

export const octets = defineCube('octets', {
  summary: 'puts numbers together of octets',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    answers: cell({
      value: {
        upper: u64,
        lower: u64,
        turned: u64,
        first: u32,
        second: u32,
        third: u32,
        mixed: u64,
        doubled: u64,
        wrapped: u64,
        mapped: ipv6,
        again: u64,
      },
    }),
  },
  drops: { truncated: 'too short', answered: 'all others' },
})

const mapped = (a: ipv4): ipv6 => ipv6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a[0], a[1], a[2], a[3]])

export default dataplane(octets, (packet, { state, drop }) => {
  const pair = packet.read(Pair, Ethernet.size)
  if (!pair) return drop('truncated')
  const { six: s, number } = pair
  const answers = state.answers.get()
  answers.upper =
    (u64(s[0]) << 56) |
    (u64(s[1]) << 48) |
    (u64(s[2]) << 40) |
    (u64(s[3]) << 32) |
    (u64(s[4]) << 24) |
    (u64(s[5]) << 16) |
    (u64(s[6]) << 8) |
    s[7]
  answers.lower =
    u64(s[15]) +
    (u64(s[14]) << 8) +
    (u64(s[13]) << 16) +
    (u64(s[12]) << 24) +
    (u64(s[11]) << 32) +
    (u64(s[10]) << 40) +
    (u64(s[9]) << 48) +
    (u64(s[8]) << 56)
  answers.turned =
    s[0] |
    (u64(s[1]) << 8) |
    (u64(s[2]) << 16) |
    (u64(s[3]) << 24) |
    (u64(s[4]) << 32) |
    (u64(s[5]) << 40) |
    (u64(s[6]) << 48) |
    (u64(s[7]) << 56)
  answers.first = (u32(s[0]) << 24) | (u32(s[1]) << 16) | (u32(s[2]) << 8) | s[3]
  answers.second = (u32(s[4]) << 24) ^ (u32(s[5]) << 16) ^ (u32(s[6]) << 8) ^ s[7]
  answers.third = s[8] | (u32(s[9]) << 8) | (u32(s[10]) << 16) | (u32(s[11]) << 24)
  answers.mixed = (u64(s[4]) << 56) | (u64(s[5]) << 48) | (u64(s[6]) << 40) | (u64(s[7]) << 32) | 0x01020304
  answers.doubled = (u64(s[0]) << 24) + (u64(s[1]) << 16) + (u64(s[1]) << 16) + (u64(s[2]) << 8) + s[3]
  answers.wrapped = u32((u64(s[0]) << 32) | (u64(s[1]) << 24) | (u64(s[2]) << 16) | (u64(s[3]) << 8) | s[4])
  answers.mapped = mapped(pair.four)
  answers.again =
    ((number & 0xff) << 56) |
    ((number & 0xff00) << 40) |
    ((number & 0xff0000) << 24) |
    ((number & 0xff000000) << 8) |
    ((number >> 8) & 0xff000000) |
    ((number >> 24) & 0xff0000) |
    ((number >> 40) & 0xff00) |
    (number >> 56)
  return drop('answered')
})
