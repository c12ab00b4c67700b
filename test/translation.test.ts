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
  mayGoto,
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
import { printProgram } from '../src/isa/print.ts'
import type { Instruction, Program } from '../src/isa/program.ts'
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
      mayGoto(at(taken)),
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

/** Instructions of all kinds, most of which make no sense together: the kernel would take few of these programs. */
const raw = (parts: Partial<Instruction>): Instruction => ({ opcode: 0, dst: 0, src: 0, offset: 0, imm: 0, ...parts })
const any = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const some = any(0, 1, 2, 3, 6, 7, 8)
const source = any(0, 1, 2, 3, 6, 7, 8, 10)
const base = any(10, 10, 10, 0, 1, 2, 6, 7, 8)
const places = any(-16, -8, -4, 0, 4, 8, 12, 16, 76, 80)
const near = fc.integer({ min: -6, max: 10 })
const pieces: fc.Arbitrary<readonly Instruction[]> = fc.oneof(
  fc.record({ opcode: any(0xb7, 0x07, 0x17), dst: some, imm: any(-16, -8, -1, 0, 1, 4, 14) }).map((one) => [raw(one)]),
  fc
    .record({ opcode: any(0xbf, 0xbf, 0x0f, 0x1f, 0x5f, 0x0c, 0xbc, 0x3f), dst: some, src: source })
    .map((one) => [raw(one)]),
  fc
    .record({ opcode: any(0x61, 0x69, 0x71, 0x79, 0x91), dst: some, src: base, offset: places })
    .map((one) => [raw(one)]),
  fc.record({ opcode: any(0x63, 0x73, 0x7b, 0x7b), dst: base, src: source, offset: places }).map((one) => [raw(one)]),
  fc
    .record({ dst: base, src: some, offset: places, imm: any(0, 1, 0xe1, 0xf1) })
    .map((one) => [raw({ ...one, opcode: 0xdb })]),
  fc
    .record({ opcode: any(0x15, 0x55, 0x25, 0x16), dst: some, offset: near, imm: any(0, 0, 1) })
    .map((one) => [raw(one)]),
  fc.record({ opcode: any(0x1d, 0x2d), dst: some, src: some, offset: near }).map((one) => [raw(one)]),
  near.map((imm) => [raw({ opcode: 0x85, src: 1, imm })]),
  any(1, 2, 3, 5, 8, 39, 40).map((imm) => [raw({ opcode: 0x85, imm })]),
  fc.constant([raw({ opcode: 0x61, dst: 7, src: 6, offset: 76 })]),
  fc
    .tuple(any('map', 'hash'), fc.nat(4), fc.nat(2))
    .map(([map, imm, offset]) => [
      raw({ opcode: 0x62, dst: 10, offset: -4, imm }),
      raw({ opcode: 0xbf, dst: 2, src: 10 }),
      raw({ opcode: 0x07, dst: 2, imm: -4 }),
      raw({ opcode: 0x18, dst: 1, src: 1, map }),
      raw({ opcode: 0x85, imm: 1 }),
      raw({ opcode: 0x15, dst: 0, offset }),
    ]),
)

/**
 * What the two see differently: a pointer that was moved to before its region and comes back, which the interpreter takes for one into
 * another region; a number that is an address of stack; and when exactly a loop has run too long.
 */
const DIFFERENT = /address 4294967|:4294967|0x8[0-7]:|without an end/

test('programs that make no sense come to the same end', () => {
  const maps = { map: MAP, hash: mapOf('hash', 4) }
  using machine = openVirtualMachine({ budget: 2000 })
  using other = openVirtualMachine({ budget: 2000, engine: interpreted })
  const run = (on: typeof machine, program: Program): string => {
    using map = on.createMap('map', maps.map)
    using hash = on.createMap('hash', maps.hash)
    map.update(key(1), value(7n))
    hash.update(key(2), value(9n))
    return outcome(() => {
      using loaded = on.load(program, { map, hash })
      const { verdict: found, packet } = loaded.run(frameOf(3n, 8n))
      const left = [map, hash].map((one) => one.entries().map(([, bytes]) => toHex(bytes)))
      return `${found} ${toHex(packet)} ${left}`
    })
  }
  let compared = 0
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 4, maxLength: 16 }), (all) => {
      const instructions = [
        raw({ opcode: 0xbf, dst: 6, src: 1 }),
        ...all.flat(),
        raw({ opcode: 0xb7 }),
        raw({ opcode: 0x95 }),
      ]
      const program: Program = { name: 'nonsense', hook: 'tc', instructions, maps, lines: [], stack: 512 }
      const [found, expected] = [run(machine, program), run(other, program)]
      if (DIFFERENT.test(found + expected)) return
      if (!found.startsWith('Refusal')) compared++
      expect(found, printProgram(program)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
  expect(compared).toBeGreaterThan(200)
})
