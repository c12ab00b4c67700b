import { afterEach, expect, test } from 'vitest'
import { mapBtf } from '../isa/btf.ts'
import type { Layout } from '../isa/layout.ts'
import { MAP_TYPE } from '../isa/opcodes.ts'
import type { MapDescription, MapKind } from '../isa/program.ts'
import { createMap, loadBtf } from './bpf.ts'
import { close } from './ffi.ts'
import { bytes32, bytes64, describeKernel, scratch, u32, u64 } from './fixtures.ts'
import { openKernelMachine } from './machine.ts'
import { KernelMap, possibleCpus } from './maps.ts'
import { pinned, unpin } from './pins.ts'

const station: Layout = {
  kind: 'struct',
  size: 8,
  align: 2,
  fields: [
    { name: 'vlan', offset: 0, layout: { kind: 'scalar', size: 2, signed: false, align: 2 } },
    { name: 'mac', offset: 2, layout: { kind: 'bytes', role: 'mac', size: 6, align: 1 } },
  ],
}

const describeMap = (kind: MapKind, entries: number, key: Layout = u32, value: Layout = u64): MapDescription => ({
  kind,
  key,
  value,
  entries,
})

describeKernel('maps of the kernel', () => {
  const open: KernelMap[] = []
  const create = (description: MapDescription) => {
    const map = KernelMap.create('test', description)
    open.push(map)
    return map
  }

  afterEach(() => {
    for (const map of open.splice(0)) map[Symbol.dispose]()
    for (const path of pinned(scratch('maps'))) unpin(path)
  })

  test.each(['hash', 'lru_hash'] as const)('%s: what is written is read, and what is deleted is gone', (kind) => {
    const map = create(describeMap(kind, 8))
    expect(map.lookup(bytes32(1))).toBeUndefined()
    map.update(bytes32(1), bytes64(11n))
    map.update(bytes32(1), bytes64(12n))
    expect(map.lookup(bytes32(1))).toEqual(bytes64(12n))
    expect(map.delete(bytes32(1))).toBe(true)
    expect(map.delete(bytes32(1))).toBe(false)
    expect(map.lookup(bytes32(1))).toBeUndefined()
  })

  test('array: every index is there from the start', () => {
    const map = create(describeMap('array', 3))
    map.update(bytes32(2), bytes64(7n))
    expect(map.entries()).toEqual([
      [bytes32(0), bytes64(0n)],
      [bytes32(1), bytes64(0n)],
      [bytes32(2), bytes64(7n)],
    ])
    expect(map.lookup(bytes32(3))).toBeUndefined()
  })

  test('percpu_array: a lookup has the value of every CPU, and an update takes as many', () => {
    const map = create(describeMap('percpu_array', 2, u32, { ...u32 }))
    const values = new Uint8Array(8 * possibleCpus())
    for (let cpu = 0; cpu < possibleCpus(); cpu++) values.set(bytes32(cpu + 5), cpu * 8)
    map.update(bytes32(1), values)
    expect(map.lookup(bytes32(1))).toEqual(values)
    expect(map.entries()).toEqual([
      [bytes32(0), new Uint8Array(values.length)],
      [bytes32(1), values],
    ])
  })

  test('entries: all of a map of many batches, each once', () => {
    const count = 10_000
    const map = create(describeMap('hash', count))
    for (let i = 0; i < count; i++) map.update(bytes32(i), bytes64(BigInt(i) * 3n))
    const read = new Map(
      map.entries().map(([key, value]) => {
        const number = new DataView(key.buffer, key.byteOffset).getUint32(0, true)
        return [number, new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)]
      }),
    )
    expect(map.entries()).toHaveLength(count)
    expect(read.size).toBe(count)
    expect([...read].every(([key, value]) => value === BigInt(key) * 3n)).toBe(true)
  })

  test('entries of an empty map', () => {
    expect(create(describeMap('hash', 4)).entries()).toEqual([])
  })

  test.each([
    {
      what: 'a full map',
      run: () => {
        const map = create(describeMap('hash', 1))
        map.update(bytes32(1), bytes64(1n))
        map.update(bytes32(2), bytes64(2n))
      },
      says: /write the entry 02000000 of the map "test": E2BIG .*\n.*declare more entries/,
    },
    {
      what: 'an index past the end',
      run: () => create(describeMap('array', 1)).update(bytes32(1), bytes64(1n)),
      says: /E2BIG/,
    },
    {
      what: 'deleting from an array',
      run: () => create(describeMap('array', 1)).delete(bytes32(0)),
      says: /EINVAL .*\n.*write zeros instead/,
    },
    {
      what: 'a key of the wrong size',
      run: () => create(describeMap('hash', 1)).lookup(bytes64(1n)),
      says: /a key of the map "test" has 4 bytes, not 8/,
    },
    {
      what: 'a value of the wrong size',
      run: () => create(describeMap('hash', 1)).update(bytes32(1), bytes32(1)),
      says: /a value of the map "test" has 8 bytes, not 4/,
    },
    { what: 'no entries', run: () => create(describeMap('hash', 0)), says: /create the map "test": EINVAL/ },
    {
      what: 'too many entries',
      run: () => create(describeMap('hash', 2 ** 31)),
      says: /create the map "test": (E2BIG|ENOMEM|EINVAL)/,
    },
    {
      what: 'a map that was disposed',
      run: () => {
        const map = create(describeMap('hash', 1))
        map[Symbol.dispose]()
        map.lookup(bytes32(1))
      },
      says: /the map "test" was disposed before/,
    },
  ])('$what is refused', ({ run, says }) => {
    expect(run).toThrow(says)
  })

  test('a pinned map is found again with its entries, and only under the same description', () => {
    const path = `${scratch('maps')}/stations`
    const description = describeMap('lru_hash', 16, station)
    const key = Uint8Array.of(1, 0, 2, 0, 0, 0, 0, 9)
    const machine = openKernelMachine()
    const map = machine.createMap('stations', description)
    map.update(key, bytes64(3n))
    map.pin(path)
    map[Symbol.dispose]()

    expect(machine.openMap(path, description)?.lookup(key)).toEqual(bytes64(3n))
    for (const other of [
      { ...description, kind: 'hash' as const },
      { ...description, entries: 17 },
      { ...description, value: u32 },
      { ...description, key: u64, value: u32 },
    ]) {
      expect(machine.openMap(path, other)).toBeUndefined()
    }
    expect(machine.openMap(`${path}2`, description)).toBeUndefined()
    expect(machine.openMap(scratch('maps'), description)).toBeUndefined()
    machine[Symbol.dispose]()
  })

  test('bit fields, nested structs and gaps make BTF that the kernel takes', () => {
    const nested: Layout = {
      kind: 'struct',
      size: 24,
      align: 8,
      fields: [
        { name: 'flags', offset: 0, layout: { ...u32 }, bits: { shift: 0, width: 3 } },
        { name: 'count', offset: 0, layout: { ...u32 }, bits: { shift: 3, width: 29 } },
        { name: 'where', offset: 8, layout: station },
        { name: '64 bits', offset: 16, layout: { kind: 'scalar', size: 8, signed: true, align: 8 } },
      ],
    }
    expect(mapBtfIsTaken(describeMap('hash', 1, nested, nested))).toBe(true)
    expect(mapBtfIsTaken(describeMap('array', 1, u32, nested))).toBe(true)
    expect(mapBtfIsTaken(describeMap('percpu_array', 1, { kind: 'struct', size: 4, align: 4, fields: [] }))).toBe(true)
  })
})

/** With types whose sizes disagree with the map's, BPF_MAP_CREATE itself is EINVAL. */
function mapBtfIsTaken(description: MapDescription): boolean {
  const { btf, key, value } = mapBtf(description)
  const fd = loadBtf(btf)
  if (fd < 0) return false
  const sizes = { keySize: description.key.size, valueSize: description.value.size, entries: description.entries }
  const map = createMap('test', { type: MAP_TYPE[description.kind], ...sizes }, { fd, key, value })
  close(fd)
  if (map >= 0) close(map)
  return map >= 0
}
