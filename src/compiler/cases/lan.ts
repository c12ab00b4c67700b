/** The cube that the cases are about. */
import {
  array,
  bits,
  bloom,
  bool,
  cell,
  hash,
  header,
  i32,
  ipv4,
  list,
  locked,
  lpmTrie,
  mac,
  packetRing,
  queue,
  ring,
  swappable,
  u8,
  u16,
  u32,
  u64,
} from '../../lang/index.ts'

export const lan = {
  name: 'lan',
  state: {
    stations: hash({ key: { address: mac }, value: { port: u16, seen: u64, trusted: bool }, entries: 1024 }),
    peers: hash({ key: { address: ipv4, port: u16 }, value: { balance: i32, hits: u8 }, entries: 1024 }),
    totals: array({ value: { packets: u64, last: u32 }, entries: 4 }),
    routes: lpmTrie({ key: { tenant: u16, destination: ipv4 }, value: { port: u16, packets: u64 }, entries: 64 }),
    windows: hash({
      key: { id: u32 },
      value: { words: list(u64, 8), ports: list(u16, 5), peers: list({ address: ipv4, hits: u32 }, 3), next: u8 },
      entries: 16,
    }),
    free: queue({ value: { port: u16, used: u32 }, entries: 16 }),
    gauge: cell({ value: { packets: u64, level: u16, last: mac } }),
    buckets: locked(hash({ key: { source: mac }, value: { tokens: u64, filled: u64 }, entries: 64 })),
    rules: swappable(hash({ key: { source: ipv4 }, value: { port: u16, hits: u32 }, entries: 64 })),
    events: ring({ value: { source: mac, port: u16, length: u32 }, bytes: 4096 }),
    copies: packetRing({ value: { port: u16 }, bytes: 65_536, packet: 256 }),
    known: bloom({ value: { source: mac }, entries: 1000 }),
    reports: ring({
      value: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`word${index}`, u64])),
      bytes: 8192,
    }),
    large: hash({
      key: { id: u32 },
      value: Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`word${index}`, u64])),
      entries: 1,
    }),
    huge: hash({
      key: { id: u32 },
      value: Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`word${index}`, u64])),
      entries: 1,
    }),
  },
  drops: { truncated: 'shorter than its headers', unknown: 'nobody knows the destination', unwanted: 'not allowed' },
  punts: {
    unclear: 'the control plane decides',
    stranger: { summary: 'somebody new', metadata: { source: mac, seen: u64 } },
  },
}

/** What an instance may be configured with, as a control plane would give it. */
export const config = {
  aging: 300,
  limit: 5_000_000_000,
  ratio: 1.5,
  mode: 'strict',
  learning: true,
  ports: [80, 443],
  empty: [],
}

/** Five 16-bit words behind a count. */
export const Words = header('Words', { count: u8, words: list(u16, 5), tail: list(u8, 6) })

export const Peers = header('Peers', {
  peers: list({ hits: u32, address: ipv4 }, 3),
  short: list({ address: ipv4, hits: u16 }, 3),
  bare: list({ address: ipv4 }, 3),
})

export const Flags = header('Flags', { flags: list({ high: bits(3), low: bits(13) }, 2) })

export const Trailer = header('Trailer', { kind: u8, flag: bool, sum: u32 })

/** What `cube/` calls by the same name, without its types. */
export const dataplane = (cube: typeof lan, run: unknown): { cube: typeof lan; run: unknown } => ({ cube, run })
