import { onEveryMachine, packet } from 'tessera/testing'
import { expect, test } from 'vitest'
import type { hub } from './schema.ts'

onEveryMachine('hub', (openLab) => {
  const frame = packet()
    .ethernet({ source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' })
    .ipv4()
    .udp()
    .bytes()

  test('repeats a frame out of all other ports', async () => {
    using lab = await openLab<typeof hub>({ cube: import.meta.dirname, ports: { left: {}, middle: {}, right: {} } })
    expect(lab.send('left', frame)).toEqual({ middle: [frame], right: [frame] })
    lab.clock.advance(5_000_000_000n)
    expect(await lab.view('talkers')).toEqual([{ address: '02:00:00:00:00:01', silent: '5 s' }])
  })

  test('carries no IPv4 when told so', async () => {
    using lab = await openLab<typeof hub>({
      cube: import.meta.dirname,
      ports: { left: {}, right: {} },
      config: { ipv4: false },
    })
    expect(lab.send('left', frame)).toEqual({})
    expect(lab.counters('left').drops).toEqual({ ipv4: { packets: 1n, bytes: BigInt(frame.length) } })
  })
})
