import { join } from 'node:path'
import { expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { onEveryMachine, type PacketBuilder, packet } from '../src/testing/index.ts'
import type { answerer } from './cubes/answerer/dataplane.ts'

const ethernet = packet().ethernet()
const ANSWER = Uint8Array.of(0x12, 0x34, 0, 0, 0xfe, 0xdc)

onEveryMachine('a longer message of UDP', (openLab) => {
  const open = () =>
    openLab<typeof answerer>({ cube: join(import.meta.dirname, 'cubes/answerer'), ports: { a: {}, b: {} } })

  test.each<[string, PacketBuilder]>([
    ['IPv4', ethernet.ipv4()],
    ['IPv4 with options', ethernet.ipv4({ options: new Uint8Array(8) })],
    ['IPv6', ethernet.ipv6()],
  ])('has the right checksum over %s', async (_, below) => {
    using lab = await open()
    for (const length of [0, 1, 2, 7, 500]) {
      const query = new Uint8Array(length).fill(0xa5)
      const [before, after] = [query, concat(query, ANSWER)].map((content) => below.udp().payload(content).bytes())
      expect(lab.send('a', before!)).toEqual({ b: [after] })
    }
  })

  test('stays without a checksum', async () => {
    using lab = await open()
    const build = (content: Uint8Array) => ethernet.ipv4().udp({ checksum: 0 }).payload(content).bytes()
    expect(lab.send('a', build(new Uint8Array(4)))).toEqual({ b: [build(concat(new Uint8Array(4), ANSWER))] })
  })
})
