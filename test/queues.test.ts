import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { pool } from './cubes/ports-pool/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/ports-pool')
const address = (host: number) => `02:00:00:00:00:0${host}`
const frame = (host: number) =>
  packet()
    .ethernet({ source: address(host) })
    .ipv4()
    .udp()
    .bytes()
const length = frame(1).length

onEveryMachine('queues and stacks', (openLab) => {
  const open = (config = {}) => openLab<typeof pool>({ cube, ports: { a: {} }, config })

  test('give what the control plane put in, in their order', async () => {
    using lab = await open()
    const [free, seen] = [lab.table('free'), lab.table('seen')]
    for (const number of [10, 11, 12]) free.push({ number, used: 0 })
    expect(lab.send('a', frame(1))).toEqual({})
    // 10 and 11 went to the end, each with the numbers before it counted; 12 is taken.
    expect(lab.table('leases').get({ address: address(1) })).toEqual({ number: 12, used: 2 })
    expect([free.pop(), free.pop(), free.pop()]).toEqual([{ number: 10, used: 1 }, { number: 11, used: 2 }, undefined])
    expect(seen.peek()).toEqual({ address: address(1), length })
    expect([seen.pop(), seen.pop()]).toEqual([{ address: address(1), length }, undefined])
  })

  test('a stack gives the newest first, and takes no more than it has room for', async () => {
    using lab = await open()
    for (const host of [1, 2, 3]) lab.send('a', frame(host))
    const { drops } = lab.counters('a')
    expect([drops.exhausted?.packets, drops.full?.packets]).toEqual([2n, 1n])
    const seen = lab.table('seen')
    expect(() => seen.push({ address: address(4), length: 0 })).toThrow('full')
    expect([seen.pop()?.address, seen.pop()?.address, seen.pop()]).toEqual([address(2), address(1), undefined])
  })

  test('looking takes nothing out', async () => {
    using lab = await open({ look: true })
    lab.send('a', frame(1))
    lab.table('free').push({ number: 0, used: 7 })
    lab.send('a', frame(1))
    expect(Object.keys(lab.counters('a').drops)).toEqual(['exhausted'])
    expect(lab.table('free').peek()).toEqual({ number: 0, used: 7 })
    expect(lab.table('free').pop()).toEqual({ number: 0, used: 7 })
    expect(lab.table('free').peek()).toBeUndefined()
    expect(lab.table('seen').peek()).toBeUndefined()
  })
})
