import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { LDDW } from './opcodes.ts'

const field = { dst: fc.nat(15), src: fc.nat(15), offset: fc.integer({ min: -0x8000, max: 0x7fff }) }
const short = fc.record({
  opcode: fc.nat(255).filter((opcode) => opcode !== LDDW),
  ...field,
  imm: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
})
const wide = fc.record({
  opcode: fc.constant(LDDW),
  ...field,
  imm: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
})

test('what was encoded is decoded, whatever it is', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(short, wide)), (instructions) => {
      expect(decode(encode(instructions))).toEqual(instructions)
    }),
  )
})

test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is no immediate', (imm) => {
  expect(() => encode([{ opcode: 0xb7, dst: 0, src: 0, offset: 0, imm }])).toThrow(RangeError)
})

test('what was decoded is encoded', () => {
  const slot = fc.uint8Array({ minLength: 8, maxLength: 8 }).filter(([opcode]) => opcode !== LDDW)
  fc.assert(
    fc.property(fc.array(slot), (slots) => {
      const bytes = Uint8Array.from(slots.flatMap((each) => [...each]))
      expect(encode(decode(bytes))).toEqual(bytes)
    }),
  )
})
