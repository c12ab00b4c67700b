import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { concat, viewOf } from '../src/base/bytes.ts'
import { encodeStruct } from '../src/lang/codec.ts'
import { FARTHEST, PROTOCOL } from '../src/lang/index.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { Extension, Order, type offsets } from './cubes/offsets/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/offsets')

/** A packet of 200 bytes that counts, but for the order in it. */
const order = (offset: number, times = 0) => {
  const bytes = packet().ethernet().payload(186).bytes()
  bytes.set(encodeStruct(Order, { offset, times }), 14)
  return bytes
}

/** Extension headers, of so many octets each, and what comes after them. */
const extended = (sizes: readonly number[], kinds: readonly number[] = sizes.map(() => 60)) => {
  const tcp = packet().ethernet().ipv6().tcp({ destinationPort: 443 }).bytes().subarray(54)
  const extensions = sizes.map((size, index) => {
    const bytes = new Uint8Array(size)
    bytes.set(encodeStruct(Extension, { nextHeader: kinds[index + 1] ?? PROTOCOL.tcp, length: size / 8 - 1 }))
    return bytes
  })
  const nextHeader = kinds[0] ?? PROTOCOL.tcp
  return packet()
    .ethernet()
    .ipv6({ nextHeader })
    .payload(concat(...extensions, tcp))
    .bytes()
}

onEveryMachine('reads at computed offsets', (openLab, machine) => {
  // The kernel decides by itself what is in the first part.
  describe.each(machine === 'vm' ? [1500, 64, 30, 14] : [1500])(
    'of packets with up to %i bytes in their first part',
    (linear) => {
      const open = () => openLab<typeof offsets>({ cube, ports: { a: {} }, linear })
      const drops = (lab: Awaited<ReturnType<typeof open>>) =>
        Object.fromEntries(
          Object.entries(lab.counters('a').drops).map(([reason, { packets }]) => [reason, Number(packets)]),
        )

      test.each([
        0,
        1,
        13,
        14,
        100,
        195,
        196,
        197,
        199,
        200,
        201,
        32766,
        FARTHEST,
        FARTHEST + 1,
        0xffff,
        0x10000,
        0x10014,
        0x7fffffff,
        0x80000000,
        0xfffffffe,
        0xffffffff,
      ])('what is %i bytes into 200 bytes', async (offset) => {
        using lab = await open()
        const frame = order(offset)
        lab.send('a', frame)
        const isThere = offset + 4 <= frame.length
        expect(drops(lab)).toEqual(isThere ? { seen: 1 } : { absent: 1 })
        expect(lab.table('seen').get({ index: 0 })?.word).toBe(isThere ? viewOf(frame).getUint32(offset) : 0)
      })

      test.each([
        [20, 64],
        [190, 64],
        [199, 1],
        [200, 5],
        [0xffff_fff0, 20],
      ])('a scan from %i on, %i bytes far', async (offset, times) => {
        using lab = await open()
        const frame = order(offset, times)
        lab.send('a', frame)
        const scanned = frame.subarray(Math.min(offset, frame.length), offset + times)
        // An offset wraps like every u32.
        const wrapped = offset > 0xffff ? new Uint8Array() : scanned
        expect(lab.table('seen').get({ index: 0 })).toMatchObject({
          count: wrapped.length,
          sum: wrapped.reduce((sum, octet) => sum + octet, 0),
        })
      })

      test.each([0, 4, 8, 40])(
        'TCP behind %i bytes of IPv4 options, and its payload behind as many of its own',
        async (size) => {
          using lab = await open()
          const options = new Uint8Array(size)
          const built = packet().ethernet().ipv4({ options }).tcp({ destinationPort: 8080, options })
          lab.send('a', built.payload('x').bytes())
          expect(drops(lab)).toEqual({ seen: 1 })
          expect(lab.table('seen').get({ index: 0 })).toMatchObject({ port: 8080, word: 'x'.charCodeAt(0) })
          lab.send('a', built.bytes().subarray(0, 14 + 20 + size + 19))
          expect(drops(lab)).toEqual({ seen: 1, absent: 1 })
        },
      )

      test.each([[[]], [[8]], [[8, 16]], [[1400]], [[8, 8, 8, 8, 8, 8, 8, 8]], [[1000, 8, 256, 64]]])(
        'TCP behind extension headers of %j octets',
        async (sizes) => {
          using lab = await open()
          const frame = extended(sizes)
          lab.send('a', frame.subarray(0, -1))
          expect(drops(lab)).toEqual({ absent: 1 })
          lab.send('a', frame)
          expect(drops(lab)).toEqual({ absent: 1, seen: 1 })
          expect(lab.table('seen').get({ index: 0 })).toMatchObject({ port: 443, count: sizes.length })
        },
      )
    },
  )
})
