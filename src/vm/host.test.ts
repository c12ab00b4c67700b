import { describe, expect, test } from 'vitest'
import { parseMac } from '../base/address.ts'
import { concat, toHex } from '../base/bytes.ts'
import { internetChecksum } from '../base/checksum.ts'
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
