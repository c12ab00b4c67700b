import { expect, test } from 'vitest'
import { alignUp, viewOf } from '../../base/bytes.ts'
import { Refusal } from '../../base/diagnostic.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu64, call, jump, label, loadMap, mov, type Step, store } from '../assemble.ts'
import type { LoadedProgram, Machine, MachineMap } from '../machine.ts'
import { bodied, FRAME_LENGTH, frameOf, put, take, valueIn } from './frame.ts'
import { mapOf, value } from './layouts.ts'

const EAGAIN = -11n
const BYTES = 4096
const ROOM = 16

const ring: MapDescription = { ...mapOf('ringbuf', BYTES), key: { kind: 'struct', size: 0, align: 1, fields: [] } }

/** The value from the packet (position 0) as a record of `size` bytes, the helper's result to position 1. */
const emitting = (size = 8): Program =>
  bodied(
    'emit',
    [
      take('r8', 0),
      store(8, 'r10', -8, 'r8'),
      loadMap('r1', 'ring'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -8),
      mov('r3', size),
      mov('r4', 0),
      call('ringbuf_output'),
      put(1, 'r0'),
    ],
    { maps: { ring }, stack: 8 },
  )

/** `steps` with r8 = a record of this length; nothing where there is no room. */
const reserved = (length: number, steps: readonly Step[]): Program =>
  bodied(
    'reserve',
    [
      loadMap('r1', 'ring'),
      mov('r2', length),
      mov('r3', 0),
      call('ringbuf_reserve'),
      jump('jeq', 'r0', 0, 'full'),
      mov('r8', 'r0'),
      ...steps,
      label('full'),
    ],
    { maps: { ring } },
  )

const submitting: Step = [mov('r1', 'r8'), mov('r2', 0), call('ringbuf_submit')]

/** The packet's first bytes as a record, the result of loading them to position 1. */
const reserving = (length: number): Program =>
  reserved(length, [
    mov('r1', 'r6'),
    mov('r2', 0),
    mov('r3', 'r8'),
    mov('r4', length),
    call('skb_load_bytes'),
    put(1, 'r0'),
    submitting,
  ])

const emit = (program: LoadedProgram, number: bigint): bigint =>
  BigInt.asIntN(64, valueIn(program.run(frameOf(number)).packet, 1))
const numbers = (map: MachineMap): bigint[] => map.consume().map((record) => viewOf(record).getBigUint64(0, true))

export function ringSuite(open: () => Machine): void {
  test('records come out once, in their order', () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(emitting(), { ring: map })
    expect(map.consume()).toEqual([])
    for (const number of [1n, 2n, 3n]) expect(emit(program, number)).toBe(0n)
    expect(map.consume()).toEqual([1n, 2n, 3n].map(value))
    expect(map.consume()).toEqual([])
  })

  test.each([
    ['all of it', FRAME_LENGTH, 0n],
    ['more than all of it', FRAME_LENGTH + 1, -14n],
  ])('a record can be reserved, and given the packet: %s', (_, length, result) => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(reserving(length), { ring: map })
    const frame = frameOf(1n)
    const { packet } = program.run(frame)
    expect(BigInt.asIntN(64, valueIn(packet, 1))).toBe(result)
    expect(map.consume()).toEqual([result === 0n ? frame : new Uint8Array(length)])
    for (let i = 0; i < Math.floor((BYTES - 1) / alignUp(8 + length, 8)); i++) program.run(frame)
    map.consume()
    for (let i = 0; i < 50; i++) program.run(frame)
    expect(map.consume()).toHaveLength(Math.floor((BYTES - 1) / alignUp(8 + length, 8)))
  })

  test.each<[string, readonly Step[]]>([
    ['that was not reserved', [mov('r1', 'r7'), mov('r2', 0), call('ringbuf_submit')]],
    ['twice', [submitting, submitting]],
    ['never', []],
  ])('no program submits a record %s', (_, steps) => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    // The kernel sees it when it loads, the VM when it runs.
    const attempt = () => {
      using program = machine.load(reserved(16, steps), { ring: map })
      program.run(frameOf(1n))
    }
    expect(attempt).toThrow(Refusal)
  })

  test('records have their own lengths', () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(emitting(3), { ring: map })
    emit(program, 0x0403_0201n)
    expect(map.consume()).toEqual([Uint8Array.of(1, 2, 3)])
  })

  test('a full ring takes nothing until something was taken out, and goes round and round', () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(emitting(), { ring: map })
    const fit = BYTES / ROOM - 1
    for (let round = 0n; round < 3n; round++) {
      for (let i = 0; i < fit; i++) expect(emit(program, round + BigInt(i))).toBe(0n)
      expect(emit(program, 99n)).toBe(EAGAIN)
      expect(numbers(map)).toEqual(Array.from({ length: fit }, (_, i) => round + BigInt(i)))
    }
  })

  test('what was not consumed is there for the next one who opens it', () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(emitting(), { ring: map })
    map.pin('suite/ring')
    try {
      emit(program, 1n)
      numbers(map)
      emit(program, 2n)
      using again = machine.openMap('suite/ring', ring)
      expect(again && numbers(again)).toEqual([2n])
      expect(numbers(map)).toEqual([])
    } finally {
      machine.unpin('suite/ring')
    }
  })

  test('whoever watches is told, of what is there already too', async () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(emitting(), { ring: map })
    emit(program, 1n)
    const seen: bigint[] = []
    let enough = () => {}
    using _watch = map.watch(() => {
      seen.push(...numbers(map))
      enough()
    })
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        enough = () => seen.length >= count && resolve()
        enough()
      })
    await until(1)
    for (const number of [2n, 3n]) emit(program, number)
    await until(3)
    emit(program, 4n)
    await until(4)
    expect(seen).toEqual([1n, 2n, 3n, 4n])
  })

  test('nobody is told after the watch has ended', async () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    using program = machine.load(emitting(), { ring: map })
    const told: string[] = []
    const first = map.watch(() => told.push('first'))
    emit(program, 1n)
    first[Symbol.dispose]()
    await new Promise<void>((resolve) => {
      const second = map.watch(() => {
        second[Symbol.dispose]()
        resolve()
      })
    })
    expect(told).toEqual([])
  })

  test('has nothing but records', () => {
    using machine = open()
    using map = machine.createMap('ring', ring)
    const none = new Uint8Array()
    expect(() => map.lookup(none)).toThrow(Refusal)
    expect(() => map.update(none, value(1n))).toThrow(Refusal)
    expect(() => map.delete(none)).toThrow(Refusal)
    expect(() => map.entries()).toThrow(Refusal)
    expect(() => map.pop()).toThrow(Refusal)
    using other = machine.createMap('entries', mapOf('hash', 2))
    expect(() => other.consume()).toThrow(Refusal)
    expect(() => other.watch(() => {})).toThrow(Refusal)
  })

  test.each([0, 100, 5000])('refuses a ring of %i bytes', (entries) => {
    using machine = open()
    expect(() => machine.createMap('ring', { ...ring, entries })).toThrow(Refusal)
  })
}
