/** Programs that differ only in open numbers: one module runs all of them, each with its own. */
import { afterAll, expect, test, vi } from 'vitest'
import {
  alu32,
  alu64,
  assemble,
  call,
  exit,
  jump,
  jump32,
  label,
  load,
  load64,
  loadMap,
  loadMapValue,
  mov,
  type Step,
  store,
} from '../src/backend/assemble.ts'
import { mapOf } from '../src/backend/suite/layouts.ts'
import type { Instruction, MapDescription, Program } from '../src/isa/program.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { interpreted } from './reference/interpreter.ts'

/** One value of so many bytes. */
const bytesMap = (size: number): MapDescription => ({
  ...mapOf('array', 1),
  value: { kind: 'bytes', role: 'raw', size, align: 1 },
})

const MAP = bytesMap(8)
const FRAME = new Uint8Array(64)

const wasm: { Module: new (bytes: Uint8Array) => object } = Reflect.get(globalThis, 'WebAssembly')
const made = vi.spyOn(wasm, 'Module')
afterAll(() => made.mockRestore())

/** An instruction whose number is open, as the compiler would say it. */
type Opened = Instruction & { readonly open: number }
const opened = (instruction: Step, open: number): Step => ({ ...(instruction as Instruction), open }) as Opened

/** The numbers 0 to 3 are: moved and added, stored, compared with, the offset in a map's value. */
function programOf(
  name: string,
  [added, stored, compared, offset]: readonly [number, number, number, number],
): Program {
  const program = assemble(
    name,
    'tc',
    [
      opened(mov('r6', added), 0),
      opened(alu64('add', 'r6', added), 0),
      opened(store(4, 'r10', -8, stored), 1),
      load(4, 'r7', 'r10', -8),
      opened(loadMapValue('r1', 'map', offset), 3),
      store(1, 'r1', 0, 1),
      load(1, 'r0', 'r1', 0),
      opened(jump('jeq', 'r7', compared, 'equal'), 2),
      alu64('add', 'r0', 'r6'),
      label('equal'),
      alu64('add', 'r0', 'r7'),
      exit,
    ],
    { maps: { map: MAP } },
  )
  return withOpen(program)
}

function withOpen(program: Program): Program {
  const open = program.instructions.map((one) => (one as Partial<Opened>).open)
  const instructions = program.instructions.map((one) => {
    const { open: _, ...instruction } = one as Opened
    return instruction
  })
  return { ...program, instructions, open }
}

const verdictOf = (program: Program, engine?: typeof interpreted): number => {
  using machine = openVirtualMachine(engine === undefined ? {} : { engine })
  using map = machine.createMap('map', MAP)
  using loaded = machine.load(program, { map })
  return loaded.run(FRAME).verdict
}

test('one module for all, and each does what its own numbers say', () => {
  const numbers = [
    [1, 2, 2, 0],
    [1, 2, 3, 0],
    [70_000, 5, 0, 0],
    [-3, -1, 7, 0],
    [2 ** 31 - 1, 0, 0, 0],
  ] as const
  verdictOf(programOf('first', numbers[0]))
  made.mockClear()
  for (const some of numbers) {
    const program = programOf('another', some)
    expect(verdictOf(program)).toBe(verdictOf(program, interpreted))
  }
  expect(made).not.toHaveBeenCalled()
})

test.each([1, 7, 8, 39])('an offset of %i in a value', (offset) => {
  const map = bytesMap(40)
  const at = (one: number): Program => ({ ...programOf('offsets', [1, 2, 3, one]), maps: { map } })
  using machine = openVirtualMachine()
  using values = machine.createMap('map', map)
  for (const one of [0, offset]) {
    using loaded = machine.load(at(one), { map: values })
    loaded.run(FRAME)
  }
  const written = values.lookup(new Uint8Array(4)) ?? []
  expect([...written].flatMap((byte, index) => (byte === 1 ? [index] : []))).toEqual([0, offset])
})

test('what goes behind the end of a value by its own offset is found out', () => {
  const map = bytesMap(16)
  const at = (offset: number): Program => {
    const program = programOf('far', [1, 2, 3, offset])
    const instructions = program.instructions.map((one) =>
      one.offset === 0 && one.dst === 1 && one.imm === 1 && one.map === undefined ? { ...one, offset: 8 } : one,
    )
    return { ...program, instructions, maps: { map } }
  }
  using machine = openVirtualMachine()
  using values = machine.createMap('map', map)
  using fits = machine.load(at(0), { map: values })
  using doesNot = machine.load(at(8), { map: values })
  fits.run(FRAME)
  expect(() => doesNot.run(FRAME)).toThrow(/writes 1 byte at .*16/)
})

test('what is beyond a value is refused, whatever is alike', () => {
  const map = bytesMap(16)
  const at = (offset: number): Program => ({ ...programOf('beyond', [1, 2, 3, offset]), maps: { map } })
  using machine = openVirtualMachine()
  using values = machine.createMap('map', map)
  using loaded = machine.load(at(8), { map: values })
  loaded.run(FRAME)
  expect(() => machine.load(at(16), { map: values })).toThrow('byte 16 is outside the value of "map"')
})

test('offsets of the same value that change places are one module', () => {
  const map = bytesMap(16)
  const at = (one: number, other: number): Program => {
    const steps = [
      opened(loadMapValue('r1', 'map', one), 0),
      store(1, 'r1', 0, 1),
      opened(loadMapValue('r1', 'map', other), 1),
      store(1, 'r1', 7, 2),
      mov('r0', 0),
      exit,
    ]
    return withOpen(assemble('places', 'tc', steps, { maps: { map } }))
  }
  using machine = openVirtualMachine()
  using values = machine.createMap('map', map)
  using here = machine.load(at(0, 8), { map: values })
  here.run(FRAME)
  made.mockClear()
  using there = machine.load(at(8, 0), { map: values })
  there.run(FRAME)
  expect(made).not.toHaveBeenCalled()
  expect(values.lookup(new Uint8Array(4))).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 2))
})

/** What a program gives, or why it fails. */
function outcomeOf(program: Program, engine?: typeof interpreted): number | string {
  try {
    return verdictOf(program, engine)
  } catch (error) {
    return String(error)
  }
}

const COMPARISONS = ['jeq', 'jne', 'jset', 'jgt', 'jge', 'jlt', 'jle', 'jsgt', 'jsge', 'jslt', 'jsle'] as const
const LEFT = [0n, 1n, 7n, 0x8000_0000n, 0x1_0000_0000n, 0xffff_ffffn, 0xffff_ffff_ffff_ffffn]
const WRITTEN = {
  'mov of 64 bits': (n: number) => [mov('r6', n)],
  'mov of 32 bits': (n: number) => [alu32('mov', 'r6', n)],
  'add of 64 bits': (n: number) => [alu64('add', 'r6', n)],
  'add of 32 bits': (n: number) => [alu32('add', 'r6', n)],
  'load of 64 bits': (n: number) => [load64('r6', BigInt.asUintN(64, BigInt(n) * 0x1_0000_0003n))],
  ...Object.fromEntries(
    ([1, 2, 4, 8] as const).map((size) => [
      `store of ${size} bytes`,
      (n: number) => [store(size, 'r10', -8, n), load(size, 'r6', 'r10', -8)],
    ]),
  ),
} satisfies Record<string, (n: number) => readonly Step[]>

/** Each program with an open number that is 0 at first, and then others: one module, and what the interpreter says. */
function expectAlike(programs: (n: number) => readonly Step[], name: string): void {
  const of = (n: number) => withOpen(assemble(name, 'tc', programs(n), { maps: { map: MAP } }))
  expect(outcomeOf(of(0))).toBe(outcomeOf(of(0), interpreted))
  made.mockClear()
  for (const n of [1, 7, -1, -2, 2 ** 31 - 1, -(2 ** 31), 0])
    expect(outcomeOf(of(n)), `${name} ${n}`).toBe(outcomeOf(of(n), interpreted))
  expect(made).not.toHaveBeenCalled()
}

test.each(Object.entries(WRITTEN))('what is written of a number that was 0: %s', (name, stepsOf) => {
  for (const left of LEFT)
    expectAlike((n) => {
      const [first, ...rest] = stepsOf(n)
      if (first === undefined) throw new Error('a step, at least')
      const folded = [mov('r0', 'r6'), alu64('rsh', 'r6', 32), alu64('xor', 'r0', 'r6'), exit]
      return [load64('r6', left), opened(first, 0), ...rest, loadMap('r1', 'map'), ...folded]
    }, `${name} ${left}`)
})

test.each(COMPARISONS)('what is compared with a number that was 0: %s', (comparison) => {
  for (const [bits, compare] of [
    [64, jump],
    [32, jump32],
  ] as const)
    for (const left of LEFT)
      expectAlike(
        (n) => [
          load64('r6', left),
          loadMap('r1', 'map'),
          mov('r0', 1),
          opened(compare(comparison, 'r6', n, 'yes'), 0),
          mov('r0', 2),
          label('yes'),
          exit,
        ],
        `${comparison}${bits} ${left}`,
      )
})

test.each([
  ['there', 0],
  ['not there', 5],
])('a test of an entry that is %s for an open number', (_, key) => {
  expectAlike(
    (n) => [
      store(4, 'r10', -4, key),
      loadMap('r1', 'map'),
      mov('r2', 'r10'),
      alu64('add', 'r2', -4),
      call('map_lookup_elem'),
      opened(jump('jeq', 'r0', n, 'none'), 0),
      load(1, 'r0', 'r0', 0),
      exit,
      label('none'),
      mov('r0', 3),
      exit,
    ],
    `entry ${key}`,
  )
})
