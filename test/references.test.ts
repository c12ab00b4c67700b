import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { chosen } from './cubes/chosen/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/chosen')

const frame = (tags: readonly number[], source: string) =>
  tags
    .reduce((built, id) => built.vlan({ id }), packet().ethernet())
    .ipv4({ source })
    .udp()
    .bytes()

onEveryMachine('references that are chosen and returned', (openLab) => {
  const open = () => openLab<typeof chosen>({ cube, ports: { a: {} } })

  test.each([
    ['no tag', [], '10.0.0.1', [1n, 0n, 0n]],
    ['one tag', [5], '10.0.0.200', [0n, 1n, 0n]],
    ['two tags', [5, 6], '10.0.0.1', [1n, 0n, 0n]],
    ['three tags', [5, 6, 7], '10.0.0.1', [0n, 0n, 1n]],
    ['four tags', [5, 6, 7, 8], '10.0.0.1', [0n, 0n, 1n]],
  ] as const)('lead to the right entry: %s', async (_, tags, source, expected) => {
    using lab = await open()
    lab.send('a', frame(tags, source))
    const totals = [0, 1, 2].map((index) => lab.table('totals').get({ index }))
    expect(totals.map((one) => one?.packets)).toEqual(expected)
    expect(lab.table('flows').entries()).toHaveLength(expected[2] === 1n ? 0 : 1)
  })

  test('what does not hold a header is nobody', async () => {
    using lab = await open()
    lab.send('a', packet().ethernet({ type: 0x0800 }).payload(new Uint8Array(10)).bytes())
    expect(Object.keys(lab.counters('a').drops)).toEqual(['other'])
  })

  test('a key in a const is the same for looking up and for adding', async () => {
    using lab = await open()
    const [small, large] = [frame([], '10.0.0.1'), frame([], '10.0.0.2')]
    for (const one of [small, small, large, large, frame([], '10.0.0.3')]) lab.send('a', one)
    expect(
      lab
        .table('flows')
        .entries()
        .map(([{ source }, { packets }]) => [source, packets])
        .sort(),
    ).toEqual([
      ['10.0.0.1', 2n],
      ['10.0.0.2', 2n],
    ])
    expect(lab.counters('a').drops.full?.packets).toBe(1n)
  })
})
