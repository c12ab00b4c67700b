import { join } from 'node:path'
import { expect, test } from 'vitest'
import { concat } from '../src/base/bytes.ts'
import { encodeStruct } from '../src/lang/codec.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { Address, Message, type names, Question, Record } from './cubes/names/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/names')

const A = 1
const ALIAS = 5

const encoded = (name: string) =>
  concat(...name.split('.').map((label) => Uint8Array.of(label.length, ...Buffer.from(label))), Uint8Array.of(0))

/** As dataplane.ts tells names apart. */
const hashOf = (name: string): number => {
  const [first, ...others] = [...Buffer.from(`.${name.toLowerCase()}`)]
  return [first ?? 0, ...others].reduce((hash, byte) => Math.imul(hash ^ byte, 16777619) >>> 0, 2166136261)
}

const record = (name: Uint8Array, type: number, life: number, data: Uint8Array) =>
  concat(name, encodeStruct(Record, { type, class: 1, life, length: data.length }), data)

const message = (
  name: string,
  records: readonly Uint8Array[],
  question = encodeStruct(Question, { type: A, class: 1 }),
) =>
  concat(
    encodeStruct(Message, {
      id: 7,
      response: 1,
      opcode: 0,
      flags: 0,
      code: 0,
      questions: 1,
      answers: records.length,
      authorities: 0,
      additionals: 0,
    }),
    encoded(name),
    question,
    ...records,
  )

const sent = (payload: Uint8Array) => packet().ethernet().ipv4().udp({ sourcePort: 53 }).payload(payload).bytes()

onEveryMachine('names at offsets that are computed byte by byte', (openLab) => {
  test('are read to their end, and so is what comes after them', async () => {
    using lab = await openLab<typeof names>({ cube, ports: { a: {} } })
    const name = 'wWw.Example.org'
    const pointer = Uint8Array.of(0xc0, 12)
    const alias = record(pointer, ALIAS, 60, encoded('elsewhere.example.org'))
    const first = record(encoded('elsewhere.example.org'), A, 300, encodeStruct(Address, { address: '192.0.2.1' }))
    const second = record(pointer, A, 301, encodeStruct(Address, { address: '192.0.2.2' }))
    lab.send('a', sent(message(name, [alias, first, second])))
    expect(lab.table('asked').get({ name: hashOf(name) })).toEqual({ labels: 3, type: A })
    expect(lab.table('answered').get({ address: '192.0.2.1' })).toEqual({ name: hashOf(name), life: 300 })
    expect(lab.table('answered').get({ address: '192.0.2.2' })).toEqual({ name: hashOf(name), life: 301 })
  })

  test('are no names where they do not end, and nothing comes after them where the packet ends', async () => {
    using lab = await openLab<typeof names>({ cube, ports: { a: {} } })
    const long = Array.from({ length: 11 }, () => 'a').join('.')
    const endless = Array.from({ length: 70 }, () => 'a').join('.')
    for (const name of [long, endless]) lab.send('a', sent(message(name, [])))
    lab.send('a', sent(message('short', [], new Uint8Array(0))))
    for (const name of [long, endless, 'short']) expect(lab.table('asked').get({ name: hashOf(name) })).toBeUndefined()
  })
})
