/** `execute` against the model of the standard: programs that are valid, and what becomes of them when they are damaged. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Arithmetic, alu32, alu64, assemble, exit, load, mov, type Step, store } from '../backend/assemble.ts'
import { generated, MEMORY } from '../backend/suite/generate.ts'
import { type Layout, model, Trap, Unknown } from '../backend/suite/model.ts'
import { EDGES, IMMEDIATES, OPERATIONS } from '../backend/suite/operands.ts'
import { toHex, viewOf } from '../base/bytes.ts'
import { Refusal } from '../base/diagnostic.ts'
import { decode } from '../isa/decode.ts'
import { encode } from '../isa/encode.ts'
import { printProgram } from '../isa/print.ts'
import { execute } from './execute.ts'
import { Fault } from './fault.ts'

const bytesOf = (...steps: readonly Step[]): Uint8Array => encode(assemble('test', 'tc', steps).instructions)
const listing = (bytes: Uint8Array): string =>
  printProgram({ name: 'test', hook: 'tc', instructions: decode(bytes), maps: {}, lines: [], stack: 0 })

describe.each([
  [64, alu64],
  [32, alu32],
] as const)('arithmetic on %i bits with every constant, those too that the kernel refuses', (_, alu) => {
  test.each(OPERATIONS)('%s', (operation: Arithmetic) => {
    const bytes = bytesOf(
      mov('r7', 'r1'),
      IMMEDIATES.map((value, index) => [
        load(8, 'r3', 'r7', 0),
        alu(operation, 'r3', value),
        store(8, 'r7', 8 * (index + 1), 'r3'),
      ]),
      mov('r0', 'r3'),
      exit,
    )
    for (const edge of EDGES) {
      const memory = new Uint8Array(8 * (IMMEDIATES.length + 1))
      viewOf(memory).setBigUint64(0, edge, true)
      const expected = memory.slice()
      expect(execute(bytes, memory)).toBe(model(decode(bytes), expected))
      expect(toHex(memory)).toBe(toHex(expected))
    }
  })
})

const memory = fc.uint8Array({ minLength: MEMORY, maxLength: MEMORY })
const program = generated.map(({ steps, functions }) => bytesOf(mov('r7', 'r1'), steps, functions))

test('whole programs', () => {
  fc.assert(
    fc.property(program, memory, (bytes, before) => {
      const [found, expected] = [before.slice(), before.slice()]
      expect(execute(bytes, found), listing(bytes)).toBe(model(decode(bytes), expected))
      expect(toHex(found)).toBe(toHex(expected))
    }),
    { numRuns: 200 },
  )
})

/** A change of a program: bits, a byte, an instruction gone, doubled or from elsewhere, or its end. */
type Damage = (bytes: Uint8Array) => Uint8Array

const at = (where: number, length: number): number => where % Math.max(1, length)
const slice = (bytes: Uint8Array, from: number, to?: number): number[] => [...bytes.slice(8 * from, to && 8 * to)]

const damage: fc.Arbitrary<Damage> = fc
  .tuple(fc.nat(5), fc.nat(), fc.nat(), fc.nat(255))
  .map(([kind, where, from, value]) => (bytes) => {
    const slots = Math.ceil(bytes.length / 8)
    const [slot, other] = [at(where, slots), at(from, slots)]
    const changed = bytes.slice()
    switch (kind) {
      case 0:
        changed[at(where, bytes.length)] = value
        return changed
      case 1:
        changed[at(where, bytes.length)] = (bytes[at(where, bytes.length)] ?? 0) ^ (1 << (value & 7))
        return changed
      case 2:
        return Uint8Array.from([...slice(bytes, 0, slot), ...slice(bytes, slot + 1)])
      case 3:
        return Uint8Array.from([...slice(bytes, 0, slot), ...slice(bytes, other, other + 1), ...slice(bytes, slot)])
      case 4:
        return bytes.slice(0, at(where, bytes.length))
      default:
        return Uint8Array.from([...slice(bytes, 0, slot), ...slice(bytes, other, other + 1), ...slice(bytes, slot + 1)])
    }
  })

const damaged = fc
  .tuple(program, fc.array(damage, { minLength: 1, maxLength: 4 }))
  .map(([bytes, all]) => all.reduce((before, change) => change(before), bytes))

const BUDGET = 100_000
const CANARY = 0xa5
const AROUND = 64

/** The value, with the memory after it; or the Refusal. Whatever it is, nothing beside the memory was touched. */
function outcome(bytes: Uint8Array, before: Uint8Array): { r0: bigint; memory: Uint8Array } | Refusal {
  const room = new Uint8Array(before.length + 2 * AROUND).fill(CANARY)
  const memory = room.subarray(AROUND, AROUND + before.length)
  memory.set(before)
  try {
    return { r0: execute(bytes, memory, BUDGET), memory }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return error
  } finally {
    expect(
      [...room.subarray(0, AROUND), ...room.subarray(AROUND + before.length)].every((byte) => byte === CANARY),
    ).toBe(true)
  }
}

const GOOD = bytesOf(load(8, 'r0', 'r1', 0), exit)

/** After whatever happened. */
function isUnharmed(): void {
  expect(execute(GOOD, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe(0x0807060504030201n)
}

test('random bytes', () => {
  const words = fc.uint8Array({ maxLength: 400 })
  // Of opcodes that exist, so that some of it is valid.
  const opcodes = fc.constantFrom(
    0x07,
    0x0f,
    0xb7,
    0xbf,
    0x18,
    0x61,
    0x79,
    0x7b,
    0x05,
    0x15,
    0x2d,
    0x85,
    0x8d,
    0x95,
    0xdb,
    0xd4,
    0x06,
  )
  const registers = fc.nat(10).chain((dst) => fc.nat(10).map((src) => dst | (src << 4)))
  const slot = fc
    .tuple(opcodes, registers, fc.integer({ min: -4, max: 4 }), fc.constantFrom(0, 1, 16, -1, 5))
    .map(([opcode, both, offset, imm]) => [
      opcode,
      both,
      offset & 0xff,
      (offset >> 8) & 0xff,
      imm & 0xff,
      imm < 0 ? 255 : 0,
    ])
    .map((bytes) => [...bytes, bytes[5] ?? 0, bytes[5] ?? 0])
  const likely = fc.array(slot, { maxLength: 12 }).map((all) => Uint8Array.from(all.flat()))
  fc.assert(
    fc.property(fc.oneof(words, likely), fc.uint8Array({ maxLength: 16 }), (bytes, before) => {
      const result = outcome(bytes, before)
      if (result instanceof Refusal) expect(result.message).toMatch(/instruction|program/)
    }),
    { numRuns: 3000 },
  )
  isUnharmed()
})

const FIRST: Layout = { memory: 0x10_0000_0000n, stack: 0x80_0000_0000n }
const LAYOUTS: readonly Layout[] = [
  FIRST,
  { memory: 0x1_0000n, stack: 0x8_0000n },
  { memory: 0x1234_5678n, stack: 0xfedc_0008n },
  { memory: 0x7edc_ba98_7654_3210n, stack: 0x1234_5678_9abc_def8n },
  { memory: 0x8123_4567_89ab_cdf8n, stack: 0xfdb9_7531_eca8_6420n },
  { memory: 0xffff_0000_ffff_fff0n, stack: 0x5555_5555_5555_5558n },
]

/** What a program does where its memory is; undefined where the model does not know. */
function modelled(bytes: Uint8Array, before: Uint8Array, layout: Layout): string | undefined {
  const memory = before.slice()
  try {
    return `${model(decode(bytes), memory, layout)} ${toHex(memory)}`
  } catch (error) {
    if (error instanceof Trap) return 'fault'
    if (error instanceof Unknown) return undefined
    throw error
  }
}

test('damaged programs', () => {
  let valid = 0
  fc.assert(
    fc.property(damaged, memory, (bytes, before) => {
      const result = outcome(bytes, before)
      if (result instanceof Refusal && !(result instanceof Fault)) return
      if (result instanceof Fault && /without an end/.test(result.message)) return
      valid++
      const found = result instanceof Refusal ? 'fault' : `${result.r0} ${toHex(result.memory)}`
      const expected = modelled(bytes, before, FIRST)
      if (expected === undefined || expected === found) return
      // Not what the model says, which is a mistake unless it is about where things are.
      const elsewhere = new Set(LAYOUTS.map((layout) => modelled(bytes, before, layout)))
      const why = result instanceof Refusal ? result.message : ''
      if (elsewhere.size === 1) expect(found, `${listing(bytes)}\n${why}`).toBe(expected)
    }),
    { numRuns: 1000 },
  )
  isUnharmed()
  expect(valid).toBeGreaterThan(50)
})
