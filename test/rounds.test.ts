import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { rounds } from './cubes/rounds/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/rounds')
const options = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 8, 2, 3, 2, 8, 2, 0]

interface Sample {
  readonly left: number
  readonly right: number
}

/** What dataplane.ts says, in JavaScript. */
function expected(samples: readonly Sample[]) {
  let [count, seen, sum, mode] = [0, 0, 0n, 0]
  for (const [i, { left, right }] of samples.entries()) {
    if (left > right) count += 1
    if (seen !== 0x55 && left === right) seen = (seen | (1 << (i & 31))) >>> 0
    if (sum > 0x1_0000_0000n) sum -= BigInt(left)
    else sum += BigInt(right)
    if (mode === 0) mode = left === 7 ? 1 : 0
    else if (mode === 1) mode = count > 9 ? 2 : 1
    else if (right > count) mode = 3
    if (count > 40) break
  }
  return { count, seen, sum, mode }
}

onEveryMachine('loops whose branches depend on earlier rounds', (openLab) => {
  test('load, and compute what they say', async () => {
    using lab = await openLab<typeof rounds>({ cube, ports: { a: {} } })
    const samples = Array.from({ length: 64 }, (_, index) => ({
      left: (index * 2_654_435_761) % 11,
      right: index % 9 === 0 ? 0xf000_0000 : (index * 7) % 5,
    }))
    for (const [index, sample] of samples.entries()) lab.table('samples').set({ index }, sample)
    lab.send('a', packet().ethernet().payload(Uint8Array.from(options)).bytes())
    const result = lab.table('results').get({ index: 0 })
    expect(result).toMatchObject(expected(samples))
    expect(result).toMatchObject({ crc: 0xdebb20e3, options: 3 })
  })
})
