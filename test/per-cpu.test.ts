import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { tally } from './cubes/tally/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/tally')
const address = (host: number) => `02:00:00:00:00:0${host}`
const frame = (host: number) =>
  packet()
    .ethernet({ source: address(host) })
    .ipv4()
    .udp()
    .payload('1234')
    .bytes()

onEveryMachine('tables with a value for each CPU', (openLab) => {
  const open = () => openLab<typeof tally>({ cube, ports: { a: {}, b: {} } })

  test('count in all kinds, and the control plane adds up', async () => {
    using lab = await open()
    for (const host of [1, 1, 2, 1]) expect(lab.send('b', frame(host))).toEqual({})
    const bytes = BigInt(frame(1).length)
    expect(lab.table('ports').sum({ index: 1 })).toMatchObject({ packets: 4 })
    expect(lab.table('senders').sum({ address: address(1) })).toEqual({ packets: 3n })
    expect(lab.table('recent').sum({ address: address(2) })).toEqual({ bytes })
    expect(lab.table('recent').sum({ address: address(3) })).toBeUndefined()
  })

  test('give all values, in which other fields are, too', async () => {
    using lab = await open()
    lab.send('a', frame(5))
    const untouched = { packets: 0, longest: 0, sender: '00:00:00:00:00:00' }
    const values = lab.table('ports').get({ index: 0 }) ?? []
    const written = values.filter(({ packets }) => packets > 0)
    expect(written).toEqual([{ packets: 1, longest: frame(5).length, sender: address(5) }])
    expect(values.filter(({ packets }) => packets === 0)).toEqual(Array(values.length - 1).fill(untouched))
    expect(lab.table('ports').get({ index: 4 })).toBeUndefined()
    expect(lab.table('ports').entries()).toHaveLength(4)
  })

  test('are set on every CPU alike, and deleted as a whole', async () => {
    using lab = await open()
    const table = lab.table('senders')
    table.set({ address: address(1) }, { packets: 10n })
    const cpus = table.get({ address: address(1) })?.length ?? 0
    expect(cpus).toBeGreaterThan(0)
    expect(table.entries()).toEqual([[{ address: address(1) }, Array(cpus).fill({ packets: 10n })]])
    lab.send('a', frame(1))
    expect(table.sum({ address: address(1) })).toEqual({ packets: 10n * BigInt(cpus) + 1n })
    expect([table.delete({ address: address(1) }), table.delete({ address: address(1) })]).toEqual([true, false])
    expect(table.entries()).toEqual([])
  })

  test('refuse new entries when they are full', async () => {
    using lab = await open()
    for (const host of [1, 2, 3]) lab.send('a', frame(host))
    expect(Object.keys(lab.counters('a').drops)).toEqual(['full', 'counted'])
    expect(() => lab.table('senders').set({ address: address(4) }, { packets: 0n })).toThrow('full')
  })
})
