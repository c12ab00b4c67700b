import { describe, expect, test } from 'vitest'
import { parseMac } from '../base/address.ts'
import { concat, equal, toHex } from '../base/bytes.ts'
import { internetChecksum } from '../base/checksum.ts'
import { type Dissected, dissect } from '../testing/dissect.ts'
import { packet } from '../testing/packet.ts'
import { SimulatedHost } from './host.ts'

const A = { mac: '02:00:00:00:00:0a', ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' }
const B = { mac: '02:00:00:00:00:0b', ipv4: '10.0.0.2/24', ipv6: 'fd00::2/64' }

/** Two hosts on one cable. `log` has every frame on it; `change` may alter one, or lose it. */
function cable(a: SimulatedHost, b: SimulatedHost, change: (frame: Uint8Array) => Uint8Array | undefined = (f) => f) {
  const log: Uint8Array[] = []
  const towards = (host: SimulatedHost) => (frame: Uint8Array) => {
    log.push(frame)
    const changed = change(frame.slice())
    if (changed !== undefined) host.receive(changed)
  }
  a.plugged(towards(b))
  b.plugged(towards(a))
  return log
}

const kindOf = (frame: Uint8Array): string => {
  const type = toHex(frame.subarray(12, 14))
  if (type === '0806') return frame[21] === 1 ? 'ARP request' : 'ARP reply'
  if (type === '0800') return frame[34] === 8 ? 'echo request' : 'echo reply'
  const names: Record<number, string> = {
    128: 'echo request',
    129: 'echo reply',
    135: 'solicitation',
    136: 'advertisement',
  }
  return names[frame[54] ?? 0] ?? 'unknown'
}

describe.each([
  ['IPv4', '10.0.0.2', '10.0.0.1', ['ARP request', 'ARP reply', 'echo request', 'echo reply']],
  ['IPv6', 'fd00::2', 'fd00::1', ['solicitation', 'advertisement', 'echo request', 'echo reply']],
])('%s', (_, to, from, exchange) => {
  test('a ping resolves the neighbour, then is answered; the second one finds the neighbour in the cache', () => {
    const [a, b] = [new SimulatedHost(A), new SimulatedHost(B)]
    const log = cable(a, b)
    expect(a.ping(to)).toBe(true)
    expect(log.map(kindOf)).toEqual(exchange)
    expect(a.neighbours).toEqual(new Map([[to, B.mac]]))
    expect(b.neighbours).toEqual(new Map([[from, A.mac]]))
    expect(a.ping(to)).toBe(true)
    expect(log.map(kindOf)).toEqual([...exchange, 'echo request', 'echo reply'])
    expect(b.ping(from)).toBe(true)
  })

  test.each(exchange.map((kind, index) => [kind, index] as const))('no answer when the %s is lost', (_, index) => {
    const [a, b] = [new SimulatedHost(A), new SimulatedHost(B)]
    let count = 0
    cable(a, b, (frame) => (count++ === index ? undefined : frame))
    expect(a.ping(to)).toBe(false)
  })

  test('a payload that changed on the way is no answer, nor is one with a wrong checksum', () => {
    const [a, b] = [new SimulatedHost(A), new SimulatedHost(B)]
    cable(a, b, (frame) => {
      if (kindOf(frame).startsWith('echo')) frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 1
      return frame
    })
    expect(a.ping(to)).toBe(false)
  })

  test('nobody answers for an address that nobody has', () => {
    const [a, b] = [new SimulatedHost(A), new SimulatedHost(B)]
    const log = cable(a, b)
    expect(a.ping(to.replace(/2$/, '9'))).toBe(false)
    expect(log.map(kindOf)).toEqual(exchange.slice(0, 1))
  })

  test('what is outside the network goes by way of the gateway', () => {
    const a = new SimulatedHost({ ...A, gateway4: '10.0.0.2', gateway6: 'fd00::2' })
    const log = cable(a, new SimulatedHost(B))
    expect(a.ping(to.includes(':') ? 'fd99::1' : '192.0.2.1')).toBe(false)
    expect(log.map(kindOf)).toEqual(exchange.slice(0, 3))
    expect(log[2]?.subarray(0, 6)).toEqual(parseMac(B.mac))
  })
})

test('frames as the RFCs have them', () => {
  const [a, b] = [new SimulatedHost(A), new SimulatedHost(B)]
  const frames = cable(a, b)
  a.ping('10.0.0.2')
  a.ping('fd00::2')
  const [arpRequest, arpReply, echo4, , solicitation, advertisement, echo6] = frames.map((frame) => toHex(frame))
  // RFC 826: hardware 1, protocol 0800, sizes 6 and 4, operation, sender, target.
  expect(arpRequest).toBe(
    `ffffffffffff02000000000a0806${'0001080006040001'}02000000000a0a000001${'000000000000'}0a000002`,
  )
  expect(arpReply).toBe(
    `02000000000a02000000000b0806${'0001080006040002'}02000000000b0a000002${'02000000000a'}0a000001`,
  )
  // RFC 791: a header whose checksum is right sums up to zero.
  expect(internetChecksum(frames[2]!.subarray(14, 34))).toBe(0)
  expect(echo4?.slice(28, 36)).toBe('4500003c')
  // RFC 4861: from hop limit 255 to the solicited-node group ff02::1:ff00:2, whose MAC is 33:33:ff:00:00:02.
  expect(solicitation?.slice(0, 12)).toBe('3333ff000002')
  expect(solicitation?.slice(28, 44)).toBe('6000000000203aff')
  expect(solicitation?.slice(76, 108)).toBe('ff0200000000000000000001ff000002')
  // Solicited and override, the target, and its link-layer address in an option of type 2.
  expect(advertisement?.slice(28, 44)).toBe('6000000000203aff')
  expect(advertisement?.slice(116, 124)).toBe('60000000')
  expect(advertisement?.slice(-16)).toBe('020102000000000b')
  // RFC 4443 section 2.3: the checksum covers the pseudo-header, and sums up to zero with it.
  for (const frame of frames.slice(4)) {
    const message = frame.subarray(54)
    const pseudo = concat(frame.subarray(22, 54), Uint8Array.of(0, 0, 0, message.length, 0, 0, 0, 58))
    expect(internetChecksum(pseudo, message)).toBe(0)
  }
  expect(echo6?.slice(28, 44)).toBe('6000000000283a40')
})

test('a host without an address of the other version cannot ping it', () => {
  const a = new SimulatedHost({ mac: A.mac, ipv4: A.ipv4 })
  cable(a, new SimulatedHost(B))
  expect(() => a.ping('fd00::2')).toThrow(/no address/)
})

test.each([
  ['its own address', A.mac, true],
  ['broadcast', 'ff:ff:ff:ff:ff:ff', true],
  ['all nodes', '33:33:00:00:00:01', true],
  ['its solicited-node group', '33:33:ff:00:00:01', true],
  ['another solicited-node group', '33:33:ff:00:00:02', false],
  ['another host', B.mac, false],
])('a frame for %s', (_, mac, taken) => {
  const a = new SimulatedHost(A)
  const frame = concat(parseMac(mac), parseMac(B.mac), Uint8Array.of(0x88, 0xb5, 1, 2, 3))
  a.receive(frame)
  expect(a.inbox).toEqual(taken ? [frame] : [])
  expect(a.counters).toEqual({ received: taken ? 1 : 0, sent: 0, ignored: taken ? 0 : 1 })
})

test('a solicitation that crossed a router is not answered', () => {
  const [a, b] = [new SimulatedHost(A), new SimulatedHost(B)]
  const log = cable(a, b, (frame) => {
    if (kindOf(frame) === 'solicitation') frame[21] = 254
    return frame
  })
  expect(a.ping('fd00::2')).toBe(false)
  expect(log.map(kindOf)).toEqual(['solicitation'])
})

const utf8 = new TextEncoder()

describe.each([
  ['IPv4', '10.0.0.2', 4],
  ['IPv6', 'fd00::2', 6],
] as const)('transport over %s', (_, to, version) => {
  const layer = version === 4 ? 'ipv4' : 'ipv6'
  const joined = (options: { readonly echoPorts?: readonly number[] } = {}, change?: Parameters<typeof cable>[2]) => {
    const [a, b] = [new SimulatedHost(A), new SimulatedHost({ ...B, ...options })]
    const log = cable(a, b, change)
    return { a, b, frames: () => log.map((frame) => dissect(frame)) }
  }
  const controls = (frames: readonly Dissected[]) =>
    frames.flatMap(({ tcp }) =>
      tcp === undefined ? [] : [(['syn', 'fin', 'rst', 'ack'] as const).filter((bit) => tcp[bit] === 1).join(' ')],
    )

  test('a datagram to the echo service comes back; every frame is right', () => {
    const { a, frames } = joined()
    expect(a.udp(to, 7, utf8.encode('hello'))).toEqual(utf8.encode('hello'))
    expect(a.udp(to, 7, new Uint8Array(0))).toEqual(new Uint8Array(0))
    const datagrams = frames().filter(({ udp }) => udp !== undefined)
    expect(datagrams.map(({ udp }) => [udp?.sourcePort, udp?.destinationPort])).toEqual([
      [49152, 7],
      [7, 49152],
      [49153, 7],
      [7, 49153],
    ])
    expect(datagrams.slice(0, 2).map(({ payload }) => payload)).toEqual(['hello', 'hello'])
    expect(frames().flatMap(({ wrongChecksums = [] }) => wrongChecksums)).toEqual([])
  })

  test('a port where nobody listens is unreachable, and the datagram is quoted', () => {
    const { a, frames } = joined()
    expect(a.udp(to, 9, utf8.encode('hello'))).toBeUndefined()
    expect(a.errors).toMatchObject([version === 4 ? { type: 3, code: 3 } : { type: 1, code: 4 }])
    const [error] = a.errors
    expect(dissect(error!.packet, layer)).toMatchObject({ udp: { destinationPort: 9 }, payload: 'hello' })
    expect(frames().at(-1)?.wrongChecksums).toBeUndefined()
  })

  test('two echo services do not keep each other busy', () => {
    const { a, b, frames } = joined()
    a.ping(to)
    const before = frames().length
    const from = packet().ethernet({ source: A.mac, destination: B.mac })
    const ip =
      version === 4
        ? from.ipv4({ source: '10.0.0.1', destination: '10.0.0.2' })
        : from.ipv6({ source: 'fd00::1', destination: to })
    b.receive(ip.udp({ sourcePort: 7, destinationPort: 7 }).payload('ping-pong').bytes())
    expect(frames().length).toBe(before)
  })

  test('TCP: SYN, SYN and ACK, ACK; bytes there and back; FIN and ACK from either side', () => {
    const { a, frames } = joined()
    const connection = a.connect(to, 7)!
    expect(connection.state).toBe('established')
    expect(controls(frames())).toEqual(['syn', 'syn ack', 'ack'])
    expect(connection.send(utf8.encode('hello'))).toBe(true)
    expect(connection.received).toEqual(utf8.encode('hello'))
    connection.close()
    expect(connection.state).toBe('time-wait')
    expect(connection.send(utf8.encode('more'))).toBe(false)
    expect(controls(frames()).filter((bits) => bits.includes('fin'))).toEqual(['fin ack', 'fin ack'])
    expect(frames().flatMap(({ wrongChecksums = [] }) => wrongChecksums)).toEqual([])
  })

  test('TCP: many bytes, in segments that fit into frames', () => {
    const { a, frames } = joined()
    const connection = a.connect(to, 7)!
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7)
    connection.send(bytes)
    expect(equal(connection.received, bytes)).toBe(true)
    const lengths = frames().flatMap(({ ipv4, ipv6 }) => ipv4?.totalLength ?? (ipv6 ? ipv6.payloadLength + 40 : []))
    expect(Math.max(...lengths)).toBe(1500)
  })

  test('TCP: nobody listens, and that is said by a reset', () => {
    const { a, frames } = joined({ echoPorts: [] })
    const connection = a.connect(to, 7)!
    expect(connection).toMatchObject({ state: 'closed', isReset: true })
    expect(controls(frames())).toEqual(['syn', 'rst ack'])
  })

  test('TCP: an abort is a reset, and the other end knows', () => {
    const { a, frames } = joined()
    const connection = a.connect(to, 7)!
    connection.abort()
    expect(connection.state).toBe('closed')
    expect(controls(frames())).toEqual(['syn', 'syn ack', 'ack', 'rst ack'])
    // The connection is gone there: what is said in its name is refused.
    const { tcp } = frames().at(-1)!
    expect(tcp).toMatchObject({ destinationPort: 7 })
  })

  test.each([
    ['the SYN', 'syn', 'syn-sent'],
    ['the answer to it', 'syn ack', 'syn-sent'],
  ])('TCP: without %s, nothing is established', (_, lost, state) => {
    const { a } = joined({}, (frame) => (controls([dissect(frame)])[0] === lost ? undefined : frame))
    expect(a.connect(to, 7)?.state).toBe(state)
  })

  test('TCP: a segment that comes again is acknowledged, and not taken twice', () => {
    const twice = new Set<string>()
    const { a, b } = joined()
    const connection = a.connect(to, 7)!
    const log: Uint8Array[] = []
    cable(a, b, (frame) => {
      const { payload, tcp } = dissect(frame)
      if (payload === 'hello' && tcp?.destinationPort === 7 && !twice.has('sent')) {
        twice.add('sent')
        log.push(frame.slice())
      }
      return frame
    })
    connection.send(utf8.encode('hello'))
    b.receive(log[0]!)
    expect(connection.received).toEqual(utf8.encode('hello'))
  })

  test('TCP: a segment that is not of the connection changes nothing', () => {
    const { a, b } = joined()
    const connection = a.connect(to, 7)!
    const stray = packet().ethernet({ source: B.mac, destination: A.mac })
    const ip =
      version === 4
        ? stray.ipv4({ source: to, destination: '10.0.0.1' })
        : stray.ipv6({ source: to, destination: 'fd00::1' })
    for (const control of [{ rst: 1 }, { ack: 1 }, { syn: 1 }, { fin: 1, ack: 1 }])
      a.receive(ip.tcp({ sourcePort: 7, destinationPort: connection.port, sequence: 5, ...control }).bytes())
    expect(connection.state).toBe('established')
    expect(connection.send(utf8.encode('x'))).toBe(true)
    expect(connection.received).toEqual(utf8.encode('x'))
    expect(b.inbox).toEqual([])
  })
})

test('hosts in a VLAN: all frames have its tag, and others are ignored', () => {
  const [a, b] = [new SimulatedHost({ ...A, vlan: 7 }), new SimulatedHost({ ...B, vlan: 7 })]
  const log = cable(a, b)
  expect([a.ping('10.0.0.2'), a.ping('fd00::2'), a.connect('fd00::2', 7)?.state]).toEqual([true, true, 'established'])
  expect(
    new Set(
      log.map((frame) =>
        dissect(frame)
          .vlans?.map(({ id }) => id)
          .join(),
      ),
    ),
  ).toEqual(new Set(['7']))
  const other = new SimulatedHost({ ...B, vlan: 8 })
  cable(new SimulatedHost({ ...A, vlan: 7 }), other)
  other.receive(log[0]!)
  expect(other.counters).toEqual({ received: 0, sent: 0, ignored: 1 })
  const untagged = new SimulatedHost(B)
  untagged.receive(log[0]!)
  expect(untagged.counters.ignored).toBe(1)
  expect(() => new SimulatedHost({ ...A, vlan: 4095 })).toThrow(/1 to 4094/)
})

test('through a router: pings, datagrams and connections go by the gateway, and come back the way they went', () => {
  const a = new SimulatedHost({
    mac: A.mac,
    ipv4: '10.0.0.1/24',
    gateway4: '10.0.0.254',
    ipv6: 'fd00::1/64',
    gateway6: 'fd00::fe',
  })
  const b = new SimulatedHost({
    mac: B.mac,
    ipv4: '10.0.1.1/24',
    gateway4: '10.0.1.254',
    ipv6: 'fd01::1/64',
    gateway6: 'fd01::fe',
  })
  const inner = new SimulatedHost({ mac: '02:00:00:00:00:fa', ipv4: '10.0.0.254/24', ipv6: 'fd00::fe/64' })
  const outer = new SimulatedHost({ mac: '02:00:00:00:00:fb', ipv4: '10.0.1.254/24', ipv6: 'fd01::fe/64' })
  // A router, as far as these need one: what is for the other side gets other MAC addresses.
  const route = (near: SimulatedHost, far: SimulatedHost, to: SimulatedHost, there: RegExp) => (frame: Uint8Array) => {
    const { ipv4, ipv6 } = dissect(frame)
    if (!there.test(ipv4?.destination ?? ipv6?.destination ?? '')) near.receive(frame)
    else if (equal(frame.subarray(0, 6), near.mac)) to.receive(concat(to.mac, far.mac, frame.subarray(12)))
  }
  a.plugged(route(inner, outer, b, /^10\.0\.1\.1$|^fd01::1$/))
  b.plugged(route(outer, inner, a, /^10\.0\.0\.1$|^fd00::1$/))
  inner.plugged((frame) => a.receive(frame))
  outer.plugged((frame) => b.receive(frame))
  for (const [from, to] of [
    [a, '10.0.1.1'],
    [a, 'fd01::1'],
    [b, '10.0.0.1'],
    [b, 'fd00::1'],
  ] as const) {
    expect(from.ping(to)).toBe(true)
    expect(from.udp(to, 7)?.length).toBe(32)
    expect(from.connect(to, 7)?.state).toBe('established')
    expect(from.connect(to, 9)).toMatchObject({ state: 'closed', isReset: true })
  }
  expect([...a.neighbours.keys()].sort()).toEqual(['10.0.0.254', 'fd00::fe'])
})

test('a host without a gateway reaches its own network only', () => {
  const a = new SimulatedHost(A)
  cable(a, new SimulatedHost(B))
  expect([a.ping('192.0.2.1'), a.udp('192.0.2.1', 7), a.connect('2001:db8::1', 7)]).toEqual([
    false,
    undefined,
    undefined,
  ])
})
