import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { meter } from './cubes/meter/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/meter')
const address = (host: number) => `02:00:00:00:00:0${host}`
const frame = (host: number, payload = 10) =>
  packet()
    .ethernet({ source: address(host) })
    .ipv4()
    .udp()
    .payload(new Uint8Array(payload))
    .bytes()

onEveryMachine('cells', (openLab) => {
  const open = (config = {}) => openLab<typeof meter>({ cube, ports: { a: {} }, config })

  test('are zero at first, and one value for all packets', async () => {
    using lab = await open()
    const gauge = lab.table('gauge')
    expect(gauge.get()).toEqual({ packets: 0n, longest: 0, source: '00:00:00:00:00:00', level: 0 })
    for (const [host, payload] of [
      [1, 10],
      [2, 30],
      [3, 20],
    ] as const)
      lab.send('a', frame(host, payload))
    const { length } = frame(2, 30)
    expect(gauge.get()).toEqual({ packets: 3n, longest: length, source: address(2), level: 2 })
  })

  test('take what the control plane says', async () => {
    using lab = await open()
    const { length } = frame(1)
    lab.table('limit').set({ length })
    lab.table('gauge').set({ packets: 7n, longest: 1000, source: address(9), level: 0xffff })
    lab.send('a', frame(1))
    lab.send('a', frame(2, 11))
    expect(lab.table('gauge').get()).toEqual({ packets: 9n, longest: 1000, source: address(9), level: 0 })
    expect(Object.keys(lab.counters('a').drops).sort()).toEqual(['long', 'metered'])
  })
})

onEveryMachine('entries that are added or replaced', (openLab) => {
  const open = () => openLab<typeof meter>({ cube, ports: { a: {} } })

  test('by packets: the first one stays, and only what is there is replaced', async () => {
    using lab = await open()
    const [firsts, lasts] = [lab.table('firsts'), lab.table('lasts')]
    lasts.set({ address: address(1) }, { length: 0 })
    lab.send('a', frame(1, 10))
    lab.send('a', frame(1, 20))
    lab.send('a', frame(2, 30))
    lab.send('a', frame(3, 40))
    const length = (payload: number) => frame(1, payload).length
    expect([...firsts.entries()].map(([key, value]) => [key.address, value.length]).sort()).toEqual([
      [address(1), length(10)],
      [address(2), length(30)],
    ])
    expect(lasts.entries()).toEqual([[{ address: address(1) }, { length: length(20) }]])
    expect(lab.counters('a').drops.known?.packets).toBe(2n)
  })

  test('by the control plane', async () => {
    using lab = await open()
    const table = lab.table('firsts')
    const key = { address: address(1) }
    expect(table.replace(key, { length: 1 })).toBe(false)
    expect(table.get(key)).toBeUndefined()
    expect(table.add(key, { length: 2 })).toBe(true)
    expect(table.add(key, { length: 3 })).toBe(false)
    expect(table.get(key)).toEqual({ length: 2 })
    expect(table.replace(key, { length: 4 })).toBe(true)
    expect(table.get(key)).toEqual({ length: 4 })
    expect(table.add({ address: address(2) }, { length: 5 })).toBe(true)
    expect(() => table.add({ address: address(3) }, { length: 6 })).toThrow('full')
  })
})
