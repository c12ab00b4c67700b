import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'

const cube = join(import.meta.dirname, 'cubes/tag-filter')
const ethernet = packet().ethernet()

onEveryMachine('packet.vlan', (openLab) => {
  describe.each([
    { frame: 'without a tag', bytes: ethernet.ipv4().udp().bytes(), vlan: 0, becomes: 'b' },
    { frame: 'without a tag', bytes: ethernet.ipv4().udp().bytes(), vlan: 5, becomes: 'other' },
    {
      frame: 'with a priority tag',
      bytes: ethernet.vlan({ id: 0, priority: 5 }).ipv4().udp().bytes(),
      vlan: 0,
      becomes: 'b',
    },
    { frame: 'of VLAN 5', bytes: ethernet.vlan({ id: 5, priority: 3 }).ipv4().udp().bytes(), vlan: 5, becomes: 'b' },
    { frame: 'of VLAN 5', bytes: ethernet.vlan({ id: 5 }).ipv4().udp().bytes(), vlan: 6, becomes: 'other' },
    {
      frame: 'with two tags',
      bytes: ethernet.vlan({ id: 5 }).vlan({ id: 6 }).ipv4().udp().bytes(),
      vlan: 5,
      becomes: 'b',
    },
    {
      frame: 'with two tags',
      bytes: ethernet.vlan({ id: 5 }).vlan({ id: 7 }).ipv4().udp().bytes(),
      vlan: 5,
      becomes: 'inner',
    },
  ])('a frame $frame', ({ bytes, vlan, becomes }) => {
    test(`where VLAN ${vlan} passes: ${becomes}`, async () => {
      using lab = await openLab({ cube, ports: { a: {}, b: {} }, config: { vlan } })
      const expected = becomes === 'b' ? { b: [bytes] } : {}
      expect(lab.send('a', bytes)).toEqual(expected)
      expect(Object.keys(lab.counters('a').drops)).toEqual(becomes === 'b' ? [] : [becomes])
    })
  })
})
