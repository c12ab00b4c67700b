import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { everyMachine, openLab, packet } from '../src/testing/index.ts'

const cube = join(import.meta.dirname, 'cubes/outlet')
const ethernet = packet().ethernet()
const toPort = (destinationPort: number) => ethernet.ipv4().udp({ destinationPort }).bytes()

describe.each(everyMachine)('what leaves ($name)', ({ name, skip }) => {
  const open = (vlan: number) => openLab(name, { cube, ports: { a: {}, b: {} }, config: { vlan } }, 'tc egress')

  test.skipIf(skip !== undefined)('passes the program of its port, which may drop it', async () => {
    using lab = await open(0)
    lab.table('blocked').set({ port: 53 }, { packets: 0n })
    expect(lab.transmit('a', toPort(53))).toEqual({})
    expect(lab.transmit('a', toPort(54))).toEqual({ a: [toPort(54)] })
    expect(lab.transmit('b', ethernet.ipv4().tcp().bytes())).toEqual({ b: [ethernet.ipv4().tcp().bytes()] })
    expect(lab.table('blocked').get({ port: 53 })).toEqual({ packets: 1n })
    expect(lab.counters('a')).toMatchObject({
      received: { packets: 2n },
      drops: { blocked: { packets: 1n, bytes: BigInt(toPort(53).length) } },
    })
  })

  test.skipIf(skip !== undefined)('has its tag beside it, wherever its sender wrote it', async () => {
    using lab = await open(5)
    lab.table('blocked').set({ port: 53 }, { packets: 0n })
    const tagged = (id: number, port: number) => ethernet.vlan({ id }).ipv4().udp({ destinationPort: port }).bytes()
    const twice = ethernet.vlan({ id: 5, priority: 3 }).vlan({ id: 6 }).ipv4().udp({ destinationPort: 53 }).bytes()
    expect(lab.transmit('a', tagged(6, 1))).toEqual({})
    expect(lab.transmit('a', tagged(5, 53))).toEqual({})
    expect(lab.transmit('a', tagged(5, 54))).toEqual({ a: [tagged(5, 54)] })
    expect(lab.transmit('a', twice)).toEqual({ a: [twice] })
    expect(lab.counters('a').drops).toMatchObject({
      other: { packets: 1n, bytes: BigInt(tagged(6, 1).length - 4) },
      blocked: { packets: 1n, bytes: BigInt(tagged(5, 53).length - 4) },
    })
  })

  test.skipIf(skip !== undefined)('by one port is not seen at another', async () => {
    using lab = await open(0)
    expect(() => lab.transmit('nowhere', toPort(1))).toThrow('there is no port nowhere now')
    lab.transmit('a', toPort(1))
    expect([lab.counters('a').received.packets, lab.counters('b').received.packets]).toEqual([1n, 0n])
  })
})
