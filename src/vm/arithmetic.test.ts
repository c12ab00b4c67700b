import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Arithmetic,
  alu32,
  alu64,
  type Condition,
  jump,
  jump32,
  label,
  mov,
  movsx,
  neg,
  type Step,
  swap,
} from '../backend/assemble.ts'
import { bodied, frameOf, put, take, valueIn } from '../backend/suite/frame.ts'
import type { Program } from '../isa/program.ts'
import { openVirtualMachine } from './machine.ts'

/**
 * Every operation is compared with the sentence of RFC 9669 section 4 that defines it, written down once more over integers of any
 * size.
 */
type Width = 32 | 64
type Model = (width: Width, a: bigint, b: bigint) => bigint

const S = (width: Width, value: bigint) => BigInt.asIntN(width, value)
const amount = (width: Width, b: bigint) => b & BigInt(width - 1)

/** Operands and results are unsigned numbers of `width` bits; a result may have more, which are cut off. */
const MODELS: Readonly<Record<Arithmetic, Model>> = {
  add: (_, a, b) => a + b,
  sub: (_, a, b) => a - b,
  mul: (_, a, b) => a * b,
  div: (_, a, b) => (b === 0n ? 0n : a / b),
  sdiv: (width, a, b) => (b === 0n ? 0n : S(width, a) / S(width, b)),
  mod: (_, a, b) => (b === 0n ? a : a % b),
  smod: (width, a, b) => (b === 0n ? a : S(width, a) % S(width, b)),
  or: (_, a, b) => a | b,
  and: (_, a, b) => a & b,
  xor: (_, a, b) => a ^ b,
  lsh: (width, a, b) => a << amount(width, b),
  rsh: (width, a, b) => a >> amount(width, b),
  arsh: (width, a, b) => S(width, a) >> amount(width, b),
  mov: (_, _a, b) => b,
}

const CONDITIONS: Readonly<Record<Condition, (width: Width, a: bigint, b: bigint) => boolean>> = {
  jeq: (_, a, b) => a === b,
  jne: (_, a, b) => a !== b,
  jset: (_, a, b) => (a & b) !== 0n,
  jgt: (_, a, b) => a > b,
  jge: (_, a, b) => a >= b,
  jlt: (_, a, b) => a < b,
  jle: (_, a, b) => a <= b,
  jsgt: (width, a, b) => S(width, a) > S(width, b),
  jsge: (width, a, b) => S(width, a) >= S(width, b),
  jslt: (width, a, b) => S(width, a) < S(width, b),
  jsle: (width, a, b) => S(width, a) <= S(width, b),
}

/** Numbers near the edges of both halves are where carries, borrows and signs go wrong. */
const EDGES = [
  0n,
  1n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 32n,
  (1n << 63n) - 1n,
  1n << 63n,
]
const near = fc
  .tuple(fc.constantFrom(...EDGES), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
  .map(([edge, distance, negative]) => BigInt.asUintN(64, negative ? -edge + distance : edge + distance))
const word = fc.oneof(
  near,
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }),
)

/** What `program` leaves at position 2 when it finds `a` and `b` at positions 0 and 1. */
function agrees(program: Program, expected: (a: bigint, b: bigint) => bigint): void {
  using machine = openVirtualMachine()
  using loaded = machine.load(program, {})
  fc.assert(
    fc.property(word, word, (a, b) => {
      const found = valueIn(loaded.run(frameOf(a, b)).packet, 2)
      expect(`0x${found.toString(16)}`).toBe(`0x${expected(a, b).toString(16)}`)
    }),
    { numRuns: 200 },
  )
}

const binary = (name: string, ...steps: readonly Step[]): Program =>
  bodied(name, [take('r3', 0), take('r4', 1), ...steps, put(2, 'r3')])

describe.each([64, 32] as const)('on %i bits', (width) => {
  const cut = (value: bigint) => BigInt.asUintN(width, value)
  const alu = width === 64 ? alu64 : alu32

  test.each(Object.keys(MODELS) as Arithmetic[])('%s', (operation) => {
    agrees(binary(operation, alu(operation, 'r3', 'r4')), (a, b) => cut(MODELS[operation](width, cut(a), cut(b))))
  })

  test.each(Object.keys(MODELS) as Arithmetic[])('%s of a register and itself', (operation) => {
    agrees(binary(operation, alu(operation, 'r3', 'r3')), (a) => cut(MODELS[operation](width, cut(a), cut(a))))
  })

  test('neg', () => agrees(binary('neg', neg(width, 'r3')), (a) => cut(-a)))

  test.each([8, 16, ...(width === 64 ? ([32] as const) : [])] as const)('a move that extends %i bits', (from) => {
    agrees(binary('movsx', movsx(width, from, 'r3', 'r4')), (_, b) => cut(BigInt.asIntN(from, b)))
  })

  test.each(Object.keys(CONDITIONS) as Condition[])('%s', (condition) => {
    const make = width === 64 ? jump : jump32
    const steps = [mov('r5', 1), make(condition, 'r3', 'r4', 'taken'), mov('r5', 0), label('taken'), mov('r3', 'r5')]
    agrees(binary(condition, ...steps), (a, b) => (CONDITIONS[condition](width, cut(a), cut(b)) ? 1n : 0n))
  })
})

const reversed = (bits: number, value: bigint): bigint => {
  let result = 0n
  for (let i = 0; i < bits; i += 8) result = (result << 8n) | ((value >> BigInt(i)) & 0xffn)
  return result
}

test.each([16, 32, 64] as const)('byte swaps of %i bits', (bits) => {
  agrees(binary('le', swap('le', bits, 'r3')), (a) => BigInt.asUintN(bits, a))
  agrees(binary('be', swap('be', bits, 'r3')), (a) => reversed(bits, a))
  agrees(binary('bswap', swap('bswap', bits, 'r3')), (a) => reversed(bits, a))
})

test.each(Object.keys(MODELS).filter((name) => !/div|mod|sh/.test(name)) as Arithmetic[])(
  'an immediate of %s is extended to 64 bits with its sign',
  (operation) => {
    for (const immediate of [0, 1, -1, 0x7fffffff, -0x80000000]) {
      const wide = BigInt.asUintN(64, BigInt(immediate))
      agrees(binary(operation, alu64(operation, 'r3', immediate)), (a) =>
        BigInt.asUintN(64, MODELS[operation](64, a, wide)),
      )
    }
  },
)
