/** Random operations on a map, by programs and by the control plane: both machines give the same answers. */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  alu64,
  call,
  jump,
  label,
  load,
  loadMap,
  mov,
  type Register,
  type Step,
  store,
} from '../src/backend/assemble.ts'
import type { LoadedProgram, Machine, MachineMap } from '../src/backend/machine.ts'
import { bodied, FRAME_LENGTH } from '../src/backend/suite/frame.ts'
import { toHex, viewOf } from '../src/base/bytes.ts'
import { Refusal } from '../src/base/diagnostic.ts'
import type { Layout } from '../src/isa/layout.ts'
import type { HelperName } from '../src/isa/opcodes.ts'
import type { MapDescription, MapKind } from '../src/isa/program.ts'
import { describeKernel } from '../src/kernel/fixtures.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'

const u8: Layout = { kind: 'scalar', size: 1, signed: false, align: 1 }
const u32: Layout = { kind: 'scalar', size: 4, signed: false, align: 4 }
const bytes = (length: number): Layout => ({ kind: 'list', element: u8, length, size: length, align: 1 })

/** No multiple of anything, so that what is beside a value would be seen. */
const VALUE = 13
const KEY = 5
const PREFIX = 3
const ENTRIES = 5
/** So long that a ring of a page is full soon. */
const RECORD = 64

/** Where in the packet are the operands and the results. */
const AT = { key: 16, value: 24, flags: 40, result: 48, found: 56 } as const

const keyed = (kind: MapKind, key: Layout = bytes(KEY), entries = ENTRIES): MapDescription => ({
  kind,
  key,
  value: bytes(VALUE),
  entries,
})

const trie: Layout = {
  kind: 'struct',
  size: 4 + PREFIX,
  align: 1,
  fields: [
    { name: 'length', offset: 0, layout: bytes(4) },
    { name: 'data', offset: 4, layout: bytes(PREFIX) },
  ],
}

const copy = (count: number, to: Register, toAt: number, from: Register, fromAt: number): Step =>
  Array.from({ length: count }, (_, i): Step => [load(1, 'r0', from, fromAt + i), store(1, to, toAt + i, 'r0')])

const given = (size: number, at: number, register: Register, stack: number): Step => [
  copy(size, 'r10', stack, 'r7', at),
  mov(register, 'r10'),
  alu64('add', register, stack),
]

const KEY_ON_STACK = -8
const VALUE_ON_STACK = -24

/** What programs can do. Each leaves what the helper returned, or whether there is a value, and the value. */
type Doing = 'update' | 'delete' | 'lookup' | 'write' | 'push' | 'pop' | 'peek' | 'has' | 'output'

function steps(doing: Doing, { key, value }: MapDescription): Step {
  const theKey = given(key.size, AT.key, 'r2', KEY_ON_STACK)
  const theValue = (register: Register) => given(value.size, AT.value, register, VALUE_ON_STACK)
  const helped = (helper: HelperName): Step => [loadMap('r1', 'map'), call(helper), store(8, 'r7', AT.result, 'r0')]
  const flags = (register: Register) => load(8, register, 'r7', AT.flags)
  const found: Step = [
    loadMap('r1', 'map'),
    call('map_lookup_elem'),
    mov('r8', 'r0'),
    store(8, 'r7', AT.result, 0),
    jump('jeq', 'r8', 0, 'missing'),
    store(8, 'r7', AT.result, 1),
  ]
  switch (doing) {
    case 'update':
      return [theKey, theValue('r3'), flags('r4'), helped('map_update_elem')]
    case 'delete':
      return [theKey, helped('map_delete_elem')]
    case 'lookup':
      return [theKey, found, copy(value.size, 'r7', AT.found, 'r8', 0), label('missing')]
    case 'write':
      return [theKey, found, copy(value.size, 'r8', 0, 'r7', AT.value), label('missing')]
    case 'push':
      return [theValue('r2'), flags('r3'), helped('map_push_elem')]
    case 'has':
      return [theValue('r2'), helped('map_peek_elem')]
    case 'pop':
    case 'peek':
      return [
        theValue('r2'),
        helped(doing === 'pop' ? 'map_pop_elem' : 'map_peek_elem'),
        copy(value.size, 'r7', AT.found, 'r10', VALUE_ON_STACK),
      ]
    case 'output':
      return [given(RECORD, AT.key, 'r2', -RECORD), mov('r3', RECORD), flags('r4'), helped('ringbuf_output')]
  }
}

const programOf = (doing: Doing, map: MapDescription) =>
  bodied(doing, [steps(doing, map)], { maps: { map }, stack: 64 })

type Operation =
  | {
      readonly by: 'program'
      readonly doing: Doing
      readonly key: Uint8Array
      readonly value: Uint8Array
      readonly flags: bigint
    }
  | { readonly by: 'control'; readonly doing: Control; readonly key: Uint8Array; readonly value: Uint8Array }
type Control = 'set' | 'set new' | 'set present' | 'get' | 'remove' | 'list' | 'take' | 'ask' | 'consume' | 'replace'

const value = fc.uint8Array({ minLength: VALUE, maxLength: VALUE })
const flags = fc.constantFrom(0n, 0n, 0n, 1n, 2n, 3n, 4n, 5n, 8n, 1n << 32n)

const index = fc.constantFrom(0, 1, 2, 3, 4, 5, 0x8000_0000, 0xffff_ffff).map((number) => {
  const key = new Uint8Array(4)
  viewOf(key).setUint32(0, number, true)
  return key
})
const name = fc.nat(7).map((number) => Uint8Array.from({ length: KEY }, (_, i) => (number * 37 + i * 11) & 0xff))
const nothing = fc.constant(new Uint8Array())
const prefix = fc
  .tuple(
    fc.constantFrom(0, 1, 7, 8, 9, 12, 16, 23, 24, 25, 255),
    fc.constantFrom(0, 0x80, 0xc0, 0xff),
    fc.constantFrom(0, 1, 255),
  )
  .map(([length, first, second]) => Uint8Array.of(length, 0, 0, 0, first, second, first ^ second))

const operations = (
  key: fc.Arbitrary<Uint8Array>,
  doing: readonly Doing[],
  control: readonly Control[],
  most = 60,
): fc.Arbitrary<readonly Operation[]> =>
  fc.array(
    fc.oneof(
      fc.record({ by: fc.constant('program' as const), doing: fc.constantFrom(...doing), key, value, flags }),
      fc.record({ by: fc.constant('control' as const), doing: fc.constantFrom(...control), key, value }),
    ),
    { minLength: 1, maxLength: most },
  )

const shown = (bytes: Uint8Array): string => toHex(bytes.subarray(0, VALUE))

/** An operation's answer on one machine. */
function answer(
  machine: Machine,
  map: MachineMap,
  programs: ReadonlyMap<Doing, LoadedProgram>,
  each: Operation,
): string {
  if (each.by === 'program') {
    const frame = new Uint8Array(FRAME_LENGTH)
    frame.set(each.key, AT.key)
    frame.set(each.value, AT.value)
    viewOf(frame).setBigUint64(AT.flags, each.flags, true)
    const after = programs.get(each.doing)?.run(frame).packet ?? frame
    const result = viewOf(after).getBigInt64(AT.result, true)
    return `${result} ${toHex(after.subarray(AT.found, AT.found + VALUE))}`
  }
  // Of a value for each CPU, the first one's.
  const value = new Uint8Array(Math.max(map.valueSize, VALUE))
  value.set(each.value)
  switch (each.doing) {
    case 'set':
      return String(map.update(each.key, value.subarray(0, map.valueSize)))
    case 'set new':
      return String(map.update(each.key, value.subarray(0, map.valueSize), 'new'))
    case 'set present':
      return String(map.update(each.key, value.subarray(0, map.valueSize), 'present'))
    case 'get':
      return shown(map.lookup(each.key) ?? new Uint8Array())
    case 'remove':
      return String(map.delete(each.key))
    case 'list':
      return map
        .entries()
        .map(([key, value]) => `${toHex(key)}=${shown(value)}`)
        .sort()
        .join(' ')
    case 'take':
      return shown(map.pop() ?? new Uint8Array())
    case 'ask':
      return String(map.has(value.subarray(0, map.valueSize)))
    case 'consume':
      return map.consume().map(toHex).join(' ')
    case 'replace':
      map.replaceAll([[each.key, value.subarray(0, map.valueSize)]])
      return `replaced on ${machine.name === 'vm' || machine.name === 'kernel'}`
  }
}

function answers(machine: Machine, description: MapDescription, all: readonly Operation[]): string[] {
  const doings = new Set(all.flatMap((each) => (each.by === 'program' ? [each.doing] : [])))
  using map = machine.createMap('map', description)
  const programs = new Map([...doings].map((doing) => [doing, machine.load(programOf(doing, description), { map })]))
  try {
    return all.map((each) => {
      try {
        return answer(machine, map, programs, each)
      } catch (error) {
        if (error instanceof Refusal) return 'refused'
        throw error
      }
    })
  } finally {
    for (const program of programs.values()) program[Symbol.dispose]()
  }
}

const spoken = (each: Operation): string =>
  `${each.by} ${each.doing} ${toHex(each.key)} ${toHex(each.value)} ${'flags' in each ? each.flags : ''}`

function agree(description: MapDescription, sequences: fc.Arbitrary<readonly Operation[]>, numRuns = 60): void {
  using kernel = openKernelMachine()
  using vm = openVirtualMachine()
  fc.assert(
    fc.property(sequences, (all) => {
      const expected = answers(kernel, description, all)
      const found = answers(vm, description, all)
      const line = (result: string, i: number) => `${spoken(all[i] as Operation)} → ${result}`
      expect(found.map(line)).toEqual(expected.map(line))
    }),
    { numRuns },
  )
}

const NOTHING = { key: new Uint8Array(), value: new Uint8Array(VALUE) } as const
const CONSUME: Operation = { by: 'control', doing: 'consume', ...NOTHING }
const repeated = (count: number): readonly Operation[] =>
  Array.from({ length: count }, (_, i) => ({
    by: 'program',
    doing: 'output',
    ...NOTHING,
    value: new Uint8Array(VALUE).fill(i),
    flags: 0n,
  }))

const PROGRAM: readonly Doing[] = ['update', 'delete', 'lookup', 'write']
const CONTROL: readonly Control[] = ['set', 'set new', 'set present', 'get', 'remove', 'list']

describeKernel('random operations have the same answers in the kernel and on the VM', () => {
  // Of a value for each CPU, programs have that of theirs.
  beforeAll(() => void execFileSync('taskset', ['-cp', '0', String(process.pid)]))

  test.each(['array', 'percpu_array'] as const)('%s', (kind) => {
    agree(keyed(kind, u32), operations(index, PROGRAM, CONTROL))
  })

  test.each(['hash', 'percpu_hash'] as const)('%s', (kind) => {
    agree(keyed(kind), operations(name, PROGRAM, CONTROL))
  })

  // The kernel gives up entries before such a map is full, and not always the oldest (kernel/bpf/bpf_lru_list.c).
  test.each(['lru_hash', 'lru_percpu_hash'] as const)('%s that is never full', (kind) => {
    agree(keyed(kind, bytes(KEY), 4096), operations(name, PROGRAM, CONTROL))
  })

  test('lpm_trie', () => agree(keyed('lpm_trie', trie), operations(prefix, PROGRAM, CONTROL)))

  describe.each(['queue', 'stack'] as const)('%s', (kind) => {
    test('of values', () => {
      agree(
        keyed(kind, bytes(0)),
        operations(nothing, ['push', 'pop', 'peek'], ['set', 'set new', 'set present', 'get', 'take']),
      )
    })
  })

  test('array_of_maps', () => {
    const inner = keyed('hash')
    const outer: MapDescription = { kind: 'array_of_maps', key: u32, value: u32, entries: 1, inner }
    agree(
      outer,
      fc.array(
        fc.record({
          by: fc.constant('control' as const),
          doing: fc.constantFrom<Control>(...CONTROL, 'replace'),
          key: name,
          value,
        }),
      ),
    )
  })

  test('devmap', () => {
    const devmap: MapDescription = { kind: 'devmap', key: u32, value: u32, entries: ENTRIES }
    // The loopback interface, and none.
    const target = fc.constantFrom(Uint8Array.of(1), Uint8Array.of(0))
    const each = fc.record({
      by: fc.constant('control' as const),
      doing: fc.constantFrom(...CONTROL),
      key: index,
      value: target,
    })
    agree(devmap, fc.array(each))
  })

  // A filter may say yes to what was never put in, by chance, and never no to what was.
  test('bloom_filter', () => {
    const filter: MapDescription = { kind: 'bloom_filter', key: bytes(0), value: bytes(VALUE), entries: 1000 }
    using kernel = openKernelMachine()
    using vm = openVirtualMachine()
    const few = fc.nat(9).map((number) => new Uint8Array(VALUE).fill(number))
    const each = operations(nothing, ['push', 'has'], ['set', 'set new', 'set present', 'ask'])
    fc.assert(
      fc.property(each, fc.array(few, { minLength: 60, maxLength: 60 }), (some, values) => {
        const all = some.map((one, i) => ({ ...one, value: values[i] ?? one.value }))
        const [found, expected] = [vm, kernel].map((machine) => answers(machine, filter, all))
        for (const [i, one] of all.entries()) {
          const byChance = (one.doing === 'has' || one.doing === 'ask') && /^(false|-2 )/.test(found?.[i] ?? '')
          if (!byChance) expect(found?.[i], spoken(one)).toBe(expected?.[i])
        }
      }),
      { numRuns: 60 },
    )
  })

  test('ringbuf', () => {
    const ring: MapDescription = { kind: 'ringbuf', key: bytes(0), value: bytes(VALUE), entries: 4096 }
    // Records that nobody consumes must come to more than there is room for.
    const flood = operations(nothing, ['output'], ['consume'], 8).chain((some) =>
      fc
        .tuple(fc.nat(70), fc.nat(70))
        .map(([before, after]) => [...repeated(before), ...some, ...repeated(after), CONSUME]),
    )
    agree(ring, flood)
  })
})
