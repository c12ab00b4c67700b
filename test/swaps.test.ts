import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { policy } from './cubes/policy/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/policy')
const address = (host: number) => `02:00:00:00:00:0${host}`
const frame = (host: number) =>
  packet()
    .ethernet({ source: address(host) })
    .ipv4({ source: `10.${host}.0.1` })
    .udp()
    .bytes()
const sender = (host: number, packets = 0n, allowed = true) =>
  [{ address: address(host) }, { allowed, packets }] as const

onEveryMachine('tables that are swapped', (openLab) => {
  const open = () => openLab<typeof policy>({ cube, ports: { a: {} } })

  test('are empty at first, and like any other table', async () => {
    using lab = await open()
    const [senders, networks, limits] = [lab.table('senders'), lab.table('networks'), lab.table('limits')]
    expect([senders.entries(), networks.entries(), limits.get({ index: 1 })]).toEqual([[], [], { length: 0 }])
    lab.send('a', frame(1))
    senders.set(...sender(1))
    lab.send('a', frame(1))
    networks.set({ source: '10.0.0.0', length: 8 }, { allowed: true })
    lab.send('a', frame(1))
    limits.set({ index: 1 }, { length: 1500 })
    lab.send('a', frame(1))
    expect(Object.entries(lab.counters('a').drops).map(([reason, { packets }]) => [reason, packets])).toEqual(
      ['sender', 'network', 'long', 'fine'].map((reason) => [reason, 1n]),
    )
    expect(senders.get({ address: address(1) })).toEqual({ allowed: true, packets: 3n })
    expect(senders.add(...sender(1))).toBe(false)
    expect(senders.delete({ address: address(1) })).toBe(true)
    expect(senders.entries()).toEqual([])
  })

  test('are replaced as a whole', async () => {
    using lab = await open()
    const [senders, networks, limits] = [lab.table('senders'), lab.table('networks'), lab.table('limits')]
    senders.replaceAll([sender(1), sender(2)])
    limits.replaceAll([[{ index: 1 }, { length: 1500 }]])
    networks.replaceAll([
      [{ source: '10.0.0.0', length: 8 }, { allowed: true }],
      [{ source: '10.2.0.0', length: 16 }, { allowed: false }],
    ])
    const reasons = () => {
      const counted = (): Record<string, bigint> =>
        Object.fromEntries(Object.entries(lab.counters('a').drops).map(([reason, { packets }]) => [reason, packets]))
      return [1, 2, 3].map((host) => {
        const before = counted()
        lab.send('a', frame(host))
        return Object.entries(counted()).find(([reason, packets]) => packets !== (before[reason] ?? 0n))?.[0]
      })
    }
    expect(reasons()).toEqual(['fine', 'network', 'sender'])
    networks.replaceAll([[{ source: '10.2.0.0', length: 15 }, { allowed: true }]])
    senders.replaceAll([sender(2), sender(3)])
    expect(reasons()).toEqual(['sender', 'fine', 'fine'])
    expect([...senders.entries()].sort(([a], [b]) => (a.address < b.address ? -1 : 1))).toEqual([
      sender(2, 1n),
      sender(3, 1n),
    ])
    senders.replaceAll([])
    expect(reasons()).toEqual(['sender', 'sender', 'sender'])
  })

  test('stay as they are where the new entries do not fit', async () => {
    using lab = await open()
    const senders = lab.table('senders')
    senders.replaceAll([sender(1)])
    expect(() => senders.replaceAll([1, 2, 3, 4, 5].map((host) => sender(host)))).toThrow('full')
    expect(senders.entries()).toEqual([sender(1)])
  })

  test('outlive another configuration', async () => {
    using lab = await open()
    lab.table('senders').replaceAll([sender(1)])
    await lab.apply({ ports: { a: {}, b: {} } })
    expect(lab.table('senders').entries()).toEqual([sender(1)])
  })
})
