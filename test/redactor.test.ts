import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { redactor } from './cubes/redactor/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/redactor')
const SIZE = 13

/** What the cube makes of a part of the payload. */
const redacted = (part: Uint8Array): Uint8Array => {
  const word = ((((part[1] ?? 0) << 8) | (part[2] ?? 0)) + 0x1234) & 0xffff
  return Uint8Array.of(0xfe, word >> 8, word & 0xff, 0, 0, 0, 0, 2, 0, 0, 0, 0, 5)
}

const payload = (length: number, distance: number, rounds: number) => {
  const before = Uint8Array.from({ length }, (_, index) => (index * 37 + 11) & 0xff)
  let after: Uint8Array = before
  for (let round = 0; round < rounds; round++) {
    const [start, end] = [distance + round * SIZE, distance + (round + 1) * SIZE]
    after = concat(after.subarray(0, start), redacted(after.subarray(start, end)), after.subarray(end))
  }
  return { before, after }
}

onEveryMachine('what is written to the payload', (openLab) => {
  describe.each([0, 1, 2, 3])('%i octets into it', (distance) => {
    test.each([
      [1, 20],
      [3, 80],
    ])('%i times, keeps the checksum of UDP', async (rounds, length) => {
      using lab = await openLab<typeof redactor>({ cube, ports: { a: {}, b: {} }, config: { distance, rounds } })
      const { before, after } = payload(length, distance, rounds)
      const build = (content: Uint8Array) =>
        packet()
          .ethernet()
          .ipv4({ options: new Uint8Array(4) })
          .udp()
          .payload(content)
      expect(lab.send('a', build(before).bytes())).toEqual({ b: [build(after).bytes()] })
      const without = (content: Uint8Array) => build(content).change('udp', { checksum: 0 }).bytes()
      expect(lab.send('a', without(before))).toEqual({ b: [without(after)] })
    })

    test('keeps the checksum of TCP, with what else is written', async () => {
      using lab = await openLab<typeof redactor>({ cube, ports: { a: {}, b: {} }, config: { distance } })
      const { before, after } = payload(33, distance, 1)
      const build = (content: Uint8Array, urgentPointer: number) =>
        packet().ethernet().ipv4().tcp({ urgentPointer }).payload(content).bytes()
      expect(lab.send('a', build(before, 0))).toEqual({ b: [build(after, 7)] })
    })
  })
})
