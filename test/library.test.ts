import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { internetChecksum } from '../src/base/checksum.ts'
import { encodeStruct } from '../src/lang/codec.ts'
import { TCP_STATE } from '../src/lang/index.ts'
import { type Lab, onEveryMachine, packet } from '../src/testing/index.ts'
import { type library, Order } from './cubes/library/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/library')
const CALLS = ['jenkins', 'xxhash', 'replace', 'replace32', 'take', 'track'] as const

const nothing = { a: 0, b: 0, c: 0, seed: 0, first: 0n, second: 0n }
const order = (call: (typeof CALLS)[number], given: Partial<typeof nothing>) =>
  concat(
    packet().ethernet({ type: 0x88b5 }).bytes(),
    encodeStruct(Order, { call: CALLS.indexOf(call), ...nothing, ...given }),
  )

const count = (lab: Lab<typeof library>, reason: 'done' | 'refused') =>
  Number(lab.counters('a').drops[reason]?.packets ?? 0)

const S = 1_000_000_000n
const { none, synSent, synReceived, established, firstFinished, secondFinished, closing, timeWait, closed } = TCP_STATE

onEveryMachine('functions of the library', (openLab) => {
  const open = (config: { rate?: number; burst?: number } = {}) =>
    openLab<typeof library>({ cube, ports: { a: {} }, config })

  // Results of the public C code: lookup3.c (hashword of three words), and xxhsum 0.8.1 -H1 of 16 bytes.
  test.each([
    [1, 2, 3, 0, 2757843189],
    [0xffffffff, 0x80000000, 0x12345678, 7, 1713359720],
    [0, 0, 0, 0, 459859287],
  ])('jenkins(%i, %i, %i, %i)', async (a, b, c, seed, hash) => {
    using lab = await open()
    lab.send('a', order('jenkins', { a, b, c, seed }))
    expect(lab.table('results').get({ index: 0 })).toMatchObject({ narrow: hash })
  })

  test.each([
    [1n, 2n, 0x4b180fec3ef3d4acn],
    [0n, 0n, 0xaf09f71516247c32n],
    [2n ** 64n - 1n, 0x1122334455667788n, 0x109cddb671de7906n],
  ])('xxhash of %i and %i', async (first, second, hash) => {
    using lab = await open()
    lab.send('a', order('xxhash', { first, second }))
    expect(lab.table('results').get({ index: 0 })).toMatchObject({ wide: hash })
  })

  test('a checksum that is changed is what it would be, computed anew', async () => {
    using lab = await open()
    const words = (...list: number[]) => new Uint8Array(list.flatMap((word) => [word >>> 8, word & 0xff]))
    for (const [before, after] of [
      [0x1234, 0x4321],
      [0, 0xffff],
      [0xffff, 0],
      [0xfffe, 0xffff],
      [7, 7],
    ] as const) {
      const rest = [0x4500, 0x0054, 0xbeef, 0x8001]
      const checksum = internetChecksum(words(...rest, before))
      lab.send('a', order('replace', { a: checksum, b: before, c: after }))
      expect(lab.table('results').get({ index: 0 })).toMatchObject({
        checksum: internetChecksum(words(...rest, after)),
      })
      lab.send('a', order('replace32', { a: checksum, b: before, c: after * 0x10000 + before }))
      const wide = internetChecksum(words(...rest, after, before))
      expect(lab.table('results').get({ index: 0 })).toMatchObject({ checksum: wide })
    }
  })

  test('a token bucket gives what it holds, and then what has come in', async () => {
    using lab = await open({ rate: 1000, burst: 500 })
    const take = (tokens: number) => {
      const before = count(lab, 'done')
      lab.send('a', order('take', { a: tokens }))
      return count(lab, 'done') > before
    }
    expect([take(501), take(300), take(201), take(200), take(1)]).toEqual([false, true, false, true, false])
    lab.clock.advance(S / 10n)
    expect([take(101), take(100), take(1)]).toEqual([false, true, false])
    // However long nobody takes anything: no more than it holds.
    lab.clock.advance(3600n * S)
    expect([take(500), take(1)]).toEqual([true, false])
  })

  describe('a TCP connection', () => {
    type Segment = readonly [side: 'first' | 'second', flags: string, state: number | 'refused']
    const flags = (text: string) =>
      Object.fromEntries((['syn', 'ack', 'fin', 'rst'] as const).map((flag) => [flag, text.includes(flag) ? 1 : 0]))
    const segment = (side: string, text: string) =>
      concat(order('track', { a: side === 'second' ? 1 : 0 }), packet().tcp(flags(text)).bytes())

    test.each<{ name: string; segments: readonly Segment[] }>([
      {
        name: 'opens, works and closes',
        segments: [
          ['first', 'syn', synSent],
          ['first', 'syn', synSent],
          ['second', 'syn ack', synReceived],
          ['first', 'ack', established],
          ['second', 'ack', established],
          ['first', 'fin ack', firstFinished],
          ['second', 'ack', firstFinished],
          ['second', 'fin ack', closing],
          ['first', 'ack', timeWait],
          ['first', 'syn', synSent],
        ],
      },
      {
        name: 'is closed from the other side',
        segments: [
          ['first', 'syn', synSent],
          ['second', 'syn ack', synReceived],
          ['first', 'ack', established],
          ['second', 'fin ack', secondFinished],
          ['first', 'fin ack', closing],
          ['second', 'ack', timeWait],
        ],
      },
      {
        name: 'is refused by a reset',
        segments: [
          ['first', 'syn', synSent],
          ['second', 'rst ack', closed],
          ['second', 'ack', closed],
        ],
      },
      {
        name: 'is opened by both at once',
        segments: [
          ['first', 'syn', synSent],
          ['second', 'syn', synReceived],
          ['first', 'syn ack', synReceived],
          ['first', 'ack', established],
        ],
      },
      {
        name: 'does not begin in the middle',
        segments: [
          ['first', 'ack', 'refused'],
          ['second', 'syn', 'refused'],
          ['second', 'syn ack', 'refused'],
          ['first', 'fin ack', 'refused'],
          ['first', 'rst', 'refused'],
          ['first', 'syn fin', 'refused'],
        ],
      },
    ])('$name', async ({ segments }) => {
      using lab = await open()
      let state: number = none
      for (const [side, text, after] of segments) {
        const before = count(lab, 'refused')
        lab.send('a', segment(side, text))
        const refused = count(lab, 'refused') > before
        expect([side, text, refused]).toEqual([side, text, after === 'refused'])
        state = after === 'refused' ? state : after
        expect([side, text, lab.table('connections').get({ index: 0 })?.state]).toEqual([side, text, state])
      }
    })

    test('is forgotten in time', async () => {
      using lab = await open()
      for (const [side, text] of [
        ['first', 'syn'],
        ['second', 'syn ack'],
        ['first', 'ack'],
      ] as const)
        lab.send('a', segment(side, text))
      lab.clock.advance(7440n * S)
      lab.send('a', segment('first', 'ack'))
      expect(count(lab, 'refused')).toBe(0)
      lab.clock.advance(7441n * S)
      lab.send('a', segment('first', 'ack'))
      expect(count(lab, 'refused')).toBe(1)
    })
  })
})
