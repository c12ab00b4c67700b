/** Programs that differ only in open numbers: one module runs all of them, each with its own. */
import { afterAll, expect, test, vi } from 'vitest'
import {
  alu64,
  assemble,
  exit,
  jump,
  label,
  load,
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
