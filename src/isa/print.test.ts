import { expect, test } from 'vitest'
import type { Layout } from './layout.ts'
import { printInstruction, printProgram } from './print.ts'
import type { Instruction, Program } from './program.ts'

const at = (opcode: number, more: Partial<Instruction> = {}): Instruction => ({
  opcode,
  dst: 0,
  src: 0,
  offset: 0,
  imm: 0,
  ...more,
})

test.each<[string, Instruction]>([
  ['r1 += r2', at(0x0f, { dst: 1, src: 2 })],
  ['r1 += -8', at(0x07, { dst: 1, imm: -8 })],
  ['w1 = w2', at(0xbc, { dst: 1, src: 2 })],
  ['w0 = 2', at(0xb4, { imm: 2 })],
  ['r1 /= 10', at(0x37, { dst: 1, imm: 10 })],
  ['r1 s/= r2', at(0x3f, { dst: 1, src: 2, offset: 1 })],
  ['w1 s%= w2', at(0x9c, { dst: 1, src: 2, offset: 1 })],
  ['r1 <<= 32', at(0x67, { dst: 1, imm: 32 })],
  ['r1 s>>= 32', at(0xc7, { dst: 1, imm: 32 })],
  ['w1 &= 0xff', at(0x54, { dst: 1, imm: 255 })],
  ['r1 &= 0xfffffffffffffff0', at(0x57, { dst: 1, imm: -16 })],
  ['w1 &= 0xfffffff0', at(0x54, { dst: 1, imm: -16 })],
  ['r1 |= 1', at(0x47, { dst: 1, imm: 1 })],
  ['r3 = -r3', at(0x87, { dst: 3 })],
  ['w3 = -w3', at(0x84, { dst: 3 })],
  ['r1 = (s8)r2', at(0xbf, { dst: 1, src: 2, offset: 8 })],
  ['w1 = (s16)w2', at(0xbc, { dst: 1, src: 2, offset: 16 })],
  ['r0 = be16 r0', at(0xdc, { imm: 16 })],
  ['r0 = le64 r0', at(0xd4, { imm: 64 })],
  ['r0 = bswap32 r0', at(0xd7, { imm: 32 })],
  ['r1 = *(u32 *)(r1 +76)', at(0x61, { dst: 1, src: 1, offset: 76 })],
  ['r1 = *(u8 *)(r10 -8)', at(0x71, { dst: 1, src: 10, offset: -8 })],
  ['r1 = *(s16 *)(r2 +0)', at(0x89, { dst: 1, src: 2 })],
  ['*(u64 *)(r10 -8) = r1', at(0x7b, { dst: 10, src: 1, offset: -8 })],
  ['*(u16 *)(r1 +12) = 0', at(0x6a, { dst: 1, offset: 12 })],
  ['lock *(u64 *)(r0 +0) += r1', at(0xdb, { src: 1 })],
  ['lock *(u32 *)(r0 +4) |= r1', at(0xc3, { src: 1, offset: 4, imm: 0x40 })],
  ['r1 = atomic64_fetch_add((u64 *)(r0 +0), r1)', at(0xdb, { src: 1, imm: 0x01 })],
  ['r1 = atomic_fetch_xor((u32 *)(r0 +0), r1)', at(0xc3, { src: 1, imm: 0xa1 })],
  ['r1 = atomic64_xchg((u64 *)(r0 +0), r1)', at(0xdb, { src: 1, imm: 0xe1 })],
  ['r2 = load_acquire((u16 *)(r1 +4))', at(0xcb, { dst: 2, src: 1, offset: 4, imm: 0x100 })],
  ['store_release((u64 *)(r2 -8), r1)', at(0xdb, { dst: 2, src: 1, offset: -8, imm: 0x110 })],
  ['r0 = atomic_cmpxchg((u32 *)(r2 +8), r0, r1)', at(0xc3, { dst: 2, src: 1, offset: 8, imm: 0xf1 })],
  ['r1 = 0x123456789abcdef0 ll', at(0x18, { dst: 1, imm: 0x123456789abcdef0n })],
  ['r1 = map[stations] ll', at(0x18, { dst: 1, src: 1, map: 'stations' })],
  ['r1 = map[cells][0]+8 ll', at(0x18, { dst: 1, src: 2, map: 'cells', mapValue: 8 })],
  ['if r2 > r3 goto +5', at(0x2d, { dst: 2, src: 3, offset: 5 })],
  ['if w2 s<= -1 goto -3', at(0xd6, { dst: 2, imm: -1, offset: -3 })],
  ['if r2 & 0x10 goto +0', at(0x45, { dst: 2, imm: 16 })],
  ['goto +5', at(0x05, { offset: 5 })],
  ['gotol -70000', at(0x06, { imm: -70000 })],
  ['may_goto +5', at(0xe5, { offset: 5 })],
  ['(0xe5) unknown', at(0xe5, { src: 1 })],
  ['call map_lookup_elem#1', at(0x85, { imm: 1 })],
  ['call pc +7', at(0x85, { src: 1, imm: 7 })],
  ['call r2', at(0x8d, { dst: 2 })],
  ['exit', at(0x95)],
  ['(0xff) unknown', at(0xff)],
])('%s', (text, instruction) => {
  expect(printInstruction(instruction)).toBe(text)
})

const u64: Layout = { kind: 'scalar', size: 8, signed: false, align: 8 }

test('a program is listed under the lines it came from', () => {
  const program: Program = {
    name: 'switch',
    hook: 'tc',
    instructions: [
      at(0xbf, { dst: 6, src: 1 }),
      at(0x61, { dst: 2, src: 6, offset: 80, line: 0 }),
      at(0x2d, { dst: 3, src: 2, offset: 5, line: 0 }),
      at(0x18, { dst: 1, src: 1, map: 'stations', line: 1 }),
      at(0x85, { imm: 1, line: 2 }),
      at(0x15, { dst: 0, offset: 1, line: 2 }),
      at(0x05, { offset: -6, line: 2 }),
      at(0xb4, { imm: 2, line: 0 }),
      at(0x95, { line: 0 }),
    ],
    maps: { stations: { kind: 'lru_hash', key: u64, value: u64, entries: 65536 } },
    lines: [
      { file: 'dataplane.ts', line: 14, column: 3, text: "  if (!eth) return drop('truncated')" },
      { file: 'dataplane.ts', line: 16, column: 19, text: '  const station = state.stations.get(eth.destination)' },
      { file: 'dataplane.ts', line: 16, column: 3, text: '  const station = state.stations.get(eth.destination)' },
    ],
    stack: 16,
  }
  expect(printProgram(program)).toBe(`tc program "switch": 9 instructions in 10 slots, 16 bytes of stack
map stations: lru_hash of 65536, 8 → 8 bytes

     0: r6 = r1

dataplane.ts:14  if (!eth) return drop('truncated')
     1: r2 = *(u32 *)(r6 +80)
  >  2: if r3 > r2 goto 8

dataplane.ts:16  const station = state.stations.get(eth.destination)
     3: r1 = map[stations] ll
     5: call map_lookup_elem#1
     6: if r0 == 0 goto 8
     7: goto 2

dataplane.ts:14  if (!eth) return drop('truncated')
  >  8: w0 = 2
     9: exit
`)
})

test('functions have a heading, and calls name them', () => {
  const none = { dst: 0, src: 0, offset: 0, imm: 0 }
  const program: Program = {
    name: 'p',
    hook: 'tc',
    instructions: [
      { ...none, opcode: 0x85, src: 1, imm: 1 },
      { ...none, opcode: 0x95 },
      { ...none, opcode: 0xb7, imm: 7 },
      { ...none, opcode: 0x95 },
    ],
    functions: [{ name: 'seven', slot: 2, parameters: ['context', 'u32'] }],
    maps: {},
    lines: [],
    stack: 64,
  }
  expect(printProgram(program)).toBe(`tc program "p": 4 instructions, 64 bytes of stack

     0: call seven
     1: exit

function seven(context, u32)
     2: r0 = 7
     3: exit
`)
})
