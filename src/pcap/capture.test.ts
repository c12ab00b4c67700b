import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat } from '../base/bytes.ts'
import {
  BIG,
  block,
  described,
  type Encoding,
  enhanced,
  LITTLE,
  option,
  padded,
  pcapHeader,
  pcapRecord,
  readAll,
  section,
} from './fixtures.ts'
import type { CapturedFrame } from './frame.ts'
import { CaptureReader } from './read.ts'
import { type CaptureFormat, CaptureWriter } from './write.ts'

const A = Uint8Array.from({ length: 61 }, (_, index) => index)
const B = Uint8Array.from({ length: 14 }, (_, index) => 0xff - index)
const ORDERS: readonly (readonly [string, Encoding])[] = [
  ['little endian', LITTLE],
  ['big endian', BIG],
]

describe.each(ORDERS)('pcap, %s', (_, e) => {
  test('microseconds', () => {
    const file = concat(pcapHeader(e), pcapRecord(e, 10, 999_999, A), pcapRecord(e, 4_000_000_000, 1, B))
    expect(readAll(file)).toEqual([
      { time: 10_999_999_000n, bytes: A, length: 61 },
      { time: 4_000_000_000_000_001_000n, bytes: B, length: 14 },
    ])
  })

  test('nanoseconds, in pieces of one byte', () => {
    const file = concat(pcapHeader(e, { magic: 0xa1b23c4d }), pcapRecord(e, 1, 999_999_999, A))
    expect(readAll(file, 1)).toEqual([{ time: 1_999_999_999n, bytes: A, length: 61 }])
  })

  test('a frame that was cut keeps its length', () => {
    const file = concat(pcapHeader(e), pcapRecord(e, 1, 0, B, 1500))
    expect(readAll(file)).toEqual([{ time: 1_000_000_000n, bytes: B, length: 1500 }])
  })

  test('check sequences are no part of frames', () => {
    const header = pcapHeader(e, { linkType: 0x24000001 })
    const cut = pcapRecord(e, 1, 0, A.subarray(0, 20), 61)
    expect(readAll(concat(header, pcapRecord(e, 1, 0, A), cut))).toEqual([
      { time: 1_000_000_000n, bytes: A.subarray(0, 57), length: 57 },
      { time: 1_000_000_000n, bytes: A.subarray(0, 20), length: 57 },
    ])
  })

  test('a header alone has no frames', () => expect(readAll(pcapHeader(e))).toEqual([]))
})

describe.each(ORDERS)('pcapng, %s', (_, e) => {
  test('a time is in microseconds unless its interface says otherwise', () => {
    const file = concat(
      section(e),
      described(e, 1, 0),
      described(e, 1, 0, option(e, 9, Uint8Array.of(9))),
      described(e, 1, 0, option(e, 2, new TextEncoder().encode('eth0')), option(e, 9, Uint8Array.of(0x80 | 10))),
      described(e, 1, 0, option(e, 9, Uint8Array.of(12)), option(e, 0, new Uint8Array())),
      described(e, 1, 0, option(e, 9, Uint8Array.of(0)), option(e, 14, e.i64(-5n))),
      enhanced(e, 0, 1_700_000_000_123_456n, A),
      enhanced(e, 1, 1_700_000_000_123_456_789n, A),
      enhanced(e, 2, 1024n * 3n + 512n, A),
      enhanced(e, 3, 7_000_000_001_999n, A),
      enhanced(e, 4, 20n, A),
    )
    expect(readAll(file).map(({ time }) => time)).toEqual([
      1_700_000_000_123_456_000n,
      1_700_000_000_123_456_789n,
      3_500_000_000n,
      7_000_000_001n,
      15_000_000_000n,
    ])
  })

  test('simple and obsolete packets, and options of packets', () => {
    const file = concat(
      section(e, option(e, 4, new TextEncoder().encode('a program'))),
      described(e, 1, 20),
      enhanced(
        e,
        0,
        5n,
        A.subarray(0, 20),
        61,
        option(e, 1, new TextEncoder().encode('a comment')),
        option(e, 0, B.subarray(0, 0)),
      ),
      block(e, 3, e.u32(61), padded(A.subarray(0, 20))),
      block(e, 2, e.u16(0), e.u16(3), e.u32(0), e.u32(9), e.u32(14), e.u32(14), padded(B)),
      block(e, 3, e.u32(14), padded(B)),
    )
    const cut = { bytes: A.subarray(0, 20), length: 61 }
    expect(readAll(file, 7)).toEqual([
      { time: 5_000n, ...cut },
      { time: 5_000n, ...cut },
      { time: 9_000n, bytes: B, length: 14 },
      { time: 9_000n, bytes: B, length: 14 },
    ])
  })

  test('blocks about other things are skipped, whatever their size', () => {
    const file = concat(
      section(e),
      block(e, 5, new Uint8Array(300_000)),
      described(e, 1, 0),
      block(e, 0x0bad, e.u32(1)),
      enhanced(e, 0, 1n, B),
      block(e, 4, new Uint8Array(0)),
    )
    for (const piece of [1, 4096, file.length])
      expect(readAll(file, piece)).toEqual([{ time: 1_000n, bytes: B, length: 14 }])
  })

  test('an interface with check sequences', () => {
    const file = concat(section(e), described(e, 1, 0, option(e, 13, Uint8Array.of(4))), enhanced(e, 0, 1n, A))
    expect(readAll(file)).toEqual([{ time: 1_000n, bytes: A.subarray(0, 57), length: 57 }])
  })
})

test('pcapng: sections have a byte order and interfaces of their own', () => {
  const file = concat(
    section(BIG),
    described(BIG, 1, 0),
    enhanced(BIG, 0, 1n, A),
    section(LITTLE),
    described(LITTLE, 1, 0, option(LITTLE, 9, Uint8Array.of(3))),
    enhanced(LITTLE, 0, 2n, B),
  )
  expect(readAll(file, 5).map(({ time }) => time)).toEqual([1_000n, 2_000_000n])
  const missing = concat(file, section(LITTLE), enhanced(LITTLE, 0, 3n, B))
  expect(() => readAll(missing)).toThrow(/byte 276: this frame came by interface 0, and the section describes 0/)
})

test('pcapng: an interface of another kind is in nobody’s way until a frame comes by it', () => {
  const start = concat(section(LITTLE), described(LITTLE, 113, 0), described(LITTLE, 1, 0), enhanced(LITTLE, 1, 1n, B))
  expect(readAll(start)).toHaveLength(1)
  expect(() => readAll(concat(start, enhanced(LITTLE, 0, 1n, B)))).toThrow(
    /test.pcap, byte 116: this frame came by interface 0, of link type 113 \(Linux cooked.*\n.*name one interface/,
  )
})

describe('what is refused', () => {
  const L = LITTLE
  const good = concat(pcapHeader(L), pcapRecord(L, 1, 0, B))
  const ng = concat(section(L), described(L, 1, 0), enhanced(L, 0, 1n, B))
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /^test.pcap, byte 0: the file is empty/],
    ['three bytes', good.subarray(0, 3), /byte 0: the file is too short/],
    ['half a header', good.subarray(0, 20), /byte 20: the file ends in its header/],
    ['text', new TextEncoder().encode('hello, world'), /byte 0: neither pcap nor pcapng starts with 68656c6c/],
    ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), /zstd -d/],
    ['version 3', concat(L.u32(0xa1b2c3d4), L.u16(3), new Uint8Array(18)), /byte 4: version 3/],
    ['Linux cooked', pcapHeader(L, { linkType: 113 }), /byte 20: .*Linux cooked.*\n.*-i eth0/],
    ['raw IP', pcapHeader(L, { linkType: 101 }), /raw IP.*\n.*--dlt=enet/],
    ['an unknown link type', pcapHeader(L, { linkType: 999 }), /link type 999 \(unknown here\)/],
    ['half a record header', good.subarray(0, 30), /byte 24: .*6 bytes of at least 16/],
    ['half a frame', good.subarray(0, 50), /byte 24: .*26 bytes of 30 are there/],
    ['an absurd record', concat(good, pcapRecord(L, 1, 0, B).fill(0xee)), /byte 54: this record says 4008636142 bytes/],
    ['an absurd length on the wire', concat(good, pcapRecord(L, 1, 0, B, 2 ** 31)), /byte 54: .*2147483648/],
    ['half a block', ng.subarray(0, -1), /byte 48: .*47 bytes of 48 are there/],
    ['half a block that is skipped', concat(ng, L.u32(5), L.u32(1000), L.u32(0)), /byte 96: .*12 bytes of 1000/],
    ['the start of a block', concat(ng, L.u32(6)), /byte 96: .*4 bytes of at least 12/],
    ['an odd block', concat(ng, L.u32(6), L.u32(33), new Uint8Array(25)), /byte 100: a block of type 6 cannot have 33/],
    ['a short block', concat(ng, L.u32(6), L.u32(16), new Uint8Array(8)), /byte 100: a block of type 6 cannot have 16/],
    [
      'a huge block',
      concat(ng, L.u32(6), L.u32(2 ** 31), new Uint8Array(8)),
      /byte 100: no block of type 6 has 2147483648/,
    ],
    ['two lengths', concat(ng.subarray(0, -4), L.u32(44)), /byte 48: .*one of 48 bytes and ends as one of 44/],
    ['two lengths, skipped', concat(ng, L.u32(5), L.u32(12), L.u32(16)), /byte 96: .*12 bytes and ends as one of 16/],
    ['no byte order', concat(ng, L.u32(0x0a0d0d0a), L.u32(28), new Uint8Array(20)), /byte 104: .*no byte order/],
    [
      'a frame longer than its block',
      concat(ng, block(L, 6, L.u32(0), L.u32(0), L.u32(0), L.u32(15), L.u32(15), new Uint8Array(12))),
      /byte 96: this block says 15 bytes of a frame of 15, and has room for 12/,
    ],
    [
      'an option longer than its block',
      concat(section(L), block(L, 1, L.u16(1), L.u16(0), L.u32(0), L.u16(2), L.u16(9))),
      /byte 44: an option of 9 bytes/,
    ],
  ])('%s', (_, file, message) => {
    expect(() => readAll(file)).toThrow(message)
    expect(() => readAll(file, 1)).toThrow(message)
  })

  test('frames before damage are given first', () => {
    const reader = new CaptureReader('test.pcap')
    const frames = reader.push(concat(good, new Uint8Array(16).fill(0xff)))
    expect(frames.next().value).toEqual({ time: 1_000_000_000n, bytes: B, length: 14 })
    expect(() => frames.next()).toThrow(/byte 54/)
  })
})

function write(format: CaptureFormat, frames: readonly CapturedFrame[]): { file: Uint8Array; pieces: Uint8Array[] } {
  const pieces: Uint8Array[] = []
  const writer = new CaptureWriter({ format, name: 'eth0', sink: (bytes) => void pieces.push(bytes.slice()) })
  for (const frame of frames) writer.write(frame)
  writer.flush()
  return { file: concat(...pieces), pieces }
}

/** Any frame that both formats can hold. */
const frame = fc
  .record({
    time: fc.bigInt({ min: 0n, max: 4_294_967_295_999_999_999n }),
    bytes: fc.uint8Array({ maxLength: 200 }),
    more: fc.nat({ max: 1500 }),
  })
  .map(({ time, bytes, more }): CapturedFrame => ({ time, bytes, length: bytes.length + more }))

describe.each<CaptureFormat>(['pcap', 'pcapng'])('%s, written and read', (format) => {
  test('gives the same frames, in pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.integer({ min: 1, max: 100 }), (frames, piece) => {
        expect(readAll(write(format, frames).file, piece)).toEqual(frames)
      }),
    )
  })

  test('damage anywhere is a refusal or other frames, never anything else', () => {
    const frames = Array.from({ length: 5 }, (_, index) => ({ time: BigInt(index), bytes: A, length: 61 }))
    const { file } = write(format, frames)
    fc.assert(
      fc.property(
        fc.nat({ max: file.length - 1 }),
        fc.nat({ max: 255 }),
        fc.nat({ max: file.length }),
        (at, byte, end) => {
          const damaged = file.slice(0, end)
          if (at < end) damaged[at] = byte
          try {
            readAll(damaged, 50)
          } catch (error) {
            expect(error).toMatchObject({ name: 'Refusal', message: expect.stringMatching(/^test.pcap, byte \d+: /) })
          }
        },
      ),
    )
  })

  test('every piece ends with a whole record, also of frames longer than the buffer', () => {
    const frames = [1400, 70_000, 9000, 60, 1400].flatMap((length, time) =>
      Array.from({ length: length > 9000 ? 2 : 30 }, () => ({
        time: BigInt(time),
        bytes: new Uint8Array(length).fill(time),
        length,
      })),
    )
    const { pieces } = write(format, frames)
    expect(pieces.length).toBeGreaterThan(4)
    for (let count = 1; count <= pieces.length; count++)
      expect(readAll(concat(...pieces.slice(0, count))).length).toBeLessThanOrEqual(frames.length)
    const brief = ({ time, bytes, length }: CapturedFrame) => [time, bytes.length, bytes.at(-1), length]
    expect(readAll(concat(...pieces)).map(brief)).toEqual(frames.map(brief))
  })
})
