import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { asker } from './cubes/asker/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/asker')
const source = '02:00:00:00:00:01'
const payload = (length: number) => Uint8Array.from({ length }, (_, index) => index)
const frame = (length: number) => packet().ethernet({ source }).ipv4().udp().payload(payload(length)).bytes()
const common = { port: 0, direction: 'ingress' } as const

onEveryMachine('punt', (openLab) => {
  const open = (why: 'plain' | 'head' | 'told') => openLab<typeof asker>({ cube, ports: { a: {} }, config: { why } })

  test('leaves whole packets to the control plane, in their order', async () => {
    using lab = await open('plain')
    const sent = [18, 214, 215, 1472, 100].map(frame)
    for (const one of sent) expect(lab.send('a', one)).toEqual({})
    const expected = sent.map((one) => ({ reason: 'plain', metadata: {}, ...common, packet: one, length: one.length }))
    expect(lab.punts()).toEqual(expected)
    expect(lab.punts()).toEqual([])
    const { drops, punts } = lab.counters('a')
    expect(drops).toEqual({})
    expect(punts).toEqual({ plain: { packets: 5n, bytes: BigInt(sent.reduce((all, { length }) => all + length, 0)) } })
  })

  test('leaves as much of a packet as its reason wants', async () => {
    using lab = await open('head')
    const sent = frame(200)
    lab.send('a', sent)
    const expected = { reason: 'head', metadata: {}, ...common, packet: sent.subarray(0, 40), length: sent.length }
    expect(lab.punts()).toEqual([expected])
  })

  test('tells what is known of the packet, as it is then, with its tag', async () => {
    using lab = await open('told')
    const tagged = (timeToLive: number) =>
      packet().ethernet({ source }).vlan({ id: 5, priority: 3 }).ipv4({ source: '10.1.2.3', timeToLive }).udp().bytes()
    lab.send('a', tagged(2))
    const metadata = {
      octet: 17,
      time: lab.clock.now(),
      from: '10.1.2.3',
      flag: false,
      who: source,
      port: 0,
      mapped: '::ffff:a01:203',
    }
    const changed = tagged(1)
    expect(lab.punts()).toEqual([{ reason: 'told', metadata, ...common, packet: changed, length: changed.length }])
  })

  test('drops and counts what there is no room for', async () => {
    using lab = await open('plain')
    // 8 bytes of the ring's own, the header, and room for 1518; and never all that there are.
    const fit = Math.floor(((1 << 20) - 1) / (8 + 16 + 1520))
    const long = frame(400)
    for (let i = 0; i < fit + 2; i++) lab.send('a', long)
    const { drops, punts } = lab.counters('a')
    expect([punts.plain?.packets, drops.queue_full?.packets]).toEqual([BigInt(fit), 2n])
    expect(lab.punts()).toHaveLength(fit)
  })
})
