import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, Ethernet, hash, IPv4, type ipv4, list, Udp, u8, u16, u64 } from '../../../src/lang/index.ts'
import scaled, { hops, low, moved, octets, placed } from './helpers.ts'

export const idioms = defineCube('idioms', {
  summary: 'what people write who know TypeScript',
  ports: z.strictObject({}),
  config: z.strictObject({
    limit: z.number().int().optional(),
    ports: z.array(z.number().int()).default([80, 443]),
    modes: z.array(z.string()).default(['strict']),
    nested: z.strictObject({ depth: z.number().int().default(4) }).prefault({}),
  }),
  state: {
    flows: hash({ key: { port: u16 }, value: { bytes: u64, mark: u8, trusted: u8, list: list(u16, 4) }, entries: 16 }),
    results: array({ value: { value: u64 }, entries: 64 }),
  },
  drops: { truncated: 'too short', done: 'all others' },
})

const Kind = { first: 1, second: 2, third: 1 << 4 } as const
const BASE = { port: 7, depth: 2 } satisfies Record<string, number>
const EXTENDED = { ...BASE, depth: 5 } as const
const PORTS = [53, 5353] as const
const LARGE = 2 ** 33
type Address = ipv4
type Count = u16

const isLocal = (address: Address): boolean => address[0] === 127 || address[0] === 10

export default dataplane(idioms, (packet, { state: { flows, results }, config, drop }) => {
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, Ethernet.size)
  const udp = packet.read(Udp, Ethernet.size + IPv4.size)
  if (!ethernet || !ip || !udp) return drop('truncated')
  const {
    limit = 9,
    ports,
    nested: { depth },
  } = config
  const [one, two, , four] = ip.source
  const port: Count = udp.destinationPort

  results.set({ index: 0 }, { value: flows.get({ port })?.bytes ?? 17 })
  results.set({ index: 1 }, { value: flows.get({ port: 1 })?.mark ?? 99 })
  const flow = flows.get({ port })
  results.set({ index: 2 }, { value: flow?.list[2] ?? 5 })
  results.set({ index: 3 }, { value: flow?.mark === 6 ? 1 : 0 })
  results.set({ index: 4 }, { value: flows.get({ port })?.trusted ? 1 : 0 })
  results.set({ index: 5 }, { value: config.limit ?? 1000 })
  results.set({ index: 6 }, { value: limit + depth })
  results.set({ index: 7 }, { value: [53, 80, 443].includes(port) ? 1 : 0 })
  results.set({ index: 8 }, { value: ports.includes(udp.sourcePort) ? 1 : 0 })
  results.set({ index: 9 }, { value: config.modes.includes('strict') ? 2 : 3 })
  results.set({ index: 10 }, { value: Math.min(port, 100) * 1000 + Math.max(port, 60, udp.sourcePort) })
  results.set({ index: 11 }, { value: Math.floor(packet.length / 7) + Math.abs(-3) })
  results.set({ index: 12 }, { value: scaled(port) + scaled(port, 10) + low(packet.length) })
  results.set({ index: 13 }, { value: hops(ip) })
  results.set({ index: 14 }, { value: placed({ at: 70_000, port: packet.length + 0x1_0000 }) })
  const { at, port: same } = moved({ at: 5, port }, 4)
  results.set({ index: 15 }, { value: at * 1000 + same })
  results.set({ index: 16 }, { value: one * 1000 + two * 10 + four })
  results.set({ index: 17 }, { value: octets(ip.destination) })

  let sum: u64 = 0
  if (flow) for (const [index, word] of flow.list.entries()) sum += word * (index + 1)
  for (const [index, each] of PORTS.entries()) sum += each * index
  results.set({ index: 18 }, { value: sum })

  let kind = 0
  switch (true) {
    case port > 1000:
      kind = Kind.third
      break
    case port > 50:
      kind = Kind.second
      break
    default:
      kind = Kind.first
  }
  results.set({ index: 19 }, { value: kind })
  results.set({ index: 20 }, { value: EXTENDED.port * 10 + EXTENDED.depth })
  results.set({ index: 21 }, { value: LARGE + 0xff_ff })

  let seen = isLocal(ip.source)
  seen &&= ip.timeToLive > 1
  let other = false
  other ||= seen
  results.set({ index: 22 }, { value: other ? 1 : 0 })

  const value = { bytes: 500, mark: 6, trusted: 1 }
  flows.set({ port: 2 }, { ...value, list: [1, 2, 3, 4] })
  const second = flows.get({ port: 2 })
  if (second) flows.set({ port: 3 }, { ...second, mark: 8 })
  const key = { port: 3 }
  results.set({ index: 23 }, { value: flows.get({ ...key })?.mark ?? 0 })
  results.set({ index: 24 }, { value: flows.get({ ...key, port: 2 })?.list.at(3) ?? 0 })
  const found = flows.get({ port: 40 }) ?? flows.get({ port: 2 })
  results.set({ index: 25 }, { value: found ? found.bytes : 0 })
  results.set({ index: 26 }, { value: port > 1000 ? 1 : port > 500 ? 2 : port > 50 ? 3 : 4 })
  results.set({ index: 27 }, { value: u8(-1) + +port })
  return drop(`done`)
})
