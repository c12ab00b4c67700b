import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { internetChecksum } from '../src/base/checksum.ts'
import { encodeStruct } from '../src/lang/codec.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { Marks, type marker, Summed } from './cubes/marker/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/marker')
const pair = (kind: number, value: number) => ({ kind, value })

const before = (choice: number) => ({
  choice,
  octets: [1, 22, 33, 44, 155, 66, 247],
  words: [11, 2222, 0x3333, 44, 0x5555],
  pairs: [pair(1, 0xfffefdfc), pair(2, 20), pair(3, 30)],
  flags: [
    { high: 5, low: 1 },
    { high: 2, low: 0x1fff },
  ],
  addresses: ['10.0.0.1', '10.0.0.2'],
})

/** What the cube makes of it. */
function after(choice: number) {
  const marks = before(choice)
  marks.octets[3] = 0xfe
  marks.octets[choice % 7] = ((marks.octets[choice % 7] ?? 0) + 0x31) & 0xff
  marks.words = marks.words.map((word, index) => (index < 4 ? (word * 3 + index) & 0xffff : word))
  const { value = 0 } = marks.pairs[choice % 3] ?? {}
  marks.pairs[choice % 3] = pair(0x77, (value + 0x01020304) >>> 0)
  marks.pairs[2] = marks.pairs[0] ?? pair(0, 0)
  for (const flag of marks.flags) flag.low = 0x1abc
  marks.addresses[choice & 1] = '192.0.2.9'
  return marks
}

onEveryMachine('elements of lists in headers', (openLab) => {
  describe.each([0, 1])('%i octets into the payload', (distance) => {
    test('are assigned to, and the checksum follows', async () => {
      using lab = await openLab<typeof marker>({ cube, ports: { a: {}, b: {} }, config: { distance } })
      for (const choice of [0, 1, 2, 3, 4, 5, 6, 250]) {
        const build = (marks: ReturnType<typeof before>) =>
          packet()
            .ethernet()
            .ipv4()
            .udp()
            .payload(concat(new Uint8Array(distance), encodeStruct(Marks, marks), Uint8Array.of(1, 2, 3)))
            .bytes()
        const expected = after(choice)
        expect(lab.send('a', build(before(choice)))).toEqual({ b: [build(expected)] })
        expect(lab.table('kept').get({ index: 0 })).toEqual({ words: expected.words, pairs: expected.pairs })
      }
    })
  })

  test('and so does that of their own header', async () => {
    using lab = await openLab<typeof marker>({ cube, ports: { a: {}, b: {} }, config: { summed: true } })
    for (const choice of [0, 1, 2, 3, 5, 255]) {
      const build = (octets: number[], pairs: ReturnType<typeof pair>[]) => {
        const header = { sum: 0, choice, octets, pairs, last: 7 }
        const sum = internetChecksum(encodeStruct(Summed, header))
        return packet()
          .ethernet()
          .ipv4()
          .udp()
          .change('udp', { checksum: 0 })
          .payload(encodeStruct(Summed, { ...header, sum }))
          .bytes()
      }
      const octets = [1, 2, 3, 250, 5, 6]
      const pairs = [pair(1, 2), pair(3, 0xffffffff), pair(5, 6)]
      const given = build(octets, pairs)
      octets[choice % 6] = 0xc5
      pairs[choice % 3] = pair(9, given.length)
      pairs[1] = pair(pairs[1]?.kind ?? 0, ((pairs[1]?.value ?? 0) + 0x10203) >>> 0)
      expect(lab.send('a', given)).toEqual({ b: [build(octets, pairs)] })
    }
  })
})
