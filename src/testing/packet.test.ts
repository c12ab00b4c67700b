import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatIPv4, formatIPv6, formatMac, parseIPv4, parseIPv6 } from '../base/address.ts'
import { concat, viewOf } from '../base/bytes.ts'
import { crc32c } from '../base/checksum.ts'
import { PROTOCOL } from '../lang/index.ts'
import { dissect } from './dissect.ts'
import { packet } from './packet.ts'

const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']

/** The sum of RFC 1071 in the plainest way: carry by carry. */
function plainSum(bytes: Uint8Array): number {
  let sum = 0
  for (const [index, byte] of bytes.entries()) {
    sum += index % 2 === 0 ? byte * 256 : byte
    if (sum > 0xffff) sum -= 0xffff
  }
  return sum
}

/** A checksum is right when the sum over all that it covers, itself included, is all ones. */
const ALL_ONES = 0xffff

describe('a packet', () => {
  test('has no fields but those of its headers, whether types were looked at or not', () => {
    const wrong = { sorce: '10.0.0.1' } as object
    expect(() => packet().ipv4(wrong)).toThrow('ipv4 has no field sorce: did you mean "source"?')
    expect(() => packet().ipv4().change('ipv4', wrong)).toThrow('ipv4 has no field sorce')
  })

  test('reads back by name', () => {
    const bytes = packet()
      .ethernet({ source: alice, destination: bob })
      .vlan({ id: 5, priority: 3 })
      .ipv4({ source: '10.1.0.1', destination: '10.2.0.2', timeToLive: 9, flags: 2 })
      .udp({ sourcePort: 53, destinationPort: 5353 })
      .payload('hello')
      .bytes()
    expect(dissect(bytes)).toEqual({
      ethernet: { source: alice, destination: bob, type: 0x8100 },
      vlans: [{ priority: 3, dropEligible: 0, id: 5, type: 0x0800 }],
      ipv4: {
        version: 4,
        headerLength: 5,
        service: 0,
        totalLength: 33,
        identification: 0,
        flags: 2,
        fragmentOffset: 0,
        timeToLive: 9,
        protocol: 17,
        checksum: expect.any(Number),
        source: '10.1.0.1',
        destination: '10.2.0.2',
      },
      udp: { sourcePort: 53, destinationPort: 5353, length: 13, checksum: expect.any(Number) },
      payload: 'hello',
    })
  })

  test.each([
    ['VXLAN', packet().ethernet().ipv4().udp().vxlan({ id: 7 }), { udp: { destinationPort: 4789 }, vxlan: { id: 7 } }],
    [
      'Geneve',
      packet().ethernet().ipv6().udp().geneve({ id: 7 }),
      { udp: { destinationPort: 6081 }, geneve: { id: 7 } },
    ],
    ['Ethernet in GRE', packet().ethernet().ipv4().gre(), { ipv4: { protocol: 47 }, gre: { type: 0x6558 } }],
  ])('frames in %s', (_, outer, fields) => {
    const carried = packet().ethernet({ source: alice }).ipv4().udp().payload('hello')
    const found = dissect(outer.carrying(carried).bytes())
    expect(found).toMatchObject(fields)
    expect(found.inner).toEqual(dissect(carried.bytes()))
    expect(found).not.toHaveProperty('wrongChecksums')
  })

  test.each([
    ['IPv4 in IPv6', packet().ethernet().ipv6().ipv4().udp().payload('hello'), { ipv6: { nextHeader: 4 } }],
    ['IPv6 in IPv4', packet().ethernet().ipv4().ipv6().udp().payload('hello'), { ipv4: { protocol: 41 } }],
    ['IPv4 in GRE', packet().ethernet().ipv4().gre().ipv4().udp().payload('hello'), { gre: { type: 0x0800 } }],
  ])('%s', (_, outer, fields) => {
    const found = dissect(outer.bytes())
    expect(found).toMatchObject({ ...fields, inner: { udp: { length: 13 }, payload: 'hello' } })
    expect(found).not.toHaveProperty('wrongChecksums')
  })

  test.each([
    ['ARP', packet().ethernet().arp({ operation: 2 }), { ethernet: { type: 0x0806 }, arp: { operation: 2 } }],
    ['IPv4', packet().ethernet().ipv4(), { ethernet: { type: 0x0800 }, ipv4: { protocol: 253, totalLength: 20 } }],
    ['ICMP', packet().ethernet().ipv4().icmp({ sequence: 7 }), { ipv4: { protocol: 1 }, icmp: { sequence: 7 } }],
    ['TCP', packet().ethernet().ipv4().tcp({ syn: 1 }), { ipv4: { protocol: 6 }, tcp: { syn: 1, dataOffset: 5 } }],
    ['IPv6', packet().ethernet().ipv6().payload(9), { ethernet: { type: 0x86dd }, ipv6: { payloadLength: 9 } }],
    ['ICMPv6', packet().ethernet().ipv6().icmpv6(), { ipv6: { nextHeader: 58 }, icmpv6: { type: 128 } }],
    ['IPv4 in IPv6', packet().ethernet().ipv6().ipv4(), { ipv6: { nextHeader: 4, payloadLength: 20 } }],
    ['IPv6 in IPv4', packet().ethernet().ipv4().ipv6(), { ipv4: { protocol: 41, totalLength: 60 } }],
    ['nothing that is known', packet().ethernet().payload('x'), { ethernet: { type: 0x88b5 }, payload: 'x' }],
    [
      'two tags',
      packet().ethernet().vlan({ id: 9 }).vlan({ id: 5 }).ipv4(),
      {
        ethernet: { type: 0x88a8 },
        vlans: [
          { id: 9, type: 0x8100 },
          { id: 5, type: 0x0800 },
        ],
      },
    ],
  ])('says in each layer what follows: %s', (_, built, fields) => {
    expect(dissect(built.bytes())).toMatchObject(fields)
    expect(dissect(built.bytes()).wrongChecksums).toBeUndefined()
  })

  test('has the fields that are given, wrong as they may be', () => {
    const lies = packet()
      .ethernet({ type: 0x86dd })
      .ipv4({ version: 5, totalLength: 7, protocol: 99, checksum: 1 })
      .udp({ length: 3, checksum: 2 })
    const { ipv6, ...rest } = dissect(lies.bytes())
    expect(rest.ethernet?.type).toBe(0x86dd)
    expect(ipv6?.version).toBeUndefined()
    expect(dissect(lies.change('ethernet', { type: 0x0800 }).bytes())).toMatchObject({
      ipv4: { version: 5, totalLength: 7, protocol: 99, checksum: 1 },
      wrongChecksums: ['ipv4'],
    })
  })

  test('is not changed by what is built on it', () => {
    const base = packet().ethernet().ipv4({ timeToLive: 64 })
    const before = base.bytes()
    expect(dissect(base.change('ipv4', { timeToLive: 63 }).bytes()).ipv4?.timeToLive).toBe(63)
    base.udp().payload('more')
    expect(base.bytes()).toEqual(before)
  })

  test('carries options, and another packet', () => {
    const inner = packet()
      .ipv4({ source: '10.9.9.9', options: Uint8Array.of(1, 1, 1, 0) })
      .udp()
    const error = packet().ethernet().ipv4().icmp({ type: 3, code: 1 }).payload(inner)
    const { payload, icmp } = dissect(error.bytes())
    expect(icmp).toMatchObject({ type: 3, code: 1 })
    expect(dissect(payload as Uint8Array, 'ipv4')).toMatchObject({
      ipv4: { source: '10.9.9.9', headerLength: 6, totalLength: 32 },
      ipv4Options: Uint8Array.of(1, 1, 1, 0),
      udp: { length: 8 },
    })
    const options = Uint8Array.of(2, 4, 5, 0xb4)
    expect(dissect(packet().ipv4().tcp({ options }).payload('x').bytes(), 'ipv4')).toMatchObject({
      tcp: { dataOffset: 6 },
      tcpOptions: options,
      payload: 'x',
    })
  })

  test.each([
    [
      'options that fill no words',
      () =>
        packet()
          .ipv4({ options: Uint8Array.of(1) })
          .bytes(),
      /no multiple of 4/,
    ],
    ['a field that does not fit', () => packet().vlan({ id: 4096 }).bytes(), /Vlan.id: 4096 does not fit into 12 bits/],
    ['no address', () => packet().ethernet({ source: 'alice' }).bytes(), /"alice" is not a MAC address/],
    ['a change of what is not there', () => packet().ethernet().change('udp', {}), /no udp layer/],
  ])('refuses %s', (_, build, says) => {
    expect(build).toThrow(says)
  })
})

describe('dissecting', () => {
  const whole = packet().ethernet().ipv4().udp().payload('hello')

  test.each([
    ['shorter than an Ethernet header', 13, []],
    ['only the Ethernet header', 14, ['ethernet']],
    ['cut off in the IPv4 header', 33, ['ethernet']],
    ['cut off in the UDP header', 41, ['ethernet', 'ipv4']],
  ])('what is %s', (_, length, layers) => {
    const found = Object.keys(dissect(whole.bytes().subarray(0, length)))
    expect(found.filter((name) => name !== 'payload')).toEqual(layers)
  })

  test('tells padding from payload', () => {
    expect(dissect(whole.padded(60))).toMatchObject({ payload: 'hello', padding: 13 })
    expect(dissect(whole.bytes()).padding).toBeUndefined()
  })

  test('does not look for a transport header in fragments', () => {
    const fragment = packet().ipv4({ protocol: 17, fragmentOffset: 1 }).payload('rest of it').bytes()
    expect(dissect(fragment, 'ipv4')).toMatchObject({ payload: 'rest of it' })
    expect(dissect(fragment, 'ipv4').udp).toBeUndefined()
  })

  test('leaves bytes that are no text as they are', () => {
    expect(dissect(packet().ethernet().payload(4).bytes()).payload).toEqual(Uint8Array.of(0, 1, 2, 3))
  })
})

describe('checksums', () => {
  const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
  const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 })
  const port = fc.integer({ min: 0, max: 0xffff })
  const payload = fc.uint8Array({ maxLength: 40 })

  /** The pseudo header of RFC 793, and in the form of RFC 8200: the sum is the same. */
  const pseudo = (source: Uint8Array, destination: Uint8Array, protocol: number, length: number) =>
    concat(source, destination, Uint8Array.of(0, protocol, length >> 8, length & 0xff))

  test('of IPv4', () => {
    fc.assert(
      fc.property(address4, address4, fc.integer({ min: 0, max: 255 }), (source, destination, timeToLive) => {
        const header = packet().ipv4({
          source: formatIPv4(source),
          destination: formatIPv4(destination),
          timeToLive,
        })
        expect(plainSum(header.bytes())).toBe(ALL_ONES)
        expect(dissect(header.change('ipv4', { checksum: 0 }).bytes(), 'ipv4').wrongChecksums).toEqual(['ipv4'])
      }),
    )
  })

  test('of UDP and TCP', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.tuple(address4, address4), fc.tuple(address6, address6)),
        fc.constantFrom('udp' as const, 'tcp' as const),
        port,
        port,
        payload,
        ([source, destination], transport, sourcePort, destinationPort, content) => {
          const below =
            source.length === 4
              ? packet().ipv4({ source: formatIPv4(source), destination: formatIPv4(destination) })
              : packet().ipv6({ source: formatIPv6(source), destination: formatIPv6(destination) })
          const built = below[transport]({ sourcePort, destinationPort }).payload(content)
          const segment = built.bytes().subarray(source.length === 4 ? 20 : 40)
          const covered = pseudo(source, destination, transport === 'udp' ? 17 : 6, segment.length)
          expect(plainSum(concat(covered, segment))).toBe(ALL_ONES)
          const fields = dissect(built.bytes(), source.length === 4 ? 'ipv4' : 'ipv6')
          expect(fields[transport]).toMatchObject({ sourcePort, destinationPort })
          expect(fields.wrongChecksums).toBeUndefined()
          if (transport === 'udp') expect(fields.udp?.checksum).not.toBe(0)
        },
      ),
    )
  })

  test('of a UDP datagram whose sum is zero is all ones (RFC 768)', () => {
    const built = packet()
      .ipv4({ source: '0.0.0.0', destination: '0.0.0.0' })
      .udp({ sourcePort: 0, destinationPort: 0 })
    const with0 = dissect(built.bytes(), 'ipv4').udp?.checksum ?? 0
    // A source port that adds what is missing to all ones.
    const sum = built.change('udp', { sourcePort: with0 }).bytes()
    expect(dissect(sum, 'ipv4').udp).toMatchObject({ sourcePort: with0, checksum: 0xffff })
    expect(dissect(sum, 'ipv4').wrongChecksums).toBeUndefined()
  })

  test('of ICMP and ICMPv6', () => {
    fc.assert(
      fc.property(port, port, payload, (identifier, sequence, content) => {
        const echo = packet().ipv4().icmp({ identifier, sequence }).payload(content).bytes()
        expect(plainSum(echo.subarray(20))).toBe(ALL_ONES)
        const echo6 = packet().ipv6().icmpv6({ identifier, sequence }).payload(content).bytes()
        const message = echo6.subarray(40)
        const covered = pseudo(parseIPv6('fd00::1'), parseIPv6('fd00::2'), 58, message.length)
        expect(plainSum(concat(covered, message))).toBe(ALL_ONES)
        expect(dissect(echo6, 'ipv6').wrongChecksums).toBeUndefined()
      }),
    )
  })

  test('behind extension headers', () => {
    const built = packet()
      .ipv6()
      .hopByHop()
      .routing({ options: new Uint8Array(14) })
      .authentication({ options: new Uint8Array(4) })
      .destinationOptions()
    const bytes = built.udp({ sourcePort: 7 }).payload('some text').bytes()
    expect(dissect(bytes, 'ipv6')).toMatchObject({
      ipv6: { nextHeader: PROTOCOL.hopByHop, payloadLength: 65 },
      hopByHop: { nextHeader: PROTOCOL.routing, length: 0 },
      routing: { nextHeader: PROTOCOL.authentication, length: 1 },
      authentication: { nextHeader: PROTOCOL.destinationOptions, length: 2 },
      destinationOptions: { nextHeader: PROTOCOL.udp, length: 0 },
      udp: { sourcePort: 7 },
      payload: 'some text',
    })
    expect(dissect(bytes, 'ipv6').wrongChecksums).toBeUndefined()
    const covered = pseudo(parseIPv6('fd00::1'), parseIPv6('fd00::2'), 17, 17)
    expect(plainSum(concat(covered, bytes.subarray(88)))).toBe(ALL_ONES)
  })

  test('not in fragments', () => {
    const part = packet().ipv6().fragment({ more: 1, identification: 9 }).udp().payload('begin').bytes()
    const read = dissect(part, 'ipv6')
    expect(read).toMatchObject({ fragment: { more: 1, nextHeader: PROTOCOL.udp, identification: 9 } })
    expect(read).not.toHaveProperty('udp')
  })

  test('of SCTP', () => {
    const bytes = packet().ipv4().sctp({ verificationTag: 5 }).payload('some text').bytes()
    expect(dissect(bytes, 'ipv4')).toMatchObject({ sctp: { verificationTag: 5 }, payload: 'some text' })
    expect(dissect(bytes, 'ipv4').wrongChecksums).toBeUndefined()
    const last = bytes.length - 1
    bytes[last] = (bytes[last] ?? 0) ^ 1
    expect(dissect(bytes, 'ipv4').wrongChecksums).toEqual(['sctp'])
    // The check value of CRC-32C.
    expect(crc32c(new TextEncoder().encode('1234'), new TextEncoder().encode('56789'))).toBe(0xe3069283)
  })

  test('a single wrong bit is found', () => {
    const built = packet().ipv4().tcp({ ack: 1 }).payload('some text').bytes()
    fc.assert(
      fc.property(fc.integer({ min: 20, max: built.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        // A wrong data offset changes what is a header, and not whether the sum is right.
        const changed = built.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        expect(dissect(changed, 'ipv4').wrongChecksums).toEqual(['tcp'])
      }),
    )
  })

  test('a known packet: the IPv4 header of RFC 1071 arithmetic, done by hand', () => {
    const bytes = packet().ipv4({ source: '192.168.0.1', destination: '192.168.0.199', protocol: 17, flags: 2 }).bytes()
    // 4500 + 0014 + 4000 + 4011 + c0a8 + 0001 + c0a8 + 00c7 = 2473d; 473d + 2 = 473f; its complement is b8c0.
    expect(viewOf(bytes).getUint16(10)).toBe(0xb8c0)
    expect(parseIPv4('192.168.0.199')).toEqual(bytes.slice(16))
  })
})

test('random values come back', () => {
  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(formatMac)
  const bits = (width: number) => fc.integer({ min: 0, max: 2 ** width - 1 })
  const tcp = fc.record({
    sourcePort: bits(16),
    destinationPort: bits(16),
    sequence: bits(32),
    acknowledgment: bits(32),
    ack: bits(1),
    fin: bits(1),
    cwr: bits(1),
    window: bits(16),
    urgentPointer: bits(16),
  })
  const vlan = fc.record({ priority: bits(3), dropEligible: bits(1), id: bits(12) })
  const ipv6 = fc.record({ trafficClass: bits(8), flowLabel: bits(20), hopLimit: bits(8) })
  fc.assert(
    fc.property(mac, mac, vlan, ipv6, tcp, (source, destination, tag, network, transport) => {
      const bytes = packet().ethernet({ source, destination }).vlan(tag).ipv6(network).tcp(transport).bytes()
      const fields = dissect(bytes)
      expect(fields).toMatchObject({ ethernet: { source, destination }, ipv6: network, tcp: transport })
      expect(fields.vlans).toMatchObject([tag])
    }),
  )
})
