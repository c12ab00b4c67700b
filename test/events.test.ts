import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { watcher } from './cubes/watcher/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/watcher')
const address = (host: number) => `02:00:00:00:00:0${host}`
const frame = (host: number) =>
  packet()
    .ethernet({ source: address(host) })
    .ipv4()
    .udp()
    .bytes()
const { length } = frame(1)
const arrival = (host: number) => ({ source: address(host), port: 0, kind: 7, length })

onEveryMachine('rings', (openLab) => {
  const open = (config = {}) => openLab<typeof watcher>({ cube, ports: { a: {} }, config })

  test('give events to the control plane, once and in their order', async () => {
    using lab = await open()
    const arrivals = lab.table('arrivals')
    expect(arrivals.drain()).toEqual([])
    for (const host of [2, 1, 2, 3]) lab.send('a', frame(host))
    expect(arrivals.drain()).toEqual([2, 1, 3].map(arrival))
    expect(arrivals.drain()).toEqual([])
    expect(lab.counters('a').lost).toEqual({})
  })

  test('count what they have no room for', async () => {
    using lab = await open({ all: true })
    // 8 bytes and those of the value, and never all that there are.
    const [fit, more] = [Math.floor((4096 - 1) / (8 + 16)), 3]
    for (let i = 0; i < fit + more; i++) lab.send('a', frame(1))
    const { drops, lost } = lab.counters('a')
    expect([drops.told?.packets, drops.untold?.packets]).toEqual([BigInt(fit), BigInt(more)])
    expect(lost).toEqual({ arrivals: { packets: BigInt(more), bytes: BigInt(more * length) } })
    expect(lab.table('arrivals').drain()).toHaveLength(fit)
  })

  test('tell listeners, until they are disposed', async () => {
    using lab = await open({ all: true })
    const arrivals = lab.table('arrivals')
    const heard: unknown[] = []
    lab.send('a', frame(1))
    await new Promise<void>((resolve) => {
      const listening = arrivals.onEvent((event) => {
        heard.push(event)
        if (heard.length === 1) lab.send('a', frame(2))
        else {
          listening[Symbol.dispose]()
          resolve()
        }
      })
    })
    lab.send('a', frame(3))
    expect(heard).toEqual([1, 2].map(arrival))
    expect(arrivals.drain()).toEqual([arrival(3)])
  })

  test('can be read by for await', async () => {
    using lab = await open({ all: true })
    const heard: unknown[] = []
    lab.send('a', frame(1))
    lab.send('a', frame(2))
    for await (const event of lab.table('arrivals')) {
      heard.push(event)
      if (heard.length === 2) setImmediate(() => lab.send('a', frame(3)))
      if (heard.length === 3) break
    }
    expect(heard).toEqual([1, 2, 3].map(arrival))
  })
})

onEveryMachine('Bloom filters', (openLab) => {
  test('know what was added, by packets and by the control plane', async () => {
    using lab = await openLab<typeof watcher>({ cube, ports: { a: {} } })
    const seen = lab.table('seen')
    expect(seen.has({ address: address(1), port: 0 })).toBe(false)
    lab.send('a', frame(1))
    expect(seen.has({ address: address(1), port: 0 })).toBe(true)
    expect(seen.has({ address: address(1), port: 1 })).toBe(false)
    seen.add({ address: address(2), port: 0 })
    lab.send('a', frame(2))
    lab.send('a', frame(1))
    expect(lab.counters('a').drops.known?.packets).toBe(2n)
    expect(lab.table('arrivals').drain()).toEqual([arrival(1)])
  })
})
