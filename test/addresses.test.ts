import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeStruct } from '../src/lang/codec.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { type addresses, Question } from './cubes/addresses/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/addresses')

const asked = { four: '10.255.170.85', six: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', hardware: 'ff:ff:ff:ff:ff:ff' }
const frame = (question: object, source = '02:00:00:00:00:09') =>
  packet()
    .ethernet({ source, type: 0x88b5 })
    .payload(encodeStruct(Question, { ...asked, length: 0, number: 0, ...question }))
    .bytes()

onEveryMachine('addresses', (openLab) => {
  const open = (config = {}) => openLab<typeof addresses>({ cube, ports: { a: {} }, config })
  const answersTo = async (question: object, source?: string, config = {}) => {
    using lab = await open(config)
    lab.send('a', frame(question, source))
    expect(Object.keys(lab.counters('a').drops)).toEqual(['answered'])
    return { ...lab.table('answers').get(), routes: lab.table('routes').entries() }
  }

  test.each([
    [0, { four: '0.0.0.0', six: '::', hardware: '00:00:00:00:00:00' }],
    [1, { four: '0.0.0.0', six: '8000::', hardware: '80:00:00:00:00:00' }],
    [9, { four: '10.128.0.0', six: 'ff80::', hardware: 'ff:80:00:00:00:00' }],
    [31, { four: '10.255.170.84', six: 'ffff:fffe::', hardware: 'ff:ff:ff:fe:00:00' }],
    [32, { four: '10.255.170.85', six: 'ffff:ffff::', hardware: 'ff:ff:ff:ff:00:00' }],
    [37, { four: '0.0.0.0', six: 'ffff:ffff:f800::', hardware: 'ff:ff:ff:ff:f8:00' }],
    [48, { four: '0.0.0.0', six: 'ffff:ffff:ffff::', hardware: 'ff:ff:ff:ff:ff:ff' }],
    [64, { four: '0.0.0.0', six: 'ffff:ffff:ffff:ffff::', hardware: '00:00:00:00:00:00' }],
    [65, { four: '0.0.0.0', six: 'ffff:ffff:ffff:ffff:8000::', hardware: '00:00:00:00:00:00' }],
    [127, { four: '0.0.0.0', six: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', hardware: '00:00:00:00:00:00' }],
    [128, { four: '0.0.0.0', six: asked.six, hardware: '00:00:00:00:00:00' }],
  ])('are masked to %d bits, and the result is a key', async (length, expected) => {
    const { four, six, hardware, routes } = await answersTo({ length })
    expect({ four, six, hardware }).toEqual(expected)
    expect(routes).toEqual([[{ net: expected.six, length }, { hits: 1n }]])
  })

  test('become others, octet by octet', async () => {
    const answers = await answersTo({ hardware: '02:11:22:33:44:55', four: '239.129.2.3' })
    expect(answers.interface).toBe('fe80::11:22ff:fe33:4455')
    expect(answers.group).toBe('01:00:5e:01:02:03')
  })

  test('are numbers and back', async () => {
    const answers = await answersTo({ hardware: '02:11:22:33:44:ff', four: '10.0.255.255', number: 2 })
    expect(answers).toMatchObject({
      next: '10.1.0.0',
      number: 0x0a00ffff,
      wide: 0x0211223344ffn,
      back: '02:11:22:33:45:01',
    })
  })

  test.each([
    ['one of a constant list', {}, '02:00:00:00:00:02', {}, 1],
    ['that of the configuration', { four: '10.9.9.9' }, undefined, { gateway: '10.9.9.9' }, 4],
    ['a literal', { six: 'fd00::1' }, undefined, {}, 8],
    ['none of them', { six: 'fd00::2' }, undefined, {}, 0],
  ])('are compared with %s', async (_, question, source, config, known) => {
    expect(await answersTo(question, source, config)).toMatchObject({ known })
  })

  test.each([
    ['10.1.2.3', 'fd00:0:f123::1', 2, 1],
    ['11.1.2.3', 'fd00:0:e123::1', 0, 0],
    ['172.31.255.255', 'fd00:0:ffff::1', 1, 1],
    ['172.32.0.0', 'fd00:1:f000::1', 0, 0],
  ])('%s and %s are in prefixes, or not', async (four, six, inside, sixInside) => {
    expect(await answersTo({ four, six })).toMatchObject({ inside, sixInside })
  })
})
