import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encode, encodeProgram } from './encode.ts'
import { LDDW } from './opcodes.ts'
import type { Instruction, Program } from './program.ts'

const MOV = 0xb7

const of = (instructions: readonly Instruction[], open: Program['open']): Program => ({
  name: 'p',
  hook: 'tc',
  instructions,
  ...(open === undefined ? {} : { open }),
  maps: {},
  lines: [],
  stack: 0,
})

const shape = fc.array(
  fc.record({
    is: fc.constantFrom('narrow', 'wide', 'map'),
    isOpen: fc.boolean(),
    numbers: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  }),
)

test('programs that are alike are encoded as each is by itself, in bytes of its own', () => {
  fc.assert(
    fc.property(shape, (shape) => {
      const open = shape.map(({ isOpen }) => (isOpen ? 0 : undefined))
      const programs = [0, 1, 2].map((which) =>
        of(
          shape.map(({ is, isOpen, numbers }): Instruction => {
            const imm = numbers[isOpen ? which : 0] ?? 0
            if (is === 'narrow') return { opcode: MOV, dst: 1, src: 0, offset: 0, imm }
            const wide = { opcode: LDDW, dst: 2, src: 0, offset: 0 }
            return is === 'wide'
              ? { ...wide, imm: BigInt(imm) << 20n }
              : { ...wide, imm: 0, map: `${which}/map`, mapValue: imm }
          }),
          open,
        ),
      )
      for (const program of programs) {
        const { bytes } = encodeProgram(program)
        expect(bytes).toEqual(encode(program.instructions))
        bytes.fill(0xff)
      }
    }),
  )
})

test('where a program refers to maps is known, whether others are like it or not', () => {
  const wide = { opcode: LDDW, dst: 1, src: 0, offset: 0, imm: 0 }
  const instructions = [wide, { opcode: MOV, dst: 1, src: 0, offset: 0, imm: 7 }, { ...wide, map: 'map' }]
  const ofMap = { index: 2, at: 24 }
  expect(encodeProgram(of(instructions, undefined)).places).toEqual([ofMap])
  const open = [undefined, undefined, undefined]
  for (const _ of [1, 2]) expect(encodeProgram(of(instructions, open)).places).toEqual([ofMap])
})
