/** Functions that are too large to be compiled in at each call. */
import { z } from 'zod'
import { type ContextOf, dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, Ethernet, hash, mac, type Packet, u32, u64 } from '../../../src/lang/index.ts'

export const calls = defineCube('calls', {
  summary: 'calls functions',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    results: array({ value: { mixed: u64, digest: u32, smaller: mac, rounds: u64, visited: u32 }, entries: 2 }),
    stations: hash({ key: { address: mac }, value: { frames: u64, bytes: u64, seen: u64 }, entries: 64 }),
  },
  drops: { truncated: 'no Ethernet header', done: 'all was called' },
})

/** Arithmetic alone: equal calls are one. */
function mix(from: u64, by: u32): u64 {
  let x: u64 = from
  for (let i = 0; i < 16; i++) {
    if (x % 3 === 0) x = (x << 7) ^ by
    else x = (x >>> 2) + (x << 11)
  }
  return (x ^ (x >>> 33)) * (0xff51afd7 + by)
}

/** The address, in its pieces, is what is passed and what is given back. */
function smaller(a: mac, b: mac, from: u32): mac {
  let result: mac = a
  for (let i = 0; i < 16; i++) if (i >= from && b[5] + i < result[5] + i) result = b
  return result
}

/** It reads the packet and the time, and changes a table; it gives nothing back. */
function visit(packet: Packet, { state, now }: ContextOf<typeof calls>, kind: u32) {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return
  const station = state.stations.get({ address: ethernet.source })
  if (station) {
    for (let i = 0; i < 16; i++) if ((kind & (1 << i)) !== 0) station.frames += i
    station.frames += kind
    station.bytes += packet.length
    station.seen = now()
  } else state.stations.set({ address: ethernet.source }, { frames: kind, bytes: packet.length, seen: now() })
  const other = state.stations.get({ address: ethernet.destination })
  if (other && other.seen < now()) other.frames = mix(other.frames, kind)
}

export default dataplane(calls, (packet, context) => {
  const ethernet = packet.read(Ethernet)
  const result = context.state.results.get({ index: 0 })
  if (!ethernet || !result) return context.drop('truncated')
  result.mixed = mix(mix(mix(packet.length, 1), ethernet.type), mix(7, 2) > 100 ? 3 : 4)
  result.digest = u32(mix(packet.length, 1)) + u32(mix(packet.length, 1))
  result.smaller = smaller(
    smaller(ethernet.destination, ethernet.source, 0),
    smaller(ethernet.source, ethernet.source, 1),
    0,
  )
  let rounds: u64 = 0
  for (let i = 0; i < 10; i++) {
    if (i === 7) break
    rounds += mix(rounds, i)
  }
  result.rounds = rounds
  visit(packet, context, 1)
  visit(packet, context, 2)
  for (let i = 0; i < 3; i++) visit(packet, context, i)
  visit(packet, context, 5)
  return context.drop('done')
})
