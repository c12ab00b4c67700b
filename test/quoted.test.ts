import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { quoted } from './cubes/quoted/dataplane.ts'

const ethernet = packet().ethernet()

onEveryMachine('what a message of ICMP quotes', (openLab) => {
  const open = () =>
    openLab<typeof quoted>({ cube: join(import.meta.dirname, 'cubes/quoted'), ports: { a: {}, b: {} } })

  test.each([
    ['whole', 40, 0],
    ['of which only the ports are there', 8, 0],
    ['with options', 11, 8],
    ['without what is behind its header', 0, 0],
  ])('of IPv4, %s', async (_, length, options) => {
    using lab = await open()
    const build = (source: string, timeToLive: number, port: number) => {
      const below = packet().ipv4({ source, timeToLive, options: new Uint8Array(options) })
      // Its checksum is that of the packet that was sent.
      const inner = below.udp({ sourcePort: port, checksum: 0x1234 }).payload(40).bytes()
      return ethernet
        .ipv4()
        .icmp({ type: 3, code: 1 })
        .payload(inner.subarray(0, 20 + options + length))
        .bytes()
    }
    expect(lab.send('a', build('192.0.2.1', 9, 1024))).toEqual({ b: [build('10.7.0.1', 8, 7)] })
  })

  test('of IPv6', async () => {
    using lab = await open()
    const build = (source: string, hopLimit: number) =>
      ethernet
        .ipv6()
        .icmpv6({ type: 1 })
        .payload(packet().ipv6({ source, hopLimit }).tcp({ checksum: 0x4321 }).payload(9))
        .bytes()
    expect(lab.send('a', build('2001:db8::1', 9))).toEqual({ b: [build('fd07::1', 8)] })
  })
})
