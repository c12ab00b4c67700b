import { defineCube } from 'tessera/cube'
import {
  array,
  bits,
  bloom,
  bool,
  cell,
  hash,
  header,
  ipv4,
  list,
  locked,
  lpmTrie,
  lruHash,
  mac,
  packetRing,
  perCpuArray,
  portId,
  queue,
  ring,
  swappable,
  u8,
  u16,
  u32,
  u64,
} from 'tessera/lang'
import { z } from 'zod'

export const Ripv2 = header('Ripv2', {
  command: u8,
  version: u8,
  zero: u16,
  routes: list({ family: u16, tag: u16, address: ipv4, mask: ipv4, nextHop: ipv4, metric: u32 }, 2),
})

export const Mpls = header('Mpls', { label: bits(20), trafficClass: bits(3), bottom: bits(1), timeToLive: bits(8) })

export const Word = header('Word', { value: u16 })

export const Octet = header('Octet', { value: u8 })

export const gate = defineCube('gate', {
  summary: 'what the samples of the language reference belong to',
  ports: z.strictObject({ uplink: z.boolean().default(false) }),
  config: z.strictObject({
    limit: z.number().int().min(0).default(1500),
    learning: z.boolean().default(true),
  }),
  state: {
    stations: hash({ key: { address: mac }, value: { port: portId, seen: u64, trusted: bool }, entries: 1024 }),
    flows: lruHash({ key: { source: ipv4, port: u16 }, value: { bytes: u64 }, entries: 4096 }),
    buckets: locked(hash({ key: { source: mac }, value: { tokens: u64, filled: u64 }, entries: 1024 })),
    totals: array({ value: { packets: u64, last: u32 }, entries: 4 }),
    gauge: cell({ value: { packets: u64, longest: u32 } }),
    sizes: perCpuArray({ value: { packets: u64 }, entries: 16 }),
    seen: queue({ value: { address: mac }, entries: 64 }),
    arrivals: ring({ value: { address: mac, port: u16 }, bytes: 65536 }),
    copies: packetRing({ value: { port: u16 }, bytes: 1 << 20, packet: 1514 }),
    known: bloom({ value: { address: mac }, entries: 10_000 }),
    history: hash({ key: { port: portId }, value: { lengths: list(u32, 8), next: u8 }, entries: 64 }),
    rules: swappable(hash({ key: { source: ipv4 }, value: { port: u16 }, entries: 4096 })),
    routes: lpmTrie({ key: { destination: ipv4 }, value: { port: portId }, entries: 256 }),
  },
  drops: { truncated: 'shorter than its headers', unknown: 'nobody knows the destination', unwanted: 'not allowed' },
  punts: {
    unclear: 'the control plane decides',
    stranger: { summary: 'somebody new', metadata: { address: mac, seen: u64 }, packet: 64 },
  },
})
