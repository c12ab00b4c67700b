import { join } from 'node:path'
import { expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import type { octets } from './cubes/octets/dataplane.ts'

const BYTES = Uint8Array.from({ length: 28 }, (_, at) => (at * 83 + 0x9b) & 0xff)
const number = (from: number, to: number): bigint =>
  BYTES.subarray(from, to).reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
const turned = (from: number, to: number): bigint =>
  BYTES.subarray(from, to).reduceRight((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
const octet = (at: number): bigint => BigInt(BYTES[at] ?? 0)

onEveryMachine('numbers put together of octets', (openLab) => {
  test('are what the octets say', async () => {
    using lab = await openLab<typeof octets>({ cube: join(import.meta.dirname, 'cubes/octets'), ports: { a: {} } })
    lab.send(
      'a',
      packet()
        .ethernet({ type: 0x88b5 })
        .payload(concat(BYTES, new Uint8Array(20)))
        .bytes(),
    )
    expect(lab.table('answers').get()).toEqual({
      upper: number(0, 8),
      lower: number(8, 16),
      turned: turned(0, 8),
      first: Number(number(0, 4)),
      second: Number(number(4, 8)),
      third: Number(turned(8, 12)),
      mixed: (number(4, 8) << 32n) | 0x01020304n,
      doubled: number(0, 4) + (octet(1) << 16n),
      wrapped: number(1, 5),
      mapped: `::ffff:${Number(number(16, 18)).toString(16)}:${Number(number(18, 20)).toString(16)}`,
      again: turned(20, 28),
    })
  })
})
