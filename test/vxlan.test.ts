import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dissect, onEveryMachine, packet } from '../src/testing/index.ts'

const cube = join(import.meta.dirname, 'cubes/vxlan')
const [here, there] = ['02:00:00:00:01:01', '02:00:00:00:01:02']
const inner = packet().ethernet({ source: '02:00:00:00:00:0a', destination: '02:00:00:00:00:0b' })
const carried = [
  ['an IPv4 packet', inner.ipv4().udp().payload('hello')],
  ['an IPv6 packet', inner.ipv6().udp().payload('hello')],
  ['an ARP request', inner.arp()],
  ['a frame of an unknown type', inner.payload(46)],
] as const

onEveryMachine('VXLAN', (openLab) => {
  describe.each([
    { over: 'IPv4', overIPv6: false, local: '192.0.2.1', remote: '192.0.2.2' },
    { over: 'IPv6', overIPv6: true, local: 'fd00::1', remote: 'fd00::2' },
  ])('over $over', ({ overIPv6, local, remote }) => {
    const open = () =>
      openLab({
        cube,
        ports: { a: {}, under: { underlay: true } },
        config: {
          id: 0xabcdef,
          overIPv6,
          ...(overIPv6 ? { local6: local, remote6: remote } : { local, remote }),
          localMac: here,
          remoteMac: there,
        },
      })
    const header = (source: string, destination: string) => {
      const frame = packet().ethernet({ source: here, destination: there })
      const ip = overIPv6 ? frame.ipv6({ source, destination }) : frame.ipv4({ source, destination })
      return ip.udp({ sourcePort: 49152, checksum: 0 })
    }

    test.each(carried)('%s goes in', async (_, frame) => {
      using lab = await open()
      const bytes = lab.send('a', frame.bytes()).under?.[0] ?? new Uint8Array()
      const expected = header(local, remote).vxlan({ id: 0xabcdef }).carrying(frame)
      expect(dissect(bytes)).toEqual(dissect(expected.bytes()))
      expect(bytes).toEqual(expected.bytes())
    })

    test.each(carried)('%s comes out', async (_, frame) => {
      using lab = await open()
      const bytes = header(remote, local).vxlan({ id: 0xabcdef }).carrying(frame).bytes()
      expect(lab.send('under', bytes)).toEqual({ a: [frame.bytes()] })
    })

    test('of another tunnel', async () => {
      using lab = await open()
      const bytes = header(remote, local).vxlan({ id: 5 }).carrying(inner.arp()).bytes()
      expect(lab.send('under', bytes)).toEqual({})
      expect(Object.keys(lab.counters('under').drops)).toEqual(['stranger'])
    })
  })
})
