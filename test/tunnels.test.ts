import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ETHERTYPE } from '../src/lang/index.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'

const cube = join(import.meta.dirname, 'cubes/tunnels')
const inner = packet().ethernet({ source: '02:00:00:00:00:0a' })
const carried = {
  ipv4: inner.ipv4().udp().payload(40),
  ipv6: inner.ipv6().udp().payload(40),
  arp: inner.arp(),
} as const
const outer = packet().ethernet({ source: '02:00:00:00:00:0b' })
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))
const IP = 20
const IP6 = 40
const UDP = 8

onEveryMachine('tunnels', (openLab) => {
  const became = async (config: Record<string, unknown>, frame: Uint8Array) => {
    using lab = await openLab({ cube, ports: { a: {}, b: {} }, config })
    const output = lab.send('a', frame)
    return output.b?.[0] ?? Object.keys(lab.counters('a').drops)[0]
  }

  describe.each([
    ['vxlan', IP + UDP + 8],
    ['vxlan6', IP6 + UDP + 8],
    ['geneve', IP + UDP + 8],
    ['gre6', IP6 + 4],
  ] as const)('of frames: %s', (kind, room) => {
    test.each(Object.keys(carried) as (keyof typeof carried)[])('room around %s, all zeros', async (what) => {
      const frame = carried[what].bytes()
      const header = frame.subarray(0, 14)
      expect(await became({ add: kind }, frame)).toEqual(joined(header, new Uint8Array(room), frame))
    })

    test.each(Object.keys(carried) as (keyof typeof carried)[])('%s comes out again', async (what) => {
      const frame = carried[what].bytes()
      const head = (kind === 'vxlan' || kind === 'geneve' ? outer.ipv4() : outer.ipv6()).bytes().subarray(0, 14)
      const tunnelled = joined(head, new Uint8Array(room).fill(0x11), frame)
      expect(await became({ remove: kind }, tunnelled)).toEqual(frame)
    })

    test('exchanged for another one', async () => {
      const frame = carried.ipv4.bytes()
      const head = (kind === 'vxlan' || kind === 'geneve' ? outer.ipv4() : outer.ipv6()).bytes().subarray(0, 14)
      const tunnelled = joined(head, new Uint8Array(room).fill(0x11), frame)
      const expected = joined(frame.subarray(0, 14), new Uint8Array(IP + 4), frame.subarray(14))
      expect(await became({ remove: kind, add: 'gre' }, tunnelled)).toEqual(expected)
    })

    test('shorter than its headers', async () => {
      const cut = joined(outer.ipv4().bytes().subarray(0, 14), new Uint8Array(room + 10).fill(0x11))
      expect(await became({ remove: kind }, cut)).toBe('refused')
    })
  })

  describe.each([
    ['gre', IP + 4],
    ['ipip', IP],
    ['ip6tnl', IP6],
  ] as const)('of packets: %s', (kind, room) => {
    test.each(['ipv4', 'ipv6'] as const)('room in front of %s, all zeros', async (what) => {
      const frame = carried[what].bytes()
      expect(await became({ add: kind }, frame)).toEqual(
        joined(frame.subarray(0, 14), new Uint8Array(room), frame.subarray(14)),
      )
    })

    test('nothing else is carried', async () => {
      expect(await became({ add: kind }, carried.arp.bytes())).toBe('refused')
    })

    test.each(['ipv4', 'ipv6'] as const)('%s comes out again behind the outer Ethernet header', async (what) => {
      const packetInside = carried[what].bytes().subarray(14)
      const type = kind === 'ip6tnl' ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4
      const head = packet().ethernet({ type }).bytes()
      const tunnelled = joined(head, new Uint8Array(room).fill(0x11), packetInside)
      expect(await became({ remove: kind }, tunnelled)).toEqual(joined(head, packetInside))
    })
  })

  test('the outer VLAN tag stays outside', async () => {
    const frame = inner.vlan({ id: 5 }).ipv4().udp().payload(40).bytes()
    const [addresses, tag, rest] = [frame.subarray(0, 12), frame.subarray(12, 16), frame.subarray(16)]
    const expected = joined(addresses, tag, rest.subarray(0, 2), new Uint8Array(36), addresses, rest)
    expect(await became({ add: 'vxlan' }, frame)).toEqual(expected)
  })
})
