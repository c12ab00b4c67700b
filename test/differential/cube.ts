import {
  Arp,
  array,
  bits,
  bloom,
  bool,
  cell,
  Ethernet,
  hash,
  header,
  Icmp,
  Icmpv6,
  IPv4,
  IPv6,
  i32,
  i64,
  ipv4,
  ipv6,
  list,
  locked,
  lpmTrie,
  lruHash,
  mac,
  perCpuArray,
  perCpuHash,
  perCpuLruHash,
  queue,
  ring,
  stack,
  Tcp,
  tokenBucket,
  Udp,
  u8,
  u16,
  u32,
  u64,
  Vlan,
} from '../../src/lang/index.ts'

/** A header with every kind of field, at offsets that nothing is aligned to. */
export const Mixed = header('Mixed', {
  top: bits(3),
  middle: bits(13),
  octet: u8,
  flag: bool,
  wide: u64,
  four: ipv4,
  word: u32,
  octets: mac,
  six: ipv6,
  minus: i32,
  long: i64,
  low: bits(20),
  high: bits(12),
  short: u16,
})

/** A header with lists. */
export const Listed = header('Listed', {
  count: u8,
  words: list(u16, 5),
  pairs: list({ kind: u8, value: u32 }, 3),
  marks: list(u8, 3),
  addresses: list(ipv4, 2),
  ids: list(u8, 12),
})

export const HEADERS = { Ethernet, Vlan, Arp, IPv4, IPv6, Icmp, Icmpv6, Udp, Tcp, Mixed, Listed } as const

/** The cube that generated data planes belong to. */
export const sample = {
  name: 'sample',
  state: {
    small: hash({ key: { id: u8 }, value: { count: u64, mark: u8, delta: i32, peer: ipv4 }, entries: 1024 }),
    flows: hash({
      key: { address: mac, port: u16 },
      value: { seen: i64, flag: bool, via: ipv6, rate: u16 },
      entries: 1024,
    }),
    routes: lpmTrie({ key: { zone: u16, to: u32 }, value: { count: u64, low: i32, hop: mac }, entries: 1024 }),
    recent: lruHash({ key: { from: mac, id: u8 }, value: { count: u32, level: i64, peer: mac }, entries: 1024 }),
    /** Often full. */
    tight: hash({ key: { id: u8 }, value: { mark: u32, flag: bool, from: ipv4 }, entries: 4 }),
    padded: hash({ key: { id: u8, wide: u64, flag: bool, word: u32 }, value: { octet: u8, wide: u64 }, entries: 64 }),
    hosts: lruHash({ key: { host: ipv6, port: u16 }, value: { last: ipv6, count: u32 }, entries: 1024 }),
    buckets: hash({ key: { id: u16 }, value: { ...tokenBucket }, entries: 16 }),
    shares: perCpuHash({ key: { port: u16 }, value: { count: u64, top: u32, flag: bool }, entries: 3 }),
    latest: perCpuLruHash({ key: { to: ipv4 }, value: { count: u32, gap: i64, by: mac }, entries: 1024 }),
    lanes: perCpuArray({ value: { count: u64, level: i32, flag: bool }, entries: 4 }),
    line: queue({ value: { id: u16, long: i64, who: mac }, entries: 4 }),
    pile: stack({ value: { word: u32, octet: u8, flag: bool, six: ipv6 }, entries: 3 }),
    total: cell({ value: { count: u64, most: u32, level: i32, flag: bool, last: mac } }),
    events: ring({ value: { id: u16, wide: u64, flag: bool, who: mac }, bytes: 65536 }),
    met: bloom({ value: { address: mac, id: u8 }, entries: 1000 }),
    history: hash({
      key: { marks: list(u8, 3), id: u16 },
      value: { count: u8, words: list(u16, 5), wide: list(u64, 2), four: list(ipv4, 2) },
      entries: 32,
    }),
    lists: array({
      value: {
        next: u8,
        words: list(u16, 5),
        marks: list(u8, 3),
        seen: list(bool, 4),
        peers: list({ address: mac, hits: u32, level: i64 }, 3),
        levels: list(i32, 7),
      },
      entries: 2,
    }),
    vault: locked(hash({ key: { id: u8 }, value: { count: u64, level: i32, flag: bool, who: mac }, entries: 16 })),
    gates: locked(array({ value: { wide: u64, word: u32, at: ipv4, long: i64, short: u16 }, entries: 3 })),
    cells: array({ value: { count: u64, low: u32, level: i32, flag: bool, owner: mac }, entries: 4 }),
    results: array({
      value: { wide: u64, long: i64, word: u32, minus: i32, short: u16, octet: u8, flag: bool },
      entries: 4,
    }),
    macs: array({ value: { address: mac }, entries: 4 }),
    fours: array({ value: { address: ipv4 }, entries: 4 }),
    sixes: array({ value: { address: ipv6 }, entries: 4 }),
  },
  drops: { truncated: 'too short', unwanted: 'nobody wants it', odd: 'it is odd' },
}

/** What `cube/` calls by the same name, without the types. */
export const dataplane = (cube: typeof sample, run: unknown): { cube: typeof sample; run: unknown } => ({ cube, run })
