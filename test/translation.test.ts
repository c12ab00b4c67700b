/** Translations against the interpreter: flow without structure, and what programs do with their stacks. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  alu32,
  alu64,
  assemble,
  atomic,
  call,
  callLocal,
  exit,
  goto,
  gotol,
  jump,
  label,
  load,
  load64,
  loadMap,
  mov,
  type Register,
  type Step,
  store,
  verdict,
} from '../src/backend/assemble.ts'
import { bodied, closing, frameOf, opening, take } from '../src/backend/suite/frame.ts'
import { key, mapOf, value } from '../src/backend/suite/layouts.ts'
import { toHex } from '../src/base/bytes.ts'
import { encode } from '../src/isa/encode.ts'
import type { Program } from '../src/isa/program.ts'
import { type Engine, translated } from '../src/vm/engine.ts'
import { execute } from '../src/vm/execute.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { analyse } from '../src/vm/wasm/analysis.ts'
import { interpreted } from './reference/interpreter.ts'

const outcome = (work: () => unknown): string => {
  try {
    return String(work())
  } catch (error) {
    return String(error)
  }
}

/** Blocks that may go to any other, as often as r9 lets them. */
const REGISTERS: readonly Register[] = ['r0', 'r1', 'r2', 'r3', 'r8']
const register = fc.constantFrom(...REGISTERS)
const small = fc.integer({ min: -3, max: 3 })
const work: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(register, small).map(([r, n]) => alu64('add', r, n)),
  fc.tuple(register, register).map(([a, b]) => alu32('xor', a, b)),
  fc.tuple(register, fc.nat(7)).map(([r, at]) => store(8, 'r7', 8 * at, r)),
  fc.tuple(register, fc.nat(7)).map(([r, at]) => load(4, r, 'r7', 8 * at)),
)
const block = fc.record({
  work: fc.array(work, { maxLength: 4 }),
  compared: register,
  to: fc.nat(),
  taken: fc.nat(),
  bound: small,
})
const flow = fc.array(block, { minLength: 1, maxLength: 12 }).map((blocks) => {
  const at = (number: number) => `block ${number % blocks.length}`
  const steps: Step[] = [mov('r7', 'r1'), mov('r9', 40), REGISTERS.map((r) => mov(r, 1))]
  for (const [number, { work: inside, compared, to, taken, bound }] of blocks.entries())
    steps.push(
      label(at(number)),
      alu64('sub', 'r9', 1),
      jump('jeq', 'r9', 0, 'end'),
      inside,
      jump('jsgt', compared, bound, at(taken)),
      goto(at(to)),
    )
  return assemble('flow', 'tc', [...steps, label('end'), exit])
})

test('flow without structure', () => {
  let irreducible = 0
  fc.assert(
    fc.property(flow, fc.uint8Array({ minLength: 64, maxLength: 64 }), (program, before) => {
      const bytes = encode(program.instructions)
      const [found, expected] = [before.slice(), before.slice()]
      if (!analyse(program, true).functions.every(({ graph }) => graph.isReducible)) irreducible++
      expect(execute(bytes, found, 10_000)).toBe(execute(bytes, expected, 10_000, interpreted))
      expect(toHex(found)).toBe(toHex(expected))
    }),
    { numRuns: 500 },
  )
  expect(irreducible).toBeGreaterThan(20)
})

test.each([
  ['a loop', [mov('r0', 0), label('again'), alu64('add', 'r0', 1), goto('again')]],
  [
    'a loop with two entries',
    [
      jump('jeq', 'r1', 0, 'second'),
      label('first'),
      alu64('add', 'r0', 1),
      label('second'),
      alu64('add', 'r0', 2),
      goto('first'),
    ],
  ],
  [
    'calls in calls',
    [
      label('again'),
      callLocal('a'),
      goto('again'),
      ...['a', 'b', 'c'].flatMap((name, i): Step[] => [label(name), callLocal(['b', 'c', 'd'][i] ?? ''), exit]),
      label('d'),
      mov('r0', 0),
      exit,
    ],
  ],
] as const)('%s without an end ends', (_, steps: readonly Step[]) => {
  const bytes = encode(assemble('endless', 'tc', steps).instructions)
  for (const engine of [translated, interpreted])
    expect(() => execute(bytes, new Uint8Array(8), 10_000, engine)).toThrow(/ran 10000 instructions without an end/)
})

test('a program of 100,000 instructions, all of which lead to one end', () => {
  const steps: Step[] = [mov('r0', 0)]
  for (let i = 0; i < 33_333; i++)
    steps.push(jump('jne', 'r2', i, `after ${i}`), gotol('end'), label(`after ${i}`), alu64('add', 'r0', 1))
  const { instructions } = assemble('long', 'tc', [...steps, label('end'), exit])
  expect(execute(encode(instructions), new Uint8Array(7))).toBe(7n)
  expect(execute(encode(instructions), new Uint8Array(40_000))).toBe(33_333n)
})

const MAP = mapOf('array', 4)

/** What comes of a program: its verdict and the packet, or why not. */
function ran(engine: Engine, program: Program): string {
  using machine = openVirtualMachine({ engine })
  using map = machine.createMap('map', MAP)
  map.update(key(1), value(7n))
  using loaded = machine.load(program, Object.keys(program.maps).length === 0 ? {} : { map })
  return outcome(() => {
    const result = loaded.run(frameOf(3n, 8n))
    return `${result.verdict} ${toHex(result.packet)}`
  })
}

const lookup: Step = [
  store(4, 'r10', -4, 1),
  mov('r2', 'r10'),
  alu64('add', 'r2', -4),
  loadMap('r1', 'map'),
  call('map_lookup_elem'),
]
const FORGED = (0x80n << 32n) | 504n

describe('a stack', () => {
  test.each<[what: string, steps: readonly Step[], expected: RegExp]>([
    [
      'that a function fills for its caller',
      [
        mov('r1', 'r10'),
        alu64('add', 'r1', -16),
        callLocal('fill'),
        load(8, 'r0', 'r10', -16),
        exit,
        closing,
        [label('fill'), store(8, 'r1', 0, 42), mov('r0', 0), exit],
      ],
      /^42 /,
    ],
    [
      'that a function was to fill, and did not',
      [
        mov('r1', 'r10'),
        alu64('add', 'r1', -16),
        callLocal('fill'),
        load(8, 'r0', 'r10', -16),
        exit,
        closing,
        [label('fill'), store(8, 'r1', -8, 42), mov('r0', 0), exit],
      ],
      /stack-16, not all of which were written/,
    ],
    [
      'at an offset that is computed',
      [
        store(8, 'r10', -8, 5),
        store(8, 'r10', -16, 6),
        take('r3', 1),
        mov('r2', 'r10'),
        alu64('sub', 'r2', 'r3'),
        load(8, 'r0', 'r2', -8),
        exit,
        closing,
      ],
      /^6 /,
    ],
    [
      'at an offset that is computed, and nothing there',
      [
        store(8, 'r10', -8, 5),
        take('r3', 1),
        mov('r2', 'r10'),
        alu64('sub', 'r2', 'r3'),
        load(8, 'r0', 'r2', -8),
        exit,
        closing,
      ],
      /not all of which were written/,
    ],
    [
      'that is written in one of two ways',
      [
        take('r3', 0),
        jump('jeq', 'r3', 4, 'other'),
        store(8, 'r10', -8, 5),
        label('other'),
        load(8, 'r0', 'r10', -8),
        exit,
        closing,
      ],
      /^5 /,
    ],
    [
      'that is written in the other of two ways',
      [
        take('r3', 0),
        jump('jeq', 'r3', 3, 'other'),
        store(8, 'r10', -8, 5),
        label('other'),
        load(8, 'r0', 'r10', -8),
        exit,
        closing,
      ],
      /not all of which were written/,
    ],
    [
      'on which a pointer to a value is overwritten from elsewhere',
      [
        lookup,
        jump('jeq', 'r0', 0, 'short'),
        store(8, 'r10', -16, 'r0'),
        take('r3', 1),
        mov('r2', 'r10'),
        alu64('sub', 'r2', 'r3'),
        load64('r4', 0x7777_7777n << 32n),
        store(8, 'r2', -8, 'r4'),
        load(8, 'r1', 'r10', -16),
        load(8, 'r0', 'r1', 0),
        exit,
        closing,
      ],
      /at 0x77777777:0, where there is no memory/,
    ],
    [
      'that an atomic operation changes',
      [
        store(8, 'r10', -8, 5),
        mov('r3', 4),
        atomic(8, 'fetch_add', 'r10', -8, 'r3'),
        load(8, 'r0', 'r10', -8),
        exit,
        closing,
      ],
      /^9 /,
    ],
  ])('%s', (_, steps, expected) => {
    const program = assemble('stack', 'tc', [opening('tc'), ...steps], { maps: { map: MAP } })
    expect(ran(translated, program)).toMatch(expected)
    expect(ran(translated, program)).toBe(ran(interpreted, program))
  })

  test('is not reached through a number that looks like its address', () => {
    const steps = [store(8, 'r10', -8, 5), load64('r1', FORGED), store(8, 'r1', 0, 6), load(8, 'r0', 'r10', -8), exit]
    expect(ran(translated, assemble('forged', 'tc', steps))).toMatch(/where there is no memory/)
  })
})

test('a pointer that one of two lookups gave, and the packet by way of a number', () => {
  const either = bodied(
    'either',
    [
      lookup,
      jump('jne', 'r0', 0, 'found'),
      verdict(1),
      label('found'),
      take('r3', 0),
      mov('r6', 'r7'),
      jump('jeq', 'r3', 3, 'chosen'),
      mov('r6', 'r0'),
      label('chosen'),
      load(4, 'r4', 'r6', 0),
      store(8, 'r7', 32, 'r4'),
    ],
    { maps: { map: MAP } },
  )
  expect(ran(translated, either)).toMatch(/^0 /)
  expect(ran(translated, either)).toBe(ran(interpreted, either))
})

test('programs alike share what was compiled, and not their maps', () => {
  const counted = [mov('r3', 1), atomic(8, 'add', 'r0', 0, 'r3'), load(8, 'r0', 'r0', 0), exit, closing]
  const steps = [opening('tc'), lookup, jump('jeq', 'r0', 0, 'short'), counted]
  const program = assemble('count', 'tc', steps, { maps: { map: MAP } })
  using machine = openVirtualMachine()
  const runs = [10n, 20n].map((start) => {
    const map = machine.createMap('map', MAP)
    map.update(key(1), value(start))
    const loaded = machine.load(program, { map })
    return () => loaded.run(frameOf()).verdict
  })
  expect(runs.map((run) => run())).toEqual([11, 21])
  expect(runs.map((run) => run())).toEqual([12, 22])
})
