import { expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { LIMIT } from '../../isa/opcodes.ts'
import type { Hook, MapDescription, Program } from '../../isa/program.ts'
import {
  alu64,
  assemble,
  call,
  callLocal,
  exit,
  jump,
  label,
  load,
  load64,
  loadMap,
  mov,
  type Step,
  store,
  verdict,
} from '../assemble.ts'
import type { Machine, MachineMap } from '../machine.ts'
import { closing, frameOf, opening, put, take, valueIn } from './frame.ts'
import { key, mapOf } from './layouts.ts'

const ARRAY: MapDescription = { ...mapOf('prog_array', 4), value: { kind: 'scalar', size: 4, signed: false, align: 4 } }

/** Over to the program of this number, with the context from r6. What comes behind is run where there is none. */
const over = (index: number): Step => [mov('r1', 'r6'), loadMap('r2', 'programs'), mov('r3', index), call('tail_call')]

const programOf = (name: string, steps: readonly Step[], hook: Hook = 'tc'): Program =>
  assemble(name, hook, [mov('r6', 'r1'), ...steps], { maps: { programs: ARRAY }, stack: 8 })

const plain = (name: string, steps: readonly Step[], hook: Hook = 'tc'): Program => assemble(name, hook, steps)

/** Adds one to the packet's first value, and goes on at `next`; returns how often it was here where there is nobody. */
const counting = (next: number): Program =>
  assemble(
    'counting',
    'tc',
    [opening('tc'), take('r8', 0), alu64('add', 'r8', 1), put(0, 'r8'), over(next), mov('r0', 'r8'), exit, closing],
    { maps: { programs: ARRAY } },
  )

export function tailCallSuite(open: () => Machine): void {
  /** Loads programs, installs all but the first from 0 on, and runs the first. */
  const ran = (machine: Machine, first: Program, ...others: readonly Program[]) => {
    using programs = machine.createMap('programs', ARRAY)
    const loaded = [first, ...others].map((program) => machine.load(program, { programs }))
    for (const [index, program] of loaded.slice(1).entries()) programs.install(index, program)
    try {
      return loaded[0]?.run(frameOf(10n, 20n))
    } finally {
      for (const program of loaded) program[Symbol.dispose]()
    }
  }

  test('a program goes over to another one, which answers', () => {
    using machine = open()
    const other = plain('other', [opening('tc'), take('r3', 1), put(0, 'r3'), verdict(7), closing])
    const result = ran(machine, programOf('first', [over(0), verdict(1)]), other)
    expect(result?.verdict).toBe(7)
    expect(valueIn(result?.packet ?? frameOf(), 0)).toBe(20n)
  })

  test.each([
    ['a number that is not installed', 1],
    ['a number past the end', 4],
    ['a negative number', -1],
  ])('where there is nobody, it goes on: %s', (_, index) => {
    using machine = open()
    expect(ran(machine, programOf('first', [over(index), verdict(1)]), plain('other', [verdict(7)]))?.verdict).toBe(1)
  })

  test('32 bits of the number count', () => {
    using machine = open()
    const far = [mov('r1', 'r6'), loadMap('r2', 'programs'), load64('r3', 0x1_0000_0000n), call('tail_call')]
    expect(ran(machine, programOf('first', [...far, verdict(1)]), plain('other', [verdict(7)]))?.verdict).toBe(7)
  })

  test('out of a function, the answer is what the function returns, to a caller that finds all as it was', () => {
    using machine = open()
    const first = programOf('first', [
      store(8, 'r10', -8, 1000),
      mov('r7', 100),
      mov('r1', 'r6'),
      callLocal('f'),
      load(8, 'r1', 'r10', -8),
      alu64('add', 'r0', 'r1'),
      alu64('add', 'r0', 'r7'),
      exit,
      label('f'),
      mov('r6', 'r1'),
      mov('r7', 5),
      over(0),
      verdict(1),
    ])
    // Its stack and registers are its own.
    const other = plain('other', [
      store(8, 'r10', -8, 0),
      mov('r7', 0),
      callLocal('g'),
      exit,
      label('g'),
      store(8, 'r10', -8, 0),
      verdict(7),
    ])
    expect(ran(machine, first, other)?.verdict).toBe(1107)
  })

  test('it finds no values of its caller in registers', () => {
    using machine = open()
    const other = plain('other', [mov('r0', 0), jump('jeq', 'r1', 0, 'none'), mov('r0', 7), label('none'), exit])
    expect(ran(machine, programOf('first', [mov('r9', 5), over(0), verdict(1)]), other)?.verdict).toBe(7)
  })

  test(`${LIMIT.tailCalls} times at most for a packet`, () => {
    using machine = open()
    const result = ran(machine, counting(0), counting(0))
    expect(result?.verdict).toBe(10 + 1 + LIMIT.tailCalls)
    const round = ran(machine, counting(0), counting(1), counting(0))
    expect(round?.verdict).toBe(10 + 1 + LIMIT.tailCalls)
  })

  test('for the next packet it starts anew', () => {
    using machine = open()
    using programs = machine.createMap('programs', ARRAY)
    using program = machine.load(counting(0), { programs })
    programs.install(0, program)
    const verdicts = [1, 2].map(() => program.run(frameOf()).verdict)
    expect(verdicts).toEqual([1 + LIMIT.tailCalls, 1 + LIMIT.tailCalls])
  })

  test('programs are exchanged and deleted from one packet to the next', () => {
    using machine = open()
    using programs = machine.createMap('programs', ARRAY)
    using first = machine.load(programOf('first', [over(0), verdict(1)]), { programs })
    const answer = () => first.run(frameOf()).verdict
    {
      using other = machine.load(plain('other', [verdict(7)]), {})
      programs.install(0, other)
    }
    // Who installed it has let go of it.
    expect(answer()).toBe(7)
    using another = machine.load(plain('another', [verdict(8)]), {})
    programs.install(0, another)
    expect(answer()).toBe(8)
    expect(programs.delete(key(0))).toBe(true)
    expect(programs.delete(key(0))).toBe(false)
    expect(answer()).toBe(1)
  })

  test('a program that is in it can be pinned, and installed again', () => {
    using machine = open()
    using programs = machine.createMap('programs', ARRAY)
    using first = machine.load(programOf('first', [over(0), verdict(1)]), { programs })
    const path = `array${process.pid}/kept`
    expect(programs.pinProgram(0, path)).toBe(false)
    for (const answer of [7, 8]) {
      using other = machine.load(plain('other', [verdict(answer)]), {})
      programs.install(0, other)
      if (answer === 7) expect(programs.pinProgram(0, path)).toBe(true)
    }
    try {
      using kept = machine.openProgram(path)
      if (kept === undefined) throw new Error('it is not there')
      expect(first.run(frameOf()).verdict).toBe(8)
      programs.install(0, kept)
      expect(first.run(frameOf()).verdict).toBe(7)
    } finally {
      machine.forget(path)
    }
  })

  test('when its last handle is gone, the array is empty', () => {
    using machine = open()
    const programs: MachineMap = machine.createMap('programs', ARRAY)
    using first = machine.load(programOf('first', [over(0), verdict(1)]), { programs })
    using other = machine.load(plain('other', [verdict(7)]), {})
    programs.install(0, other)
    programs[Symbol.dispose]()
    // The kernel does so by deferred work (kernel/bpf/arraymap.c, prog_array_map_clear).
    for (let tries = 0; tries < 500 && first.run(frameOf()).verdict !== 1; tries++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    expect(first.run(frameOf()).verdict).toBe(1)
  })

  test('what is refused', () => {
    using machine = open()
    using programs = machine.createMap('programs', ARRAY)
    using entries = machine.createMap('entries', mapOf('array', 4))
    using tc = machine.load(programOf('tc', [over(0), verdict(1)]), { programs })
    using xdp = machine.load(plain('xdp', [verdict(1)], 'xdp'), {})
    programs.install(0, tc)
    expect(() => programs.install(1, xdp)).toThrow(Refusal)
    expect(() => programs.install(4, tc)).toThrow(Refusal)
    expect(() => entries.install(0, tc)).toThrow(Refusal)
    expect(() => programs.lookup(key(0))).toThrow(Refusal)
    expect(() => programs.update(key(0), key(0))).toThrow(Refusal)
    expect(() => programs.entries()).toThrow(Refusal)
    const looking = [store(4, 'r10', -4, 0), mov('r2', 'r10'), alu64('add', 'r2', -4), loadMap('r1', 'programs')]
    const wrong = programOf('wrong', [...looking, call('map_lookup_elem'), verdict(0)])
    expect(() => {
      using loaded = machine.load(wrong, { programs })
      loaded.run(frameOf())
    }).toThrow(Refusal)
  })
}
