import { expect, test } from 'vitest'
import {
  array,
  cell,
  hash,
  locked,
  lpmTrie,
  lruHash,
  perCpuArray,
  perCpuHash,
  perCpuLruHash,
  queue,
  ring,
  swappable,
} from './maps.ts'
import { portFields } from './port-fields.ts'
import { ipv4, list, mac, portId, type Type, u8, u16, u32 } from './types.ts'

const value = { port: portId }
const key = { address: mac }
const entries = 4

test('a port’s number lies where a u16 does, under its name', () => {
  const [one, other] = [portId, u16].map((port: Type) => hash({ key: { kind: u8, port }, value: { port }, entries }))
  expect(one?.key.layout).toEqual(other?.key.layout)
  expect(one?.value.layout).toEqual(other?.value.layout)
  expect(portId(0x1_0002)).toBe(2)
})

test('ports’ numbers are found in keys and values, in lists and in structs of lists', () => {
  const table = hash({
    key: { kind: u32, port: portId },
    value: { ports: list(portId, 2), number: u16, paths: list({ weight: u8, port: portId }, 2) },
    entries,
  })
  expect(portFields(table)).toEqual([
    { in: 'key', offset: 4, order: 'host' },
    ...[0, 2, 8, 12].map((offset) => ({ in: 'value', offset, order: 'host' })),
  ])
  const routes = lpmTrie({ key: { port: portId, destination: ipv4 }, value, entries })
  expect(portFields(routes)).toEqual([
    // Behind the length of the prefix.
    { in: 'key', offset: 4, order: 'network' },
    { in: 'value', offset: 0, order: 'host' },
  ])
  expect(portFields(locked(hash({ key, value, entries })))).toHaveLength(1)
  expect(portFields(perCpuHash({ key: value, value: { packets: u32 }, entries }))).toHaveLength(1)
  expect(portFields(lruHash({ key, value: { port: u16 }, entries }))).toEqual([])
})

test.each<[string, () => unknown, RegExp]>([
  [
    'an array',
    () => array({ value, entries }),
    /^value.port: an array has no entries that could go with a port; take a hash, or u16/,
  ],
  [
    'an array, in a list',
    () => array({ value: { all: list(value, 3) }, entries }),
    /^value.all\[0\].port: an array has no/,
  ],
  ['an array for each CPU', () => perCpuArray({ value, entries }), /^value.port: a percpu array has no entries/],
  ['a cell', () => cell({ value }), /^value.port: a cell has no entries/],
  ['a queue', () => queue({ value, entries }), /^value.port: a queue has no entries/],
  ['a ring', () => ring({ value, bytes: 4096 }), /^value.port: a ringbuf has no entries/],
  [
    'a value for each CPU',
    () => perCpuHash({ key, value, entries }),
    /^value.port: values of CPUs that wrote none are zero/,
  ],
  ['one of an LRU table', () => perCpuLruHash({ key, value, entries }), /^value.port: values of CPUs/],
  ['a prefix', () => lpmTrie({ key: value, value: key, entries }), /^key.port: portId has no prefixes/],
  [
    'a table that is swapped',
    () => swappable(hash({ key, value, entries })),
    /^value.port: .* its control plane’s to replace/,
  ],
  [
    'the key of one',
    () => swappable(hash({ key: value, value: key, entries })),
    /^key.port: .* its control plane’s to replace/,
  ],
])('a port’s number is refused in %s', (_, make, says) => {
  expect(make).toThrow(says)
})
