import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compile, readDataPlane } from '../src/compiler/compile.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { calls } from './cubes/calls/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/calls')
const [first, second] = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const frame = (source: string, destination: string) => packet().ethernet({ source, destination, type: 0x88b5 }).bytes()

/** What a station is visited with. Its entry is new the first time; then each kind counts, and so does each bit of it. */
const KINDS = [1n, 2n, 0n, 1n, 2n, 5n]
const FRAMES = 11n + 1n + 1n + 2n

/** `mix` of the data plane, in whole numbers. */
function mix(from: bigint, by: bigint): bigint {
  const u64 = (value: bigint) => BigInt.asUintN(64, value)
  let x = from
  for (let i = 0; i < 16; i++) x = x % 3n === 0n ? u64(x << 7n) ^ by : u64((x >> 2n) + u64(x << 11n))
  return u64((x ^ (x >> 33n)) * BigInt.asUintN(32, 0xff51afd7n + by))
}

describe('what is called', async () => {
  const source = await readDataPlane(join(cube, 'dataplane.ts'))
  const wiring = { port: 0, exits: [{ port: 0, ifindex: 1 }], capacity: 4 }

  test('is in the program once, and is given what it needs', () => {
    const { functions } = compile(source, { name: 'calls', config: {}, port: {}, wiring })
    expect(functions?.map(({ name, parameters }) => [name, ...parameters])).toEqual([
      ['mix', 'u64', 'u32'],
      ['visit', 'context', 'u64', 'u32'],
      ['smaller', 'u32', 'u32', 'u32', 'u32', 'u32'],
    ])
  })
})

onEveryMachine('functions that are called', (openLab) => {
  const open = () => openLab<typeof calls>({ cube, ports: { a: {} } })

  test('give what they give where they are compiled in', async () => {
    using lab = await open()
    const bytes = frame(first, second)
    const length = BigInt(bytes.length)
    lab.send('a', bytes)
    const result = lab.table('results').get({ index: 0 })
    expect(result?.mixed).toBe(mix(mix(mix(length, 1n), 0x88b5n), mix(7n, 2n) > 100n ? 3n : 4n))
    expect(result?.digest).toBe(Number(BigInt.asUintN(32, 2n * mix(length, 1n))))
    expect(result?.smaller).toBe(first)
    let rounds = 0n
    for (let i = 0n; i < 7n; i++) rounds = BigInt.asUintN(64, rounds + mix(rounds, i))
    expect(result?.rounds).toBe(rounds)
    expect(Object.keys(lab.counters('a').drops)).toEqual(['done'])
  })

  test('read the packet and the time, and change tables', async () => {
    using lab = await open()
    const bytes = frame(first, second)
    lab.send('a', bytes)
    const then = lab.clock.now()
    lab.clock.advance(5n)
    lab.send('a', frame(second, first))
    const stations = lab.table('stations')
    expect(stations.get({ address: second })).toEqual({
      frames: FRAMES,
      bytes: 6n * BigInt(bytes.length),
      seen: then + 5n,
    })
    const changed = KINDS.reduce((frames, kind) => mix(frames, kind), FRAMES)
    expect(stations.get({ address: first })).toEqual({ frames: changed, bytes: 6n * BigInt(bytes.length), seen: then })
  })
})
