import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { punter } from './cubes/punter/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/punter')
const source = '02:00:00:00:00:01'
const frame = (payload: number) =>
  packet()
    .ethernet({ source })
    .ipv4()
    .udp()
    .payload(Uint8Array.from({ length: payload }, (_, index) => index))
    .bytes()

onEveryMachine('rings of packets', (openLab) => {
  const open = (config = {}) => openLab<typeof punter>({ cube, ports: { a: {} }, config })

  test('give whole packets, each in its own length', async () => {
    using lab = await open()
    const sent = [30, 1472, 100].map(frame)
    for (const one of sent) lab.send('a', one)
    expect(lab.table('wholes').drain()).toEqual(sent.map((packet) => ({ port: 0, packet })))
  })

  test('give as much of a packet as there is room for', async () => {
    using lab = await open({ brief: true })
    const sent = frame(200)
    lab.send('a', sent)
    expect(lab.table('heads').drain()).toEqual([{ source, port: 0, length: sent.length, packet: sent.subarray(0, 20) }])
  })

  test('count what they have no room for', async () => {
    using lab = await open({ brief: true })
    // Header, value, length and packet, to a multiple of 8; and never all that there is.
    const [fit, more] = [Math.floor((4096 - 1) / (8 + 12 + 4 + 20 + 4)), 2]
    for (let i = 0; i < fit + more; i++) lab.send('a', frame(30))
    const { drops, lost } = lab.counters('a')
    expect([drops.punted?.packets, drops.untold?.packets, lost.heads?.packets]).toEqual([BigInt(fit), 2n, 2n])
    expect(lab.table('heads').drain()).toHaveLength(fit)
  })
})
