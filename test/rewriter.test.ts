import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { EXPERIMENTAL, onEveryMachine, type PacketBuilder, packet } from '../src/testing/index.ts'
import type { restarter } from './cubes/restarter/dataplane.ts'
import type { rewriter } from './cubes/rewriter/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/rewriter')

const VALUES = {
  mac: '02:00:00:00:00:77',
  source4: '192.0.2.33',
  destination4: '203.0.113.200',
  source6: '2001:db8::abcd:1',
  destination6: '2001:db8:ffff::2',
  port: 0xfff1,
  service: 0xb8,
}

const CONFIGS = [
  { macs: true },
  { source: true },
  { destination: true },
  { source: true, destination: true, hops: true },
  { ports: true },
  { hops: true, service: true },
  { macs: true, source: true, destination: true, hops: true, service: true, ports: true },
]
type Config = Partial<Record<'macs' | 'source' | 'destination' | 'hops' | 'service' | 'ports', boolean>>

/** A packet as it comes, and as it leaves: built anew, with all checksums computed from scratch. */
interface Shape {
  readonly title: string
  readonly build: (changes: Config) => Uint8Array
}

const LENGTHS = [0, 1, 7, 64, 501]
const OPTIONS = [0, 4, 40]

const ethernet = ({ macs }: Config): PacketBuilder =>
  packet().ethernet(macs === true ? { source: VALUES.mac, destination: VALUES.mac } : {})
const fields4 = ({ source, destination, hops, service }: Config) => ({
  ...(source === true ? { source: VALUES.source4 } : {}),
  ...(destination === true ? { destination: VALUES.destination4 } : {}),
  ...(service === true ? { service: VALUES.service } : {}),
  timeToLive: hops === true ? 63 : 64,
})
const fields6 = ({ source, destination, hops, service }: Config) => ({
  ...(source === true ? { source: VALUES.source6 } : {}),
  ...(destination === true ? { destination: VALUES.destination6 } : {}),
  ...(service === true ? { trafficClass: VALUES.service } : {}),
  hopLimit: hops === true ? 63 : 64,
})
const tcp = ({ ports }: Config) =>
  ports === true ? { destinationPort: VALUES.port, psh: 1, window: (65_535 + 1000) & 0xffff } : { destinationPort: 80 }
const udp = ({ ports }: Config) => (ports === true ? { sourcePort: VALUES.port } : {})
const icmp = ({ ports }: Config) => (ports === true ? { code: 3, identifier: VALUES.port } : {})

const version4: Shape[] = LENGTHS.flatMap((length) =>
  OPTIONS.flatMap((size) => {
    const options = new Uint8Array(size)
    const network = (changes: Config) => ethernet(changes).ipv4({ ...fields4(changes), options })
    const title = (what: string) => `${what}, ${size} bytes of options, ${length} of payload`
    return [
      { title: title('TCP'), build: (c: Config) => network(c).tcp(tcp(c)).payload(length).bytes() },
      { title: title('UDP'), build: (c: Config) => network(c).udp(udp(c)).payload(length).bytes() },
      { title: title('ICMP'), build: (c: Config) => network(c).icmp(icmp(c)).payload(length).bytes() },
    ]
  }),
)

/** A header of the network layer before what has a checksum that knows nothing of it. */
const behind = (network: PacketBuilder, transport: PacketBuilder, before: Uint8Array): Uint8Array =>
  network.payload(concat(before, transport.bytes().subarray(54))).bytes()

/** Extension headers of IPv6, by protocol number and what follows the second octet; RFC 8200 section 4. */
const chain = (kinds: readonly (readonly [number, ...number[]])[], last: number): Uint8Array =>
  concat(...kinds.map(([, ...rest], index) => Uint8Array.of(kinds[index + 1]?.[0] ?? last, ...rest)))

const CHAINS: readonly (readonly (readonly [number, ...number[]])[])[] = [
  [[0, 0, 1, 4, 0, 0, 0, 0]],
  [
    [0, 1, 1, 12, ...new Array<number>(12).fill(0)],
    [60, 0, 1, 4, 0, 0, 0, 0],
  ],
  // All segments visited: the destination is the final one.
  [[43, 2, 4, 0, 0, 0, 0, 0, ...new Array<number>(16).fill(9)]],
  // A fragment that is the whole packet.
  [
    [60, 0, 1, 4, 0, 0, 0, 0],
    [44, 0, 0, 0, 0, 0, 0, 7],
  ],
]

const version6: Shape[] = LENGTHS.flatMap((length) => {
  const plain = (changes: Config) => ethernet(changes).ipv6(fields6(changes))
  const icmp6 = ({ ports }: Config) => (ports === true ? { sequence: 2 } : {})
  const tcp6 = ({ ports }: Config) => (ports === true ? { destinationPort: VALUES.port } : {})
  return [
    { title: `TCP over IPv6, ${length}`, build: (c: Config) => plain(c).tcp(tcp6(c)).payload(length).bytes() },
    { title: `UDP over IPv6, ${length}`, build: (c: Config) => plain(c).udp(udp(c)).payload(length).bytes() },
    { title: `ICMPv6, ${length}`, build: (c: Config) => plain(c).icmpv6(icmp6(c)).payload(length).bytes() },
    ...CHAINS.map((kinds) => ({
      title: `TCP behind ${kinds.map(([kind]) => kind).join(' and ')}, ${length}`,
      // Ports are looked for right behind IPv6 only.
      build: (c: Config) =>
        behind(
          ethernet(c).ipv6({ ...fields6(c), nextHeader: kinds[0]?.[0] ?? 0 }),
          plain(c).tcp().payload(length),
          chain(kinds, 6),
        ),
    })),
  ]
})

/** What no transport checksum may be looked for in. */
const others: Shape[] = [
  {
    title: 'a later fragment that looks like TCP',
    build: (c) =>
      ethernet(c)
        .ipv4({ ...fields4(c), fragmentOffset: 100, protocol: 6 })
        .payload(60)
        .bytes(),
  },
  {
    title: 'UDP without a checksum',
    build: (c) => {
      const bytes = ethernet(c).ipv4(fields4(c)).udp(udp(c)).payload(33).bytes()
      return bytes.fill(0, 40, 42)
    },
  },
  {
    title: 'another protocol',
    build: (c) =>
      ethernet(c)
        .ipv4({ ...fields4(c), protocol: EXPERIMENTAL.protocol })
        .payload(60)
        .bytes(),
  },
  {
    title: 'a later fragment of IPv6',
    build: (c) =>
      ethernet(c)
        .ipv6({ ...fields6(c), nextHeader: 44 })
        .payload(concat(Uint8Array.of(6, 0, 1, 1, 0, 0, 0, 1), new Uint8Array(40)))
        .bytes(),
  },
  { title: 'ARP', build: (c) => ethernet(c).arp().bytes() },
]

onEveryMachine('checksums of what is written', (openLab) => {
  describe.each(CONFIGS)('%j', (config: Config) => {
    test('are as if computed anew', async () => {
      using lab = await openLab<typeof rewriter>({ cube, ports: { a: {}, b: {} }, config })
      lab.table('values').set({ index: 0 }, VALUES)
      for (const { title, build } of [...version4, ...version6, ...others]) {
        const { b = [] } = lab.send('a', build({}))
        expect(b.map(shown), title).toEqual([shown(build(config))])
      }
    })
  })
})

onEveryMachine('checksums of numbers of the configuration', (openLab) => {
  const folder = join(import.meta.dirname, 'cubes/restarter')

  // Programs that differ in nothing else share one. Some of them have a sign when their octets are changed round.
  test.each([1, 127, 128, 200, 255, 256, 40_000])('are as if computed anew: %i', async (sequence) => {
    using lab = await openLab<typeof restarter>({ cube: folder, ports: { a: {}, b: {} }, config: { sequence } })
    const segment = (fields: { sequence?: number }) => packet().ethernet().ipv4().tcp(fields).payload(9).bytes()
    const { b = [] } = lab.send('a', segment({ sequence: 77 }))
    expect(b.map(shown)).toEqual([shown(segment({ sequence }))])
  })
})

/** Hexadecimal, to be read in a failure. */
const shown = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
