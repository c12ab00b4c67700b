import fc from 'fast-check'
import { expect, test } from 'vitest'
import { viewOf } from '../../base/bytes.ts'
import { printProgram } from '../../isa/print.ts'
import {
  type Arithmetic,
  alu32,
  alu64,
  assemble,
  atomic,
  type Condition,
  exit,
  jump,
  jump32,
  label,
  load,
  loadSigned,
  mov,
  movsx,
  neg,
  type Step,
  store,
  swap,
} from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { closing, opening } from './frame.ts'
import { generated, MEMORY, word } from './generate.ts'
import { model } from './model.ts'
import { ATOMICS, CONDITIONS, EDGES, IMMEDIATES, OPERATIONS } from './operands.ts'

/** What is done to r3 (and r0), given r3 = a, r4 = b, r0 = c; under the name to tell it by. */
type Case = readonly [name: string, step: Step]

const LENGTH = 2048
/** Behind a MAC header: a, b, c, and then what came out, 8 bytes each. */
const INPUTS = 16
const OUTPUTS = 40
const INPUT = { r3: INPUTS, r4: INPUTS + 8, r0: INPUTS + 16 } as const

const body = (cases: readonly Case[], results: readonly ('r3' | 'r0' | 'r5')[]): Step =>
  cases.map(
    ([, step], index): Step => [
      load(8, 'r3', 'r7', INPUT.r3),
      load(8, 'r4', 'r7', INPUT.r4),
      load(8, 'r0', 'r7', INPUT.r0),
      step,
      results.map((register, i) => store(8, 'r7', OUTPUTS + 8 * (index * results.length + i), register)),
    ],
  )

function frameOf(length: number, ...inputs: readonly bigint[]): Uint8Array {
  const frame = new Uint8Array(length)
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5])
  for (const [i, value] of inputs.entries()) viewOf(frame).setBigUint64(INPUTS + 8 * i, value, true)
  return frame
}

const hex = (value: bigint): string => `0x${value.toString(16)}`

/** Runs all the cases on each of the inputs, and compares with the model. */
function agrees(
  open: () => Machine,
  cases: readonly Case[],
  inputs: Iterable<readonly bigint[]>,
  results: readonly ('r3' | 'r0' | 'r5')[] = ['r3'],
): void {
  const steps = body(cases, results)
  const end: Step = [mov('r0', 0), exit]
  const inModel = assemble('model', 'tc', [mov('r7', 'r1'), steps, end]).instructions
  using machine = open()
  using loaded = machine.load(assemble('conformance', 'tc', [opening('tc', LENGTH), steps, end, closing]), {})
  for (const values of inputs) {
    const expected = frameOf(LENGTH, ...values)
    model(inModel, expected)
    const { packet } = loaded.run(frameOf(LENGTH, ...values))
    for (const [index, [name]] of cases.entries())
      for (const [i, register] of results.entries()) {
        const at = OUTPUTS + 8 * (index * results.length + i)
        const [found, wanted] = [packet, expected].map((bytes) => viewOf(bytes).getBigUint64(at, true))
        if (found !== wanted)
          expect(hex(found ?? 0n), `${register} after ${name} on ${values.map(hex).join(', ')}`).toBe(hex(wanted ?? 0n))
      }
  }
  expect(cases.length).toBeGreaterThan(0)
}

const WIDTHS = [
  [64, alu64, jump],
  [32, alu32, jump32],
] as const

const pairs = EDGES.flatMap((a) => EDGES.map((b) => [a, b]))

/** What the verifier takes: it refuses divisions by 0, and shifts by what is no amount. */
function isTaken(bits: number, operation: Arithmetic, immediate: number): boolean {
  if (['div', 'mod', 'sdiv', 'smod'].includes(operation)) return immediate !== 0
  return !['lsh', 'rsh', 'arsh'].includes(operation) || (immediate >= 0 && immediate < bits)
}

/** r5 = 1 where it jumps, else 0. */
const jumping = (make: typeof jump | typeof jump32, condition: Condition, operand: 'r3' | 'r4' | number): Step => {
  const to = `${condition} ${operand}`
  return [mov('r5', 1), make(condition, 'r3', operand, to), mov('r5', 0), label(to)]
}

const unary = (): readonly Case[] => [
  ['neg', neg(64, 'r3')],
  ['neg of 32 bits', neg(32, 'r3')],
  ...([8, 16, 32] as const).map((from): Case => [`a move of ${from} bits`, movsx(64, from, 'r3', 'r4')]),
  ...([8, 16] as const).map((from): Case => [`a move of ${from} bits to 32`, movsx(32, from, 'r3', 'r4')]),
  ...(['le', 'be', 'bswap'] as const).flatMap((order) =>
    ([16, 32, 64] as const).map((bits): Case => [`${order}${bits}`, swap(order, bits, 'r3')]),
  ),
]

const memory = (): readonly Case[] => {
  const sizes = [1, 2, 4, 8] as const
  const onStack = (step: Step): Step => [store(8, 'r10', -8, 'r4'), step, load(8, 'r3', 'r10', -8)]
  return [
    ...sizes.flatMap((size) =>
      [0, 1, 3].map((by): Case => [`a load of ${size} at +${by}`, load(size, 'r3', 'r7', INPUTS + by)]),
    ),
    ...([1, 2, 4] as const).map((size): Case => [`a signed load of ${size}`, loadSigned(size, 'r3', 'r7', INPUTS)]),
    ...sizes.map((size): Case => [`a store of ${size}`, onStack(store(size, 'r10', -8, 'r3'))]),
    ...sizes.flatMap((size) =>
      [-1, 0x1234_5678, -0x8000_0000].map(
        (value): Case => [`a store of ${size}: ${value}`, onStack(store(size, 'r10', -8, value))],
      ),
    ),
  ]
}

const atomics = (): readonly Case[] =>
  ([8, 4] as const).flatMap((bytes) =>
    ATOMICS.map(
      (operation): Case => [
        `${operation} on ${bytes} bytes`,
        [store(8, 'r10', -8, 'r4'), atomic(bytes, operation, 'r10', -8, 'r3'), load(8, 'r5', 'r10', -8)],
      ],
    ),
  )

export function conformanceSuite(open: () => Machine): void {
  test.each(WIDTHS)('arithmetic on %i bits', (_, alu) => {
    const cases = OPERATIONS.map((name): Case => [name, alu(name, 'r3', 'r4')])
    agrees(open, cases, pairs)
    const alone = OPERATIONS.map((name): Case => [`${name} of a register and itself`, alu(name, 'r3', 'r3')])
    agrees(
      open,
      alone,
      EDGES.map((a) => [a]),
    )
  })

  test.each(WIDTHS)('arithmetic on %i bits with constants', (bits, alu) => {
    const cases = OPERATIONS.flatMap((name) =>
      IMMEDIATES.filter((value) => isTaken(bits, name, value)).map(
        (value): Case => [`${name} ${value}`, alu(name, 'r3', value)],
      ),
    )
    agrees(
      open,
      cases,
      EDGES.map((a) => [a]),
    )
  })

  test('arithmetic of one operand', () => agrees(open, unary(), pairs))

  test.each(WIDTHS)('jumps on %i bits', (_, _alu, make) => {
    const cases = CONDITIONS.flatMap((name): Case[] => [
      [name, jumping(make, name, 'r4')],
      [`${name} of a register and itself`, jumping(make, name, 'r3')],
    ])
    agrees(open, cases, pairs, ['r5'])
    const constant = CONDITIONS.flatMap((name) =>
      IMMEDIATES.map((value): Case => [`${name} ${value}`, jumping(make, name, value)]),
    )
    agrees(
      open,
      constant,
      EDGES.map((a) => [a]),
      ['r5'],
    )
  })

  test('loads and stores', () => agrees(open, memory(), pairs))

  test('whole programs', () => {
    using machine = open()
    const numbers = fc.array(word, { minLength: 9, maxLength: 9 })
    fc.assert(
      fc.property(generated, fc.array(numbers, { minLength: 1, maxLength: 4 }), ({ steps, functions }, all) => {
        const inModel = assemble('model', 'tc', [mov('r7', 'r1'), steps, functions]).instructions
        const program = assemble('generated', 'tc', [opening('tc', MEMORY), steps, closing, functions], { stack: 192 })
        using loaded = machine.load(program, {})
        for (const values of all) {
          const memory = frameOf(MEMORY, ...values)
          const expected = memory.slice()
          const verdict = Number(BigInt.asUintN(32, model(inModel, expected)))
          expect(loaded.run(memory), printProgram(program)).toEqual({ verdict, packet: expected })
        }
      }),
      { numRuns: 200 },
    )
  })

  test('atomic operations', () => {
    const inputs = pairs.flatMap(([a = 0n, b = 0n]) => [
      [a, b, 0n],
      [a, b, b],
      [a, b, BigInt.asUintN(32, b) | (1n << 40n)],
    ])
    agrees(open, atomics(), inputs, ['r3', 'r0', 'r5'])
  })
}
