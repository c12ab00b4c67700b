import { expect, test } from 'vitest'
import { fromCString, viewOf } from '../base/bytes.ts'
import { mapBtf, programBtf } from './btf.ts'
import type { Layout, Scalar } from './layout.ts'
import type { Instruction, Program } from './program.ts'

const u16: Scalar = { kind: 'scalar', size: 2, signed: false, align: 2 }
const u32: Scalar = { kind: 'scalar', size: 4, signed: false, align: 4 }
const i64: Scalar = { kind: 'scalar', size: 8, signed: true, align: 8 }
const mac: Layout = { kind: 'bytes', role: 'mac', size: 6, align: 1 }
const struct = (size: number, fields: Extract<Layout, { kind: 'struct' }>['fields']): Layout => ({
  kind: 'struct',
  size,
  align: 8,
  fields,
})

const KINDS: Readonly<Record<number, string>> = {
  1: 'int',
  2: 'ptr',
  3: 'array',
  4: 'struct',
  12: 'func',
  13: 'func_proto',
}

/** The types as `bpftool btf dump` would put them, one line each. */
function listing(btf: Uint8Array): string[] {
  const view = viewOf(btf)
  const [header, typesAt, typesLength, stringsAt, stringsLength] = [4, 8, 12, 16, 20].map((at) =>
    view.getUint32(at, true),
  )
  expect([view.getUint16(0, true), view.getUint8(2), header, typesAt]).toEqual([0xeb9f, 1, 24, 0])
  expect([stringsAt, btf.length]).toEqual([typesLength, 24 + typesLength! + stringsLength!])
  const text = (offset: number) => fromCString(btf.subarray(24 + stringsAt! + offset))
  const lines: string[] = []
  for (let at = 24; at < 24 + typesLength!; ) {
    const word = (index: number) => view.getUint32(at + index * 4, true)
    const info = word(1)
    const count = info & 0xffff
    const kind = KINDS[(info >>> 24) & 0x1f] ?? '?'
    const name = text(word(0))
    const details: Readonly<Record<string, () => readonly [number, string]>> = {
      int: () => [1, `${word(3) >>> 24 === 1 ? 'signed ' : ''}${word(3) & 0xff} bits, ${word(2)} bytes`],
      ptr: () => [0, `to ${word(2)}`],
      array: () => [3, `${word(5)} of ${word(3)}`],
      struct: () => [
        3 * count,
        `${word(2)} bytes${Array.from({ length: count }, (_, i) => {
          const offset = word(3 + i * 3 + 2)
          const isBitField = info >>> 31 === 1 && offset >>> 24 > 0
          const bits = isBitField ? `${offset >>> 24} bits at ${offset & 0xffffff}` : `at ${offset & 0xffffff}`
          return `, ${text(word(3 + i * 3))} ${word(3 + i * 3 + 1)} ${bits}`
        }).join('')}`,
      ],
      func: () => [0, `of ${word(2)}`],
      func_proto: () => [2 * count, `${word(2)} (${text(word(3))} ${word(4)})`],
    }
    const rest = details[kind]?.() ?? [0, '?']
    lines.push(`${lines.length + 1}: ${[kind, name].filter((part) => part !== '').join(' ')} ${rest[1]}`)
    at += 12 + rest[0] * 4
  }
  return lines
}

test('a map of structs', () => {
  const key = struct(8, [
    { name: 'vlan', offset: 0, layout: u16 },
    { name: 'mac', offset: 2, layout: mac },
  ])
  const value = struct(16, [
    { name: 'port', offset: 0, layout: u32 },
    { name: 'seen', offset: 8, layout: i64 },
  ])
  const map = mapBtf({ kind: 'hash', key, value, entries: 1 })
  expect(listing(map.btf)).toEqual([
    '1: int u16 16 bits, 2 bytes',
    '2: int u8 8 bits, 1 bytes',
    '3: int u32 32 bits, 4 bytes',
    '4: array 6 of 2',
    '5: struct 8 bytes, vlan 1 at 0, mac 4 at 16',
    '6: int i64 signed 64 bits, 8 bytes',
    '7: struct 16 bytes, port 3 at 0, seen 6 at 64',
  ])
  expect([map.key, map.value]).toEqual([5, 7])
})

test('a list is an array, of structs too', () => {
  const pair = struct(8, [
    { name: 'low', offset: 0, layout: u16 },
    { name: 'high', offset: 4, layout: u32 },
  ])
  const list = { kind: 'list', element: pair, length: 3, size: 24, align: 4 } as const
  const map = mapBtf({
    kind: 'hash',
    key: u16,
    value: struct(24, [{ name: 'pairs', offset: 0, layout: list }]),
    entries: 1,
  })
  expect(listing(map.btf).slice(1)).toEqual([
    '2: int u32 32 bits, 4 bytes',
    '3: struct 8 bytes, low 1 at 0, high 2 at 32',
    '4: array 3 of 3',
    '5: struct 24 bytes, pairs 4 at 0',
  ])
})

test('bit fields count from the lowest bit, and names are made C identifiers', () => {
  const value = struct(4, [
    { name: 'type-of service', offset: 0, layout: u32, bits: { shift: 0, width: 3 } },
    { name: '8', offset: 0, layout: u32, bits: { shift: 3, width: 29 } },
  ])
  const map = mapBtf({ kind: 'hash', key: u32, value, entries: 1 })
  expect(listing(map.btf)[1]).toBe('2: struct 4 bytes, type_of_service 1 3 bits at 0, _8 1 29 bits at 3')
})

test("an array's key is a plain integer, whatever its layout", () => {
  const map = mapBtf({ kind: 'array', key: struct(4, [{ name: 'i', offset: 0, layout: u32 }]), value: u32, entries: 1 })
  expect([listing(map.btf), map.key]).toEqual([['1: int u32 32 bits, 4 bytes'], 1])
})

const insn = (opcode: number, line?: number, rest: Partial<Instruction> = {}): Instruction => ({
  opcode,
  dst: 0,
  src: 0,
  offset: 0,
  imm: 0,
  ...(line === undefined ? {} : { line }),
  ...rest,
})

const programOf = (instructions: readonly Instruction[], lines = 3): Program => ({
  name: 'a/b',
  hook: 'tc',
  instructions,
  maps: {},
  lines: Array.from({ length: lines }, (_, i) => ({ file: 'a.ts', line: 10 + i, column: 5, text: `  line ${i}` })),
  stack: 0,
})

/** `slot: text file:line:column` */
function lineInfo(program: Program): string[] {
  const { btf, lineInfo } = programBtf(program)
  const strings = btf.subarray(24 + viewOf(btf).getUint32(16, true))
  const word = (index: number) => viewOf(lineInfo).getUint32(index * 4, true)
  return Array.from({ length: lineInfo.length / 16 }, (_, i) => {
    const [slot, file, text, position] = [0, 1, 2, 3].map((field) => word(i * 4 + field))
    const where = `${fromCString(strings.subarray(file))}:${position! >>> 10}:${position! & 0x3ff}`
    return `${slot}: ${fromCString(strings.subarray(text))} ${where}`
  })
}

test.each([
  { what: 'one line', instructions: [insn(0xb7, 0), insn(0x95, 0)], expected: ['0: line 0 a.ts:10:5'] },
  {
    what: 'a wide instruction counts two slots',
    instructions: [insn(0x18, 0), insn(0xb7, 1), insn(0x95, 1)],
    expected: ['0: line 0 a.ts:10:5', '2: line 1 a.ts:11:5'],
  },
  {
    what: 'an instruction without a line belongs to the one before',
    instructions: [insn(0xb7, 0), insn(0xb7), insn(0xb7, 0), insn(0x95, 2)],
    expected: ['0: line 0 a.ts:10:5', '3: line 2 a.ts:12:5'],
  },
  {
    what: 'the first instruction always has one',
    instructions: [insn(0xb7), insn(0xb7, 1), insn(0x95)],
    expected: ['0: line 1 a.ts:11:5'],
  },
  {
    what: 'so has the first of every function',
    instructions: [insn(0x85, 0, { src: 1, imm: 1 }), insn(0x95, 0), insn(0xb7, 0), insn(0x95, 0)],
    expected: ['0: line 0 a.ts:10:5', '2: line 0 a.ts:10:5'],
  },
  { what: 'no lines at all', instructions: [insn(0xb7), insn(0x95)], expected: [] },
])('$what', ({ instructions, expected }) => {
  expect(lineInfo(programOf(instructions))).toEqual(expected)
})

test('a program has a function type for each of its functions', () => {
  const program = programOf([insn(0x85, 0, { src: 1, imm: 1 }), insn(0x95), insn(0xb7), insn(0x95)])
  const { btf, funcInfo } = programBtf(program)
  expect(listing(btf)).toEqual([
    '1: struct __sk_buff 0 bytes',
    '2: ptr to 1',
    '3: int i32 signed 32 bits, 4 bytes',
    '4: func_proto 3 (ctx 2)',
    '5: func a_b of 4',
    '6: func a_b_1 of 4',
  ])
  expect(Array.from(new Uint32Array(funcInfo.buffer))).toEqual([0, 5, 2, 6])
})

test('a line number past what BTF can hold is the largest', () => {
  const program = {
    ...programOf([insn(0xb7, 0), insn(0x95, 0)]),
    lines: [{ file: 'a.ts', line: 2 ** 30, column: 5000, text: '' }],
  }
  expect(lineInfo(program)).toEqual(['0:  a.ts:4194303:1023'])
})
