import { expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import type { Instruction, Program } from '../../isa/program.ts'
import { alu64, assemble, exit, load64, loadMap, loadMapValue, mov, type Step, store, verdict } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { frameOf } from './frame.ts'
import { mapOf } from './layouts.ts'

const raw = (instruction: Partial<Instruction>): Instruction => ({
  opcode: 0,
  dst: 0,
  src: 0,
  offset: 0,
  imm: 0,
  ...instruction,
})

const goto = (offset: number): Instruction => raw({ opcode: 0x05, offset })

const WRONG: readonly (readonly [what: string, steps: readonly Step[]])[] = [
  ['no instructions', []],
  ['no exit at its end', [mov('r0', 0)]],
  ['a conditional jump at its end', [mov('r0', 0), raw({ opcode: 0x15, offset: -2 })]],
  ['a jump behind its end', [mov('r0', 0), goto(1), exit]],
  ['a jump before its beginning', [mov('r0', 0), goto(-3), exit]],
  ['a jump into the middle of lddw', [mov('r0', 0), goto(1), load64('r0', 1n), exit]],
  ['an instruction that is never reached', [mov('r0', 0), exit, mov('r0', 1), exit]],
  ['an unknown arithmetic opcode', [raw({ opcode: 0xe7 }), ...[verdict(0)]]],
  ['an unknown jump', [mov('r0', 0), raw({ opcode: 0xf5 }), exit]],
  ['a budget of another kind', [raw({ opcode: 0xe5, src: 1 }), verdict(0)]],
  ['a load of an unknown mode', [raw({ opcode: 0x41, src: 1 }), verdict(0)]],
  ['a register that does not exist', [raw({ opcode: 0xb7, dst: 11 }), verdict(0)]],
  ['a write to the frame pointer', [mov('r10', 0), verdict(0)]],
  ['an addition to the frame pointer', [alu64('add', 'r10', 8), verdict(0)]],
  ['a division by the constant 0', [mov('r0', 1), alu64('div', 'r0', 0), exit]],
  ['a shift by 64', [mov('r0', 1), alu64('lsh', 'r0', 64), exit]],
  ['a byte swap of 24 bits', [mov('r0', 1), raw({ opcode: 0xdc, imm: 24 }), exit]],
  ['an unused field that is not zero', [mov('r0', 0), raw({ opcode: 0x95, imm: 1 })]],
  ['an offset without a meaning', [raw({ opcode: 0x07, offset: 1, imm: 1 }), verdict(0)]],
  [
    'an atomic operation that does not exist',
    [store(8, 'r10', -8, 0), raw({ opcode: 0xdb, dst: 10, offset: -8, imm: 0x10 }), verdict(0)],
  ],
  ['an atomic operation on 2 bytes', [store(8, 'r10', -8, 0), raw({ opcode: 0xcb, dst: 10, offset: -8 }), verdict(0)]],
  ['a helper that does not exist', [raw({ opcode: 0x85, imm: 99_999 }), exit]],
  ['a local call outside', [raw({ opcode: 0x85, src: 1, imm: 50 }), exit]],
]

export function refusalSuite(open: () => Machine): void {
  test.each(WRONG)('a program with %s', (_, steps) => {
    using machine = open()
    expect(() => machine.load(assemble('wrong', 'tc', steps), {})).toThrow(Refusal)
  })

  test('a program of XDP with a helper of TC', () => {
    using machine = open()
    const steps = [mov('r2', 1), mov('r3', 0), raw({ opcode: 0x85, imm: 13 }), exit]
    using ofTc = machine.load(assemble('clone', 'tc', steps), {})
    expect(ofTc.program.hook).toBe('tc')
    expect(() => machine.load(assemble('clone', 'xdp', steps), {})).toThrow(Refusal)
  })

  test('a refusal names the program and what is wrong with it', () => {
    using machine = open()
    expect(() => machine.load(assemble('endless', 'tc', [mov('r0', 0)]), {})).toThrow(/"endless"/)
  })

  const reader = (map: Step): Program =>
    assemble('reader', 'tc', [map, verdict(0)], { maps: { map: mapOf('hash', 4) } })

  test('a map that was not given', () => {
    using machine = open()
    expect(() => machine.load(reader(loadMap('r1', 'map')), {})).toThrow(Refusal)
  })

  test('a map that the program does not describe', () => {
    using machine = open()
    using map = machine.createMap('other', mapOf('hash', 4))
    expect(() => machine.load(reader(loadMap('r1', 'other')), { map, other: map })).toThrow(/"other"/)
  })

  test('a map of another description than the program’s', () => {
    using machine = open()
    using map = machine.createMap('map', mapOf('hash', 8))
    expect(() => machine.load(reader(loadMap('r1', 'map')), { map })).toThrow(Refusal)
  })

  test.each([
    ['of a hash map', mapOf('hash', 1), 0],
    ['of an array of two entries', mapOf('array', 2), 0],
    ['behind its end', mapOf('array', 1), 8],
  ])('the address of a value %s', (_, description, offset) => {
    using machine = open()
    using map = machine.createMap('map', description)
    const program = assemble('cell', 'tc', [loadMapValue('r1', 'map', offset), verdict(0)], {
      maps: { map: description },
    })
    expect(() => machine.load(program, { map })).toThrow(Refusal)
  })

  test('after a refusal the machine goes on', () => {
    using machine = open()
    expect(() => machine.load(assemble('wrong', 'tc', []), {})).toThrow(Refusal)
    using program = machine.load(assemble('right', 'tc', [verdict(3)]), {})
    expect(program.run(frameOf()).verdict).toBe(3)
  })
}
