import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { layers } from './cubes/layers/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/layers')

interface Layer {
  readonly source?: string
  readonly destination?: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly checksum?: number
}

const original = (depth: number): Layer[] =>
  Array.from({ length: depth }, (_, index) => ({ sourcePort: 100 + index, destinationPort: 200 + index }))

/**
 * UDP in IPv4, as often as there are layers, the first one outermost. A checksum covers what is inside, but for the addresses that
 * the checksums inside cover: `plain` leaves it out of all but the innermost.
 */
function build([first, ...rest]: readonly Layer[], plain: boolean): Uint8Array {
  if (first === undefined) return Uint8Array.from({ length: 47 }, (_, index) => index)
  const { source = '10.0.0.1', destination = '10.0.0.2', checksum, ...ports } = first
  const inside = build(rest, plain).subarray(14)
  const whole = packet().ethernet().ipv4({ source, destination }).udp(ports).payload(inside)
  const isPlain = plain && rest.length > 0
  return (isPlain || checksum !== undefined ? whole.change('udp', { checksum: checksum ?? 0 }) : whole).bytes()
}

const all = (one: Layer, index: number): Layer => ({
  sourcePort: one.sourcePort + (index % 2 === 0 ? 5 : 0),
  destinationPort: 1000 + index,
})
const called = (one: Layer, index: number): Layer => ({ ...one, source: '192.0.2.77', destinationPort: 1000 + index })
const last =
  (change: (one: Layer) => Layer) =>
  (one: Layer, index: number, { length }: readonly Layer[]): Layer =>
    index === length - 1 ? change(one) : one

onEveryMachine('headers that a loop reads', (openLab) => {
  describe.each([1, 2, 3])('in %i layers', (depth) => {
    test.each([
      ['all', false, all],
      ['called', true, called],
      ['last', false, last((one) => ({ sourcePort: one.sourcePort + 1, destinationPort: 9 }))],
      ['until', true, last((one) => ({ ...one, destination: '203.0.113.1', sourcePort: 7 }))],
    ] as const)('keep their checksums: %s', async (how, plain, changed) => {
      using lab = await openLab<typeof layers>({ cube, ports: { a: {}, b: {} }, config: { how } })
      const given = original(depth)
      expect(lab.send('a', build(given, plain))).toEqual({ b: [build(given.map(changed), plain)] })
    })
  })

  test('have what is assigned to their checksum, whatever was written before', async () => {
    using lab = await openLab<typeof layers>({ cube, ports: { a: {}, b: {} }, config: { how: 'assigned' } })
    const [one] = original(1)
    const changed = { ...one!, source: '192.0.2.77', destinationPort: 9, checksum: 0x1234 }
    expect(lab.send('a', build(original(1), false))).toEqual({ b: [build([changed], false)] })
  })
})
