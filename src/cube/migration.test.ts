import { expect, test } from 'vitest'
import { z } from 'zod'
import { encodeStruct } from '../lang/codec.ts'
import { cell, hash, ipv4, lpmTrie, mac, perCpuHash, struct, u16, u32, u64 } from '../lang/index.ts'
import { control } from './control.ts'
import { defineCube } from './define.ts'
import { from } from './migration.ts'

const cube = defineCube('moved', {
  summary: 'an example',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    stations: hash({ key: { address: mac }, value: { port: u32, seen: u64 }, entries: 4 }),
    total: cell({ value: { packets: u64 } }),
    routes: lpmTrie({ key: { to: ipv4 }, value: { port: u32 }, entries: 4 }),
    senders: perCpuHash({ key: { address: mac }, value: { packets: u64 }, entries: 4 }),
  },
  drops: {},
})

const stations = hash({ key: { address: mac }, value: { port: u16 }, entries: 4 })

const { migrate = {} } = control(cube, {
  views: {},
  migrate: {
    stations: [
      from(stations, ({ key, value }) => (value.port === 0 ? undefined : { key, value: { ...value, seen: 7n } })),
    ],
    total: [
      from(cell({ value: { packets: u32 } }), ({ key, value }) => ({ key, value: { packets: BigInt(value.packets) } })),
    ],
    routes: [from(lpmTrie({ key: { to: ipv4 }, value: { port: u16 }, entries: 4 }), (entry) => entry)],
    senders: [
      from(perCpuHash({ key: { address: mac }, value: { packets: u32 }, entries: 4 }), ({ key, value }) => ({
        key,
        value: value.map(({ packets }) => ({ packets: BigInt(packets) })),
      })),
    ],
  },
})

const [address] = [struct('key', { address: mac })]
const key = encodeStruct(address, { address: '02:00:00:00:00:01' })
const port = (value: number) => encodeStruct(stations.value, { port: value })

test('an entry of then becomes one of now, or none', () => {
  const convert = migrate.stations?.[0]?.convert
  expect(convert?.(cube.state.stations, key, port(3))).toEqual([
    key,
    encodeStruct(cube.state.stations.value, { port: 3, seen: 7n }),
  ])
  expect(convert?.(cube.state.stations, key, port(0))).toBeUndefined()
})

test('prefixes keep their length', () => {
  // 24 bits of 10.1.2.0, filled up to what values of 2 bytes are aligned to, and then to 4.
  const prefix = Uint8Array.of(24, 0, 0, 0, 10, 1, 2, 0)
  expect(migrate.routes?.[0]?.convert(cube.state.routes, prefix, Uint8Array.of(5, 0))).toEqual([
    prefix,
    Uint8Array.of(5, 0, 0, 0),
  ])
})

test('values of CPUs stay apart', () => {
  const each = (...packets: number[]) => new Uint8Array(new BigUint64Array(packets.map(BigInt)).buffer)
  expect(migrate.senders?.[0]?.convert(cube.state.senders, key, each(1, 2, 3))).toEqual([key, each(1, 2, 3)])
})

test('tsc knows both layouts', () => {
  control(cube, {
    views: {},
    migrate: {
      // @ts-expect-error: there is no such table
      none: [from(stations, () => undefined)],
      // @ts-expect-error: the new value has `seen`
      stations: [from(stations, ({ key, value }) => ({ key, value }))],
      // @ts-expect-error: the old value has no `packets`
      total: [from(stations, ({ value }) => ({ key: { index: 0 }, value: { packets: value.packets } }))],
    },
  })
})
