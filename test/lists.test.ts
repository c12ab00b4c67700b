import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeStruct } from '../src/lang/codec.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { type lists, Words } from './cubes/lists/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/lists')
const sender = '02:00:00:00:00:01'
const tail = [1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12]
const addresses = ['10.0.0.1', '10.0.0.2']
const words = [11, 22, 33, 44, 55]
const pairs = [
  { kind: 7, value: 1_000_000 },
  { kind: 1, value: 20 },
  { kind: 7, value: 3_000_000 },
]
const frame = (choice: number, count: number) =>
  packet()
    .ethernet({ source: sender, type: 0x88b5 })
    .payload(encodeStruct(Words, { choice, count, words, pairs, tail, addresses }))
    .bytes()

onEveryMachine('lists', (openLab) => {
  const open = (ports: number[] = []) => openLab<typeof lists>({ cube, ports: { a: {} }, config: { ports } })

  test('are read and written by indexes of all kinds', async () => {
    using lab = await open()
    lab.send('a', frame(6, 1))
    const cell = lab.table('cells').get({ index: 0 })
    const octets = [...Array<number>(6).fill(0), tail[frame(6, 1).length % 12], ...Array<number>(5).fill(0)]
    expect(cell).toEqual({
      words: [...words].reverse(),
      octets,
      seen: [false, false, true, false],
      peers: [
        { address: '00:00:00:00:00:00', hits: 0 },
        { address: sender, hits: 20 },
        { address: '00:00:00:00:00:00', hits: 0 },
      ],
      sum: BigInt(7 + 165 * 1000 + 4_000_000 + (octets[6] ?? 0)),
    })
  })

  test('an index that fails its test touches nothing', async () => {
    using lab = await open()
    lab.send('a', frame(2, 3))
    expect(
      lab
        .table('cells')
        .get({ index: 0 })
        ?.peers.map(({ hits }) => hits),
    ).toEqual([0, 0, 0])
  })

  test('are parts of keys and values, for both planes', async () => {
    using lab = await open()
    const kept = lab.table('kept')
    const key = { name: tail, words }
    const before = { wide: [7n, 8n, 9n], four: ['1.1.1.1', '2.2.2.2'], marks: [0, 0, 0], ones: Array(7).fill(0) }
    lab.send('a', frame(200, 0))
    const sum = lab.table('cells').get({ index: 0 })?.sum
    expect(kept.get(key)).toEqual({
      wide: [sum, 200n, 40n],
      four: addresses,
      marks: [200, 200, 200],
      ones: Array(7).fill(0x101),
    })
    kept.set(key, before)
    lab.send('a', frame(5, 0))
    expect(kept.entries()).toEqual([[key, { ...before, wide: [7n, 10n, 9n], four: ['1.1.1.1', '1.1.1.1'] }]])
  })

  test('of the configuration are gone through when compiling', async () => {
    using lab = await open([80, 11])
    lab.send('a', frame(0, 0))
    expect(Object.keys(lab.counters('a').drops)).toEqual(['configured'])
  })
})
