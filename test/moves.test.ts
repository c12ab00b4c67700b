import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ETHERTYPE } from '../src/lang/index.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'

const cube = join(import.meta.dirname, 'cubes/reshape')
const ethernet = packet().ethernet()
const plain = ethernet.ipv4().udp().payload(40)
const tagged = (id: number, priority = 0) => ethernet.vlan({ id, priority }).ipv4().udp().payload(40)
const twice = (outer: number, inner: number, type: number) =>
  packet().ethernet({ type }).vlan({ id: outer, type: ETHERTYPE.vlan }).vlan({ id: inner }).ipv4().udp().payload(40)
const { vlan, serviceVlan } = ETHERTYPE

onEveryMachine('operations that move the packet', (openLab) => {
  const became = async (config: Record<string, unknown>, frame: Uint8Array) => {
    using lab = await openLab({ cube, ports: { a: {}, b: {} }, config })
    const output = lab.send('a', frame)
    return output.b?.[0] ?? Object.keys(lab.counters('a').drops)[0]
  }
  const zeros = (count: number) => new Uint8Array(count)
  const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))

  describe('tags', () => {
    test.each([
      ['a tag is put on', { push: true, id: 5, priority: 3 }, plain, tagged(5, 3)],
      ['an identifier has 12 bits', { push: true, id: 4095, variable: true }, plain, tagged(4095)],
      [
        'a tag of a provider',
        { push: true, id: 5, service: true },
        plain,
        packet().ethernet({ type: serviceVlan }).vlan({ id: 5 }).ipv4().udp().payload(40),
      ],
      ['a tag around a tag', { push: true, id: 5 }, tagged(6), twice(5, 6, vlan)],
      ['a tag of a provider around a tag', { push: true, id: 5, service: true }, tagged(6), twice(5, 6, serviceVlan)],
      ['a tag is taken away', { pop: 1 }, tagged(5, 7), plain],
      ['where there is none, nothing is taken away', { pop: 1 }, plain, plain],
      ['of two, the inner one stays', { pop: 1 }, twice(5, 6, serviceVlan), tagged(6)],
      ['both are taken away', { pop: 2 }, twice(5, 6, serviceVlan), plain],
      ['one is exchanged', { pop: 1, push: true, id: 9 }, tagged(5), tagged(9)],
    ])('%s', async (_, config, frame, expected) => {
      expect(await became(config, frame.bytes())).toEqual(expected.bytes())
    })

    test('three in a loop', async () => {
      const inside = plain.bytes()
      const tag = (id: number) => Uint8Array.of(0x81, 0, 0, id)
      const expected = joined(inside.subarray(0, 12), tag(12), tag(11), tag(10), inside.subarray(12))
      expect(await became({ tags: 3 }, inside)).toEqual(expected)
    })
  })

  describe.each([{ variable: false }, { variable: true }])('sizes, $variable', ({ variable }) => {
    const bytes = plain.bytes()
    test.each([
      ['the tail is cut off', { truncate: 50 }, bytes.subarray(0, 50)],
      ['there is nothing to cut off', { truncate: 100 }, bytes],
      ['no more is cut off than is there', { truncate: bytes.length }, bytes],
      ['the Ethernet header stays', { truncate: 13 }, 'refused'],
      ['zeros at the end', { growTail: 100 }, joined(bytes, zeros(100))],
      ['more than a packet has', { growTail: 20_000 }, 'refused'],
      ['more than any packet has', { growTail: 0xffff_ffff }, 'refused'],
      ['bytes off the end', { shrinkTail: 10 }, bytes.subarray(0, -10)],
      ['more off the end than there is', { shrinkTail: 1000 }, 'refused'],
      ['so many that it would be more again', { shrinkTail: 0xffff_ffff }, 'refused'],
      ['what was cut off does not come back', { shrinkTail: 10, growTail: 0, truncate: 60 }, bytes.subarray(0, 50)],
      ['zeros in front', { growHead: 14 }, joined(zeros(14), bytes)],
    ])('%s', async (_, config, expected) => {
      expect(await became({ ...config, variable }, bytes)).toEqual(expected)
    })
  })

  describe('bytes off the front', () => {
    const inside = ethernet.ipv4({ source: '10.9.9.9' }).udp().payload(20).bytes()
    const inside6 = ethernet.ipv6().udp().payload(20).bytes()
    const around = (content: Uint8Array) => ethernet.ipv4().udp().payload(content).bytes()
    const around6 = (content: Uint8Array) => ethernet.ipv6().udp().payload(content).bytes()
    test.each([
      ['of a tunnel', around(inside), 42, inside],
      ['of another family', around(inside6), 42, inside6],
      ['the other way round', around6(inside), 62, inside],
      ['of the same family', around6(inside6), 62, inside6],
      ['as many as there are', around(inside), 4000, 'refused'],
    ])('%s', async (_, frame, shrinkHead, expected) => {
      expect(await became({ shrinkHead }, frame)).toEqual(expected)
    })
  })
})
