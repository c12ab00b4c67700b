import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seconds } from '../src/lang/index.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { shaper } from './cubes/shaper/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/shaper')
const address = (host: number) => `02:00:00:00:00:0${host}`
const frame = (host: number, length: number) => {
  const built = (payload: number) =>
    packet()
      .ethernet({ source: address(host) })
      .ipv4()
      .udp()
      .payload(new Uint8Array(payload))
      .bytes()
  return built(length - built(0).length)
}

onEveryMachine('entries with locks', (openLab) => {
  const open = (config = {}) => openLab<typeof shaper>({ cube, ports: { a: {} }, config })

  test('change together, under their locks', async () => {
    using lab = await open()
    const [buckets, key] = [lab.table('buckets'), { address: address(1) }]
    const outcome = (length: number) => {
      lab.send('a', frame(1, length))
      const { drops } = lab.counters('a')
      return [drops.new, drops.taken, drops.limited].map((count) => Number(count?.packets ?? 0n))
    }
    expect(outcome(60)).toEqual([1, 0, 0])
    expect(buckets.get(key)).toEqual({ tokens: 200n, filled: lab.clock.now(), last: 0 })
    expect(outcome(150)).toEqual([1, 1, 0])
    expect(outcome(60)).toEqual([1, 1, 1])
    lab.clock.advance(BigInt(seconds(1)) / 10n)
    expect(outcome(60)).toEqual([1, 2, 1])
    expect(buckets.get(key)).toEqual({ tokens: 0n, filled: lab.clock.now(), last: 60 })
    lab.clock.advance(BigInt(seconds(100)))
    expect(outcome(100)).toEqual([1, 3, 1])
    expect(buckets.get(key)).toEqual({ tokens: 100n, filled: lab.clock.now(), last: 100 })
    expect(lab.table('totals').get({ index: 1 })).toEqual({
      packets: 5,
      bytes: 430n,
      longest: 150,
      by: [0, 0, 1, 1, 3, 0, 0],
    })
  })

  test('take what the control plane writes, and nothing else of them changes', async () => {
    using lab = await open()
    const [buckets, totals] = [lab.table('buckets'), lab.table('totals')]
    const bucket = { tokens: 7n, filled: 1n, last: 0xffff }
    buckets.set({ address: address(2) }, bucket)
    expect(buckets.add({ address: address(2) }, { ...bucket, tokens: 8n })).toBe(false)
    expect(buckets.replace({ address: address(3) }, bucket)).toBe(false)
    buckets.set({ address: address(2) }, { ...bucket, tokens: 9n })
    totals.set({ index: 0 }, { packets: 1, bytes: 2n, longest: 3, by: [0, 0, 1, 0, 0, 0, 0] })
    expect(buckets.entries()).toEqual([[{ address: address(2) }, { ...bucket, tokens: 9n }]])
    expect(totals.entries().map(([, value]) => value)).toEqual([
      { packets: 1, bytes: 2n, longest: 3, by: [0, 0, 1, 0, 0, 0, 0] },
      { packets: 0, bytes: 0n, longest: 0, by: [0, 0, 0, 0, 0, 0, 0] },
    ])
    expect(buckets.delete({ address: address(2) })).toBe(true)
    expect(buckets.get({ address: address(2) })).toBeUndefined()
  })
})
