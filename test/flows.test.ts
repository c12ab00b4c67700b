import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { viewOf } from '../src/base/bytes.ts'
import { FRAGMENT, PROTOCOL } from '../src/lang/index.ts'
import { onEveryMachine, type PacketBuilder, packet } from '../src/testing/index.ts'
import type { flows } from './cubes/flows/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/flows')

const ports = { sourcePort: 40_000, destinationPort: 443 }
const start = () => packet().ethernet()

onEveryMachine('flow keys', (openLab) => {
  const open = () => openLab<typeof flows>({ cube, ports: { a: {} } })

  test.each<[string, PacketBuilder, Record<string, number>]>([
    ['UDP over IPv4', start().ipv4().udp(ports), { protocol: PROTOCOL.udp, network: 14, transport: 34, ...ports }],
    ['TCP behind two tags', start().vlan().vlan().ipv4().tcp(ports), { network: 18, transport: 38, ...ports }],
    ['TCP behind three tags', start().vlan().vlan().vlan().ipv4().tcp(ports), { network: 22, transport: 42, ...ports }],
    ['four tags', start().vlan().vlan().vlan().vlan().ipv4().tcp(ports), { protocol: PROTOCOL.unknown }],
    [
      'SCTP behind options',
      start()
        .ipv4({ options: new Uint8Array(40) })
        .sctp(ports),
      { protocol: PROTOCOL.sctp, transport: 74, ...ports },
    ],
    [
      'a first fragment',
      start().ipv4({ flags: 1 }).udp(ports),
      { protocol: PROTOCOL.udp, fragment: FRAGMENT.first, ...ports },
    ],
    [
      'a later fragment',
      start().ipv4({ fragmentOffset: 1 }).udp(ports),
      { protocol: PROTOCOL.udp, fragment: FRAGMENT.later, sourcePort: 0, destinationPort: 0 },
    ],
    [
      'an echo request',
      start().ipv4().icmp({ identifier: 77 }),
      { protocol: PROTOCOL.icmp, sourcePort: 77, destinationPort: 77 },
    ],
    ['an error of ICMP', start().ipv4().icmp({ type: 3, identifier: 77 }), { protocol: PROTOCOL.icmp, sourcePort: 0 }],
    [
      'an echo reply over IPv6',
      start().ipv6().icmpv6({ type: 129, identifier: 78 }),
      { protocol: PROTOCOL.icmpv6, transport: 54, sourcePort: 78, destinationPort: 78 },
    ],
    [
      'TCP behind extension headers',
      start()
        .ipv6()
        .hopByHop()
        .routing({ options: new Uint8Array(22) })
        .authentication({ options: new Uint8Array(12) })
        .destinationOptions()
        .tcp(ports),
      { protocol: PROTOCOL.tcp, fragment: FRAGMENT.none, transport: 54 + 8 + 24 + 24 + 8, ...ports },
    ],
    [
      'a first fragment of IPv6',
      start().ipv6().fragment({ more: 1 }).destinationOptions().udp(ports),
      { protocol: PROTOCOL.udp, fragment: FRAGMENT.first, transport: 70, ...ports },
    ],
    [
      'a later one',
      start().ipv6().fragment({ fragmentOffset: 9 }).udp(ports),
      { protocol: PROTOCOL.udp, fragment: FRAGMENT.later, transport: 62, sourcePort: 0 },
    ],
    [
      'what is whole with a fragment header',
      start().ipv6().fragment().udp(ports),
      { protocol: PROTOCOL.udp, fragment: FRAGMENT.none, ...ports },
    ],
    ['as many extension headers as are followed', extended(8), { protocol: PROTOCOL.udp, transport: 118, ...ports }],
    ['one more', extended(9), { protocol: PROTOCOL.unknown, sourcePort: 0 }],
    [
      'a long one',
      start()
        .ipv6()
        .routing({ options: new Uint8Array(462) })
        .udp(ports),
      { protocol: PROTOCOL.unknown, sourcePort: 0 },
    ],
    ['ARP', start().arp(), { protocol: PROTOCOL.unknown, network: 14, type: 0x0806 }],
  ])('%s', async (_, built, expected) => {
    using lab = await open()
    lab.send('a', built.payload('some text').bytes())
    expect(lab.table('last').get({ index: 0 })).toMatchObject(expected)
  })

  test('what a naive parser finds, in packets of all kinds and in broken ones', async () => {
    using lab = await open()
    fc.assert(
      fc.property(packets, (bytes) => {
        lab.send('a', bytes)
        expect(lab.table('last').get({ index: 0 })).toEqual(parse(untagged(bytes)))
      }),
      { numRuns: 250, seed: 7 },
    )
  })
})

function extended(count: number): PacketBuilder {
  let built = start().ipv6()
  for (let i = 0; i < count; i++) built = built.destinationOptions()
  return built.udp(ports)
}

type Step = (built: PacketBuilder) => PacketBuilder
const port = fc.integer({ min: 0, max: 0xffff })
const bytesOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const options = (unit: number, before: number) =>
  fc.integer({ min: 0, max: 5 }).chain((count) => bytesOf(unit * (count + 1) - before))

const extension: fc.Arbitrary<Step> = fc.oneof(
  options(8, 2).map(
    (given): Step =>
      (built) =>
        built.hopByHop({ options: given }),
  ),
  options(8, 2).map(
    (given): Step =>
      (built) =>
        built.routing({ options: given }),
  ),
  options(8, 2).map(
    (given): Step =>
      (built) =>
        built.destinationOptions({ options: given }),
  ),
  options(8, 4).map(
    (given): Step =>
      (built) =>
        built.authentication({ options: given }),
  ),
  fc.record({ fragmentOffset: fc.constantFrom(0, 0, 0, 1, 8191), more: fc.constantFrom(0, 1) }).map(
    (given): Step =>
      (built) =>
        built.fragment(given),
  ),
)

const network: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({
      options: fc.integer({ min: 0, max: 10 }).chain((count) => bytesOf(4 * count)),
      flags: fc.integer({ min: 0, max: 7 }),
      fragmentOffset: fc.constantFrom(0, 0, 0, 1, 8191),
    })
    .map(
      (given): Step =>
        (built) =>
          built.ipv4(given),
    ),
  fc.array(extension, { maxLength: 10 }).map(
    (steps): Step =>
      (built) =>
        steps.reduce((all, step) => step(all), built.ipv6()),
  ),
)

const transport: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ sourcePort: port, destinationPort: port }).chain((given) =>
    fc.constantFrom<Step>(
      (built) => built.tcp(given),
      (built) => built.udp(given),
      (built) => built.sctp(given),
    ),
  ),
  fc.record({ type: fc.constantFrom(0, 3, 8, 11), identifier: port }).map(
    (given): Step =>
      (built) =>
        built.icmp(given),
  ),
  fc.record({ type: fc.constantFrom(1, 127, 128, 129, 130), identifier: port }).map(
    (given): Step =>
      (built) =>
        built.icmpv6(given),
  ),
  fc.constant<Step>((built) => built.arp()),
)

/**
 * Most of them as they should be; others are cut off (Linux wants two bytes behind a tag), or have wrong bits in the headers of the
 * network layer.
 */
const packets = fc
  .record({
    tags: fc.integer({ min: 0, max: 4 }),
    network,
    transport,
    payload: fc.integer({ min: 0, max: 40 }),
    cut: fc.option(fc.integer({ min: 24, max: 200 })),
    wrong: fc.array(fc.tuple(fc.integer({ min: 12, max: 120 }), fc.integer({ min: 0, max: 7 })), { maxLength: 2 }),
    isWrong: fc.integer({ min: 0, max: 2 }).map((value) => value === 0),
  })
  .map(({ tags, network, transport, payload, cut, wrong, isWrong }) => {
    let built = start()
    for (let i = 0; i < tags; i++) built = built.vlan()
    const bytes = transport(network(built)).payload(payload).bytes()
    if (isWrong) for (const [at, bit] of wrong) if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << bit)
    return cut === null ? bytes : bytes.slice(0, cut)
  })

/** The outer tag is not in the packet. */
function untagged(bytes: Uint8Array): Uint8Array {
  const type = viewOf(bytes).getUint16(12)
  if (type !== 0x8100 && type !== 0x88a8) return bytes
  return Uint8Array.from([...bytes.slice(0, 12), ...bytes.slice(16)])
}

/** Field by field, as the RFCs say. */
function parse(bytes: Uint8Array) {
  const view = viewOf(bytes)
  const has = (at: number, size: number) => at + size <= bytes.length
  const found = { type: 0, network: 14, protocol: 255, transport: 14, fragment: 0, sourcePort: 0, destinationPort: 0 }
  let at = 14
  let type = view.getUint16(12)
  for (let tags = 0; tags < 2 && (type === 0x8100 || type === 0x88a8); tags++) {
    if (!has(at, 4)) return { ...found, network: at, transport: at }
    type = view.getUint16(at + 2)
    at += 4
  }
  const failed = { ...found, type, network: at, transport: at }
  let protocol: number
  let fragment = 0
  if (type === 0x0800) {
    if (!has(at, 20) || bytes[at]! >> 4 !== 4 || (bytes[at]! & 15) < 5) return failed
    protocol = bytes[at + 9]!
    const word = view.getUint16(at + 6)
    fragment = (word & 0x1fff) !== 0 ? 2 : (word >> 13) & 1
    at += (bytes[at]! & 15) * 4
  } else if (type === 0x86dd) {
    if (!has(at, 40) || bytes[at]! >> 4 !== 6) return failed
    protocol = bytes[at + 6]!
    at += 40
    for (let count = 0; [0, 43, 44, 51, 60].includes(protocol) && fragment !== 2; count++) {
      if (count === 8 || at > 511 || !has(at, 2) || (protocol === 44 && !has(at, 8))) return failed
      const length = bytes[at + 1]!
      const size = protocol === 44 ? 8 : protocol === 51 ? 4 * (length + 2) : 8 * (length + 1)
      if (protocol === 44) fragment = (view.getUint16(at + 2) & 0xfff8) !== 0 ? 2 : bytes[at + 3]! & 1
      protocol = bytes[at]!
      at += size
    }
    if (at > 511 && fragment !== 2) return failed
  } else return failed
  const done = { ...failed, protocol, fragment, transport: at }
  if (fragment === 2) return done
  if ([6, 17, 132].includes(protocol) && has(at, 4))
    return { ...done, sourcePort: view.getUint16(at), destinationPort: view.getUint16(at + 2) }
  const echoes: Record<number, number[]> = { 1: [0, 8], 58: [128, 129] }
  if (!(has(at, 8) && echoes[protocol]?.includes(bytes[at]!))) return done
  return { ...done, sourcePort: view.getUint16(at + 4), destinationPort: view.getUint16(at + 4) }
}
