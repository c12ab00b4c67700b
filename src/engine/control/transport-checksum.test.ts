import { describe, expect, test } from 'vitest'
import { internetChecksum } from '../../base/checksum.ts'
import { packet } from '../../testing/index.ts'
import { finishChecksum } from './transport-checksum.ts'

const ipv4 = { source: '10.0.0.1', destination: '10.0.0.2' }
const ipv6 = { source: '2001:db8::1', destination: '2001:db8::2' }
const octets = (...numbers: readonly number[]) => Uint8Array.from(numbers)
/** What the stack writes for a device to go on with: the sum of both addresses, the length and the protocol. */
const started = (addresses: Uint8Array, length: number, protocol: number): number =>
  ~internetChecksum(addresses, octets(0, protocol, length >> 8, length & 255)) & 0xffff
const four = octets(10, 0, 0, 1, 10, 0, 0, 2)
const six = octets(0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 1, 0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 2)

const frame = () => packet().ethernet()
const cases = {
  'UDP over IPv4': (checksum?: number) =>
    frame()
      .ipv4(ipv4)
      .udp({ ...(checksum !== undefined && { checksum }) })
      .payload('hello'),
  'TCP over IPv4': (checksum?: number) =>
    frame()
      .ipv4(ipv4)
      .tcp({ ...(checksum !== undefined && { checksum }) })
      .payload('hello'),
  'UDP over IPv6': (checksum?: number) =>
    frame()
      .ipv6(ipv6)
      .udp({ ...(checksum !== undefined && { checksum }) })
      .payload('hello'),
  'TCP in a VLAN': (checksum?: number) =>
    frame()
      .vlan({ id: 5 })
      .ipv4(ipv4)
      .tcp({ ...(checksum !== undefined && { checksum }) })
      .payload('hello'),
} as const
const [UDP, TCP] = [17, 6]
const sums = {
  'UDP over IPv4': started(four, 13, UDP),
  'TCP over IPv4': started(four, 25, TCP),
  'UDP over IPv6': started(six, 13, UDP),
  'TCP in a VLAN': started(four, 25, TCP),
} as const

for (const [name, build] of Object.entries(cases) as [keyof typeof cases, (typeof cases)['UDP over IPv4']][])
  describe(name, () => {
    test('what a device was to finish is finished, also with padding behind it', () => {
      const bytes = build(sums[name]).bytes()
      const whole = Uint8Array.of(...bytes, 0, 0, 0)
      finishChecksum(bytes)
      finishChecksum(whole)
      expect(bytes).toEqual(build().bytes())
      expect(whole).toEqual(Uint8Array.of(...build().bytes(), 0, 0, 0))
    })

    test('what is right, wrong, or not there stays as it is', () => {
      for (const checksum of [undefined, 0, 0x1234]) {
        const bytes = build(checksum).bytes()
        finishChecksum(bytes)
        expect(bytes).toEqual(build(checksum).bytes())
      }
    })

    test('what is cut off stays as it is', () => {
      const bytes = build(sums[name]).bytes()
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.slice(0, length)
        finishChecksum(cut)
        expect(cut).toEqual(bytes.slice(0, length))
      }
    })
  })

test('of a fragment there is only a part', () => {
  const first = () =>
    frame()
      .ipv4({ ...ipv4, flags: 1 })
      .udp({ checksum: sums['UDP over IPv4'] })
      .payload('hello')
  const bytes = first().bytes()
  finishChecksum(bytes)
  expect(bytes).toEqual(first().bytes())
})
