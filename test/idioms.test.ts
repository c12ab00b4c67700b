import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { idioms } from './cubes/idioms/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/idioms')

onEveryMachine('what people write who know TypeScript', (openLab) => {
  test('means what they mean', async () => {
    using lab = await openLab<typeof idioms>({ cube, ports: { a: {} }, config: {} })
    const flows = lab.table('flows')
    flows.set({ port: 80 }, { bytes: 300n, mark: 6, trusted: 1, list: [10, 20, 30, 40] })
    const given = packet()
      .ethernet()
      .ipv4({ source: '10.1.2.3', destination: '9.8.7.6', timeToLive: 5, protocol: 17 })
      .udp({ sourcePort: 443, destinationPort: 80 })
      .payload(50)
      .bytes()
    lab.send('a', given)
    expect(Object.keys(lab.counters('a').drops)).toEqual(['done'])
    const results = lab.table('results')
    const values = Array.from({ length: 28 }, (_, index) => Number(results.get({ index })?.value))
    const { length } = given
    expect(values).toEqual([
      300,
      99,
      30,
      1,
      1,
      1000,
      13,
      1,
      1,
      2,
      80 * 1000 + 443,
      Math.floor(length / 7) + 3,
      240 + 800 + (length & 15),
      5 * 256 + 17,
      70_000 + length,
      9 * 1000 + 80,
      10 * 1000 + 10 + 3,
      9 * 256 + 7,
      10 + 40 + 90 + 160 + 5353,
      2,
      75,
      2 ** 33 + 0xffff,
      1,
      8,
      4,
      500,
      3,
      335,
    ])
    expect(flows.get({ port: 3 })).toEqual({ bytes: 500n, mark: 8, trusted: 1, list: [1, 2, 3, 4] })
  })

  test('and takes what the configuration says, where it says it', async () => {
    using lab = await openLab<typeof idioms>({ cube, ports: { a: {} }, config: { limit: 7, ports: [], modes: [] } })
    lab.send('a', packet().ethernet().ipv4().udp({ sourcePort: 443, destinationPort: 1001 }).bytes())
    const results = lab.table('results')
    const value = (index: number) => Number(results.get({ index })?.value)
    expect([0, 2, 3, 4, 5, 6, 8, 9, 19].map(value)).toEqual([17, 5, 0, 0, 7, 11, 0, 3, 16])
  })
})
