import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { routes } from './cubes/routes/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/routes')
const ports = { a: { tenant: 7 }, b: {}, c: {}, d: {} }

const to = (destination: string) => packet().ethernet().ipv4({ destination }).icmp().bytes()
const to6 = (destination: string) => packet().ethernet().ipv6({ destination }).udp().bytes()
const service = (destination: number) => packet().ethernet().ipv4().udp({ destinationPort: destination }).bytes()

onEveryMachine('a table of prefixes', (openLab) => {
  const open = () => openLab<typeof routes>({ cube, ports })
  // Ports are numbered in the order of the graph, from 0.
  const [b, c, d] = [1, 2, 3]

  describe('finds the longest prefix', () => {
    test.each([
      ['10.1.2.3', 'd'],
      ['10.1.3.3', 'c'],
      ['10.2.0.0', 'b'],
      ['11.0.0.1', undefined],
    ])('of the IPv4 address %s: port %s', async (destination, out) => {
      using lab = await open()
      const table = lab.table('ipv4')
      table.set({ destination: '10.0.0.0', length: 8 }, { port: b, packets: 0n })
      table.set({ destination: '10.1.2.3', length: 32 }, { port: d, packets: 0n })
      table.set({ destination: '10.1.0.0', length: 16 }, { port: c, packets: 0n })
      const frame = to(destination)
      expect(lab.send('a', frame)).toEqual(out === undefined ? {} : { [out]: [frame] })
      expect(Object.keys(lab.counters('a').drops)).toEqual(out === undefined ? ['unreachable'] : [])
    })

    test.each([
      ['2001:db8:0:1::1', 'c'],
      ['2001:db8::1', 'b'],
      ['2001:db9::1', undefined],
      ['fe80::1', undefined],
    ])('of the IPv6 address %s, for its tenant: port %s', async (destination, out) => {
      using lab = await open()
      const table = lab.table('ipv6')
      table.set({ tenant: 7, destination: '2001:db8::', length: 32 }, { port: b })
      table.set({ tenant: 7, destination: '2001:db8:0:1::', length: 64 }, { port: c })
      table.set({ tenant: 8, destination: '::', length: 0 }, { port: d })
      const frame = to6(destination)
      expect(lab.send('a', frame)).toEqual(out === undefined ? {} : { [out]: [frame] })
    })

    test.each([
      [0x1234, 'c'],
      [0x1fff, 'b'],
      [0x2000, undefined],
    ])('of the number %i: port %s', async (number, out) => {
      using lab = await open()
      lab.table('services').set({ port: 0x1000, length: 4 }, { port: b })
      lab.table('services').set({ port: 0x1234, length: 16 }, { port: c })
      const frame = service(number)
      expect(lab.send('a', frame)).toEqual(out === undefined ? {} : { [out]: [frame] })
    })
  })

  test('gives the data plane the entry itself', async () => {
    using lab = await open()
    lab.table('ipv4').set({ destination: '0.0.0.0', length: 0 }, { port: b, packets: 40n })
    lab.send('a', to('192.0.2.1'))
    lab.send('a', to('192.0.2.2'))
    expect(lab.table('ipv4').entries()).toEqual([
      [
        { destination: '0.0.0.0', length: 0 },
        { port: b, packets: 42n },
      ],
    ])
  })

  test('is set, read, listed and deleted by the control plane', async () => {
    using lab = await open()
    const table = lab.table('ipv6')
    const wide = { tenant: 7, destination: '2001:db8::', length: 32 }
    const narrow = { tenant: 7, destination: '2001:db8:8000::', length: 33 }
    table.set(wide, { port: b })
    table.set(narrow, { port: b })
    table.set(narrow, { port: c })
    expect(table.get(narrow)).toEqual({ port: c })
    expect(table.get({ ...narrow, destination: '2001:db8:c000::', length: 40 })).toEqual({ port: c })
    expect(table.get({ ...wide, length: 31 })).toBeUndefined()
    expect([...table.entries()].sort(([p], [q]) => p.length - q.length)).toEqual([
      [wide, { port: b }],
      [narrow, { port: c }],
    ])
    expect([table.delete(narrow), table.delete(narrow)]).toEqual([true, false])
    expect(table.get(narrow)).toEqual({ port: b })
  })

  test('refuses what is no prefix, and more than it has room for', async () => {
    using lab = await open()
    const table = lab.table('services')
    expect(() => table.set({ port: 0x1001, length: 4 }, { port: b })).toThrow(
      'key.port: 4097 has bits past the length 4',
    )
    expect(() => table.set({ port: 0, length: 17 }, { port: b })).toThrow('key.length: 17 is not a number from 0 to 16')
    for (let port = 0; port < 4; port++) table.set({ port, length: 16 }, { port: b })
    expect(() => table.set({ port: 4, length: 16 }, { port: b })).toThrow('full')
    table.set({ port: 3, length: 16 }, { port: c })
    expect(table.entries()).toHaveLength(4)
  })
})
