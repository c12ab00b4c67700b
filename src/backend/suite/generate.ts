/** Random programs that the verifier takes: whatever is read was written, loops end, and memory is where it is said to be. */
import fc from 'fast-check'
import {
  type Arithmetic,
  type AtomicOperation,
  alu32,
  alu64,
  atomic,
  type Bytes,
  callLocal,
  exit,
  goto,
  gotol,
  jump,
  jump32,
  label,
  load,
  load64,
  loadSigned,
  mov,
  movsx,
  neg,
  type Operand,
  type Register,
  type Step,
  store,
  swap,
} from '../assemble.ts'
import { ATOMICS, CONDITIONS, EDGES, OPERATIONS } from './operands.ts'

/** Programs find their memory in r7, and change bytes 16 to here. */
export const MEMORY = 128
const FIRST = 16
const STACK = 64
/** A loop counts in r9, which nothing in it changes. */
const COUNTER = 'r9'
const NUMBERS: readonly Register[] = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r8', COUNTER]

/** A piece of a program. Labels are numbered when it is put together, so that it can stand anywhere. */
type Piece = (next: () => string) => Step

interface Surroundings {
  /** Registers that can be changed. */
  readonly free: readonly Register[]
  readonly depth: number
  /** Functions that can be called. */
  readonly functions: readonly string[]
}

export const word: fc.Arbitrary<bigint> = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
)
const immediate = fc.oneof(
  fc.constantFrom(...EDGES).map((edge) => Number(BigInt.asIntN(32, edge))),
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
)
const bits = fc.constantFrom<64 | 32>(64, 32)
const size = fc.constantFrom<Bytes>(1, 2, 4, 8)
const anyNumber = fc.constantFrom(...NUMBERS)
const operand: fc.Arbitrary<Operand> = fc.oneof(anyNumber, immediate)

/** The verifier refuses to divide by the constant 0, and to shift by what is no amount. */
function acceptable(width: 64 | 32, operation: Arithmetic, value: Operand): Operand {
  if (typeof value !== 'number') return value
  if (['lsh', 'rsh', 'arsh'].includes(operation)) return value & (width - 1)
  return ['div', 'mod', 'sdiv', 'smod'].includes(operation) && value === 0 ? 3 : value
}

const inMemory = (bytes: Bytes, at: number): number => FIRST + (at % (MEMORY - FIRST - bytes + 1))
const onStack = (bytes: Bytes, at: number): number => -STACK + (at % (STACK / bytes)) * bytes

function simple({ free }: Surroundings): fc.Arbitrary<Step> {
  const target = fc.constantFrom(...free)
  const place = fc.nat(1000)
  return fc
    .oneof(
      { arbitrary: fc.tuple(bits, fc.constantFrom(...OPERATIONS), target, operand), weight: 8 },
      { arbitrary: fc.tuple(fc.constant('other'), target, anyNumber, fc.nat(20), word), weight: 3 },
      { arbitrary: fc.tuple(fc.constant('load'), target, size, place, fc.boolean()), weight: 2 },
      { arbitrary: fc.tuple(fc.constant('store'), operand, size, place), weight: 2 },
      { arbitrary: fc.tuple(fc.constant('push'), operand, size, place), weight: 2 },
      { arbitrary: fc.tuple(fc.constant('pop'), target, size, place, fc.boolean()), weight: 2 },
      {
        arbitrary: fc.tuple(
          fc.constant('atomic'),
          target,
          fc.constantFrom<4 | 8>(4, 8),
          place,
          fc.constantFrom(...ATOMICS),
        ),
        weight: 2,
      },
    )
    .map((made): Step => {
      switch (made[0]) {
        case 64:
        case 32: {
          const [width, operation, dst, value] = made
          return (width === 64 ? alu64 : alu32)(operation, dst, acceptable(width, operation, value))
        }
        case 'other':
          return other(made[1], made[2], made[3], made[4])
        case 'load':
          return read(made[2], made[1], 'r7', inMemory(made[2], made[3]), made[4])
        case 'store':
          return store(made[2], 'r7', inMemory(made[2], made[3]), made[1])
        case 'push':
          return store(made[2], 'r10', onStack(made[2], made[3]), made[1])
        case 'pop':
          return read(made[2], made[1], 'r10', onStack(made[2], made[3]), made[4])
        case 'atomic':
          return unforeseen(atomic(made[2], made[4], 'r10', onStack(made[2], made[3]), made[1]), made[4], made[1])
        default:
          return []
      }
    })
}

/**
 * What an atomic operation fetches goes through the packet, where the verifier knows no numbers. Where two ways met before it, Linux 6.18
 * was seen to decide a branch by what the other way had left on the stack, and, after a compare-and-exchange of 4 bytes that
 * exchanged, to leave the upper half of r0 as it was.
 */
function unforeseen(step: Step, operation: AtomicOperation, source: Register): Step {
  if (!FETCHING.test(operation)) return step
  const fetched = operation === 'cmpxchg' ? 'r0' : source
  return [step, store(8, 'r7', FIRST, fetched), load(8, fetched, 'r7', FIRST)]
}

const FETCHING = /fetch|xchg/

const read = (bytes: Bytes, dst: Register, base: Register, at: number, signed: boolean): Step =>
  signed && bytes !== 8 ? loadSigned(bytes, dst, base, at) : load(bytes, dst, base, at)

function other(dst: Register, src: Register, which: number, value: bigint): Step {
  const orders = ['le', 'be', 'bswap'] as const
  if (which < 9) return swap(orders[which % 3] ?? 'be', ([16, 32, 64] as const)[Math.floor(which / 3)] ?? 16, dst)
  if (which < 12) return movsx(64, ([8, 16, 32] as const)[which - 9] ?? 8, dst, src)
  if (which < 14) return movsx(32, ([8, 16] as const)[which - 12] ?? 8, dst, src)
  return which < 16 ? neg(which === 14 ? 32 : 64, dst) : load64(dst, value)
}

const comparison = fc.tuple(bits, fc.constantFrom(...CONDITIONS), anyNumber, operand).map(
  ([width, condition, a, b]) =>
    (to: string) =>
      (width === 64 ? jump : jump32)(condition, a, b, to),
)

const branch = (around: Surroundings): fc.Arbitrary<Piece> =>
  fc
    .tuple(comparison, pieces(around, 4), pieces(around, 3), fc.boolean())
    .map(([compare, then, otherwise, long]) => (next) => {
      const [skip, end] = [next(), next()]
      return [compare(skip), then(next), (long ? gotol : goto)(end), label(skip), otherwise(next), label(end)]
    })

function loop(around: Surroundings): fc.Arbitrary<Piece> {
  const within = { ...around, depth: 0, free: around.free.filter((register) => register !== COUNTER) }
  return fc.tuple(fc.integer({ min: 1, max: 5 }), pieces(within, 5)).map(([rounds, body]) => (next) => {
    const again = next()
    return [mov(COUNTER, rounds), label(again), body(next), alu64('sub', COUNTER, 1), jump('jne', COUNTER, 0, again)]
  })
}

/** A callee gets the memory in r5. What it leaves in r1 to r5 is nobody's business. */
const calling = ({ functions }: Surroundings): fc.Arbitrary<Piece> =>
  fc
    .tuple(fc.constantFrom(...functions), fc.array(immediate, { minLength: 5, maxLength: 5 }))
    .map(([name, after]) => () => [
      mov('r5', 'r7'),
      callLocal(name),
      after.map((value, index) => mov(NUMBERS[index + 1] ?? 'r1', value)),
    ])

function piece(around: Surroundings): fc.Arbitrary<Piece> {
  const plain = simple(around).map(
    (step): Piece =>
      () =>
        step,
  )
  const inner = { ...around, depth: around.depth - 1 }
  const canCall = around.functions.length > 0 && around.free.includes(COUNTER)
  return fc.oneof(
    { arbitrary: plain, weight: 12 },
    ...(around.depth > 0 ? [{ arbitrary: branch(inner), weight: 2 }] : []),
    ...(around.depth > 0 && around.free.includes(COUNTER) ? [{ arbitrary: loop(inner), weight: 1 }] : []),
    ...(canCall ? [{ arbitrary: calling(around), weight: 1 }] : []),
  )
}

const pieces = (around: Surroundings, most: number): fc.Arbitrary<Piece> =>
  fc.array(piece(around), { maxLength: most }).map((all) => (next) => all.map((one) => one(next)))

const written: Step = Array.from({ length: STACK / 8 }, (_, index) =>
  store(8, 'r10', -8 * (index + 1), index * 0x1234567),
)

function functionNamed(name: string, functions: readonly string[]): fc.Arbitrary<Piece> {
  const around = { free: NUMBERS, depth: 1, functions }
  return fc
    .tuple(pieces(around, 8), fc.array(immediate, { minLength: 5, maxLength: 5 }))
    .map(([body, first]) => (next) => [
      label(name),
      mov('r7', 'r5'),
      NUMBERS.map((register, index) => mov(register, first[index] ?? 0)),
      written,
      body(next),
      exit,
    ])
}

/** A program from where its memory is in r7 to its end. What it found out, all registers that hold numbers, it leaves in the memory. */
export interface Generated {
  readonly steps: Step
  /** What it calls. */
  readonly functions: Step
}

export const generated: fc.Arbitrary<Generated> = fc
  .tuple(
    pieces({ free: NUMBERS, depth: 2, functions: ['f', 'g'] }, 14),
    functionNamed('f', ['g']),
    functionNamed('g', []),
  )
  .map(([body, f, g]) => {
    let labels = 0
    const next = () => `l${labels++}`
    // What nothing reaches is refused.
    const called = ['f', 'g'].map((name) => [mov('r5', 'r7'), callLocal(name)])
    const started = NUMBERS.map((register, index) => load(8, register, 'r7', FIRST + 8 * index))
    const ended = NUMBERS.map((register, index) => store(8, 'r7', FIRST + 8 * index, register))
    return { steps: [written, called, started, body(next), ended, exit], functions: [f(next), g(next)] }
  })
