import { describe, expect, test } from 'vitest'
import { fromCString, viewOf } from '../base/bytes.ts'
import { decode } from './decode.ts'
import { elfObject } from './elf.ts'
import type { Layout, Scalar } from './layout.ts'
import type { Hook, Instruction, MapDescription, Program } from './program.ts'

const u32: Scalar = { kind: 'scalar', size: 4, signed: false, align: 4 }
const u64: Scalar = { kind: 'scalar', size: 8, signed: false, align: 8 }
const value: Layout = { kind: 'struct', size: 8, align: 8, fields: [{ name: 'seen', offset: 0, layout: u64 }] }
const stations: MapDescription = { kind: 'lru_hash', key: u64, value, entries: 100 }
const counters: MapDescription = { kind: 'percpu_array', key: u32, value, entries: 7 }

const insn = (opcode: number, more: Partial<Instruction> = {}): Instruction => ({
  opcode,
  dst: 0,
  src: 0,
  offset: 0,
  imm: 0,
  ...more,
})
const mov = insn(0xb7, { line: 0 })
const load = (map: string): Instruction => insn(0x18, { dst: 1, src: 1, line: 1, map })
const exit = insn(0x95, { line: 2 })

const programOf = (
  name: string,
  instructions: readonly Instruction[],
  maps: Record<string, MapDescription> = {},
  hook: Hook = 'tc',
): Program => ({
  name,
  hook,
  instructions,
  maps,
  lines: ['first()', 'second()', 'third()'].map((text, index) => ({ file: 'a.ts', line: index + 1, column: 3, text })),
  stack: 0,
})

interface Read {
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly bytes: Uint8Array
  readonly link: number
  readonly info: number
  readonly entrySize: number
}

/** The sections of an object by name, without the empty first one. */
function sectionsOf(object: Uint8Array): Map<string, Read> {
  const view = viewOf(object)
  const [table, count, names] = [
    Number(view.getBigUint64(40, true)),
    view.getUint16(60, true),
    view.getUint16(62, true),
  ]
  const long = (at: number) => Number(view.getBigUint64(at, true))
  const bytesAt = (header: number) => object.subarray(long(header + 24), long(header + 24) + long(header + 32))
  const strings = bytesAt(table + names * 64)
  const all = Array.from({ length: count }, (_, index) => table + index * 64).map(
    (at): Read => ({
      name: fromCString(strings.subarray(view.getUint32(at, true))),
      type: view.getUint32(at + 4, true),
      flags: long(at + 8),
      bytes: bytesAt(at),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
      entrySize: long(at + 56),
    }),
  )
  expect(all[0]).toMatchObject({ name: '', type: 0 })
  return new Map(all.slice(1).map((section) => [section.name, section]))
}

const nameOf = (sections: Map<string, Read>, number: number): string | undefined => [...sections.keys()][number - 1]

/** `name section offset size kind` of each symbol. */
function symbolsOf(sections: Map<string, Read>): string[] {
  const { bytes, link, info, entrySize } = sections.get('.symtab')!
  expect([nameOf(sections, link), info, entrySize]).toEqual(['.strtab', 1, 24])
  const strings = sections.get('.strtab')!.bytes
  const view = viewOf(bytes)
  return Array.from({ length: bytes.length / 24 - 1 }, (_, index) => (index + 1) * 24).map((at) => {
    const name = fromCString(strings.subarray(view.getUint32(at, true)))
    const [offset, size] = [view.getBigUint64(at + 8, true), view.getBigUint64(at + 16, true)]
    expect(view.getUint8(at + 4) >> 4, 'global').toBe(1)
    const kind = { 1: 'object', 2: 'function' }[view.getUint8(at + 4) & 0xf]
    return `${name} ${nameOf(sections, view.getUint16(at + 6, true))} ${offset} ${size} ${kind}`
  })
}

function relocationsOf(sections: Map<string, Read>, name: string): string[] {
  const { bytes, link, info } = sections.get(`.rel${name}`)!
  expect([nameOf(sections, link), nameOf(sections, info)]).toEqual(['.symtab', name])
  const symbols = symbolsOf(sections)
  const view = viewOf(bytes)
  return Array.from({ length: bytes.length / 16 }, (_, index) => index * 16).map((at) => {
    const [symbol] = symbols[view.getUint32(at + 12, true) - 1]!.split(' ')
    return `${view.getBigUint64(at, true)} ${symbol} type ${view.getUint32(at + 8, true)}`
  })
}

/** The strings of .BTF by offset, and a part of .BTF.ext as rows `section: record; record`. */
function extension(sections: Map<string, Read>, part: 'func_info' | 'line_info'): string[] {
  const btf = sections.get('.BTF')!.bytes
  const text = (offset: number) => fromCString(btf.subarray(24 + viewOf(btf).getUint32(16, true) + offset))
  const { bytes } = sections.get('.BTF.ext')!
  const view = viewOf(bytes)
  expect([view.getUint16(0, true), view.getUint8(2), view.getUint32(4, true)]).toEqual([0xeb9f, 1, 24])
  const [at, length] = part === 'func_info' ? [8, 12] : [16, 20]
  let place = 24 + view.getUint32(at, true)
  const end = place + view.getUint32(length, true)
  const rows: string[] = []
  if (place === end) return rows
  const size = view.getUint32(place, true)
  expect(size).toBe(part === 'func_info' ? 8 : 16)
  for (place += 4; place < end; ) {
    const [section, count] = [text(view.getUint32(place, true)), view.getUint32(place + 4, true)]
    place += 8
    for (let index = 0; index < count; index++, place += size) {
      const word = (number: number) => view.getUint32(place + number * 4, true)
      const more = part === 'func_info' ? '' : ` ${text(word(1))}:${word(3) >>> 10} ${text(word(2))}`
      rows.push(`${section} ${word(0)}${more}`)
    }
  }
  expect(place).toBe(end)
  return rows
}

test('the header says: 64 bits, little-endian, relocatable, BPF', () => {
  const object = elfObject([programOf('p', [mov, exit])])
  expect([...object.subarray(0, 20)]).toEqual([
    0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 247, 0,
  ])
  expect(viewOf(object).getUint16(52, true)).toBe(64)
})

test('a program without maps: a section of its hook, and no sections for maps', () => {
  const sections = sectionsOf(elfObject([programOf('p', [mov, exit], {}, 'xdp')]))
  expect([...sections.keys()]).toEqual(['xdp', 'license', '.BTF', '.BTF.ext', '.strtab', '.shstrtab', '.symtab'])
  expect(sections.get('xdp')).toMatchObject({ type: 1, flags: 6 })
  expect(decode(sections.get('xdp')!.bytes).map(({ opcode }) => opcode)).toEqual([0xb7, 0x95])
  expect(fromCString(sections.get('license')!.bytes)).toBe('Dual BSD/GPL')
  expect(symbolsOf(sections)).toEqual(['p xdp 0 16 function'])
})

describe('two programs of one hook, one of another', () => {
  const sections = sectionsOf(
    elfObject([
      programOf('a', [mov, load('stations'), load('counters'), exit], { stations, counters }),
      programOf('x', [mov, exit], {}, 'xdp'),
      programOf('b', [load('counters'), exit], { counters: { ...counters } }),
    ]),
  )

  test('share the section of their hook, and the map of one name', () => {
    expect(symbolsOf(sections)).toEqual([
      'a tc 0 48 function',
      'b tc 48 24 function',
      'x xdp 0 16 function',
      'stations .maps 0 32 object',
      'counters .maps 32 32 object',
    ])
    expect(sections.get('.maps')!.bytes).toEqual(new Uint8Array(64))
  })

  test('each load of a map is relocated, and zero until then', () => {
    expect(relocationsOf(sections, 'tc')).toEqual(['8 stations type 1', '24 counters type 1', '48 counters type 1'])
    expect(sections.has('.relxdp')).toBe(false)
    const loads = decode(sections.get('tc')!.bytes).filter(({ opcode }) => opcode === 0x18)
    expect(loads).toEqual(loads.map((one) => ({ ...one, dst: 1, src: 0, imm: 0n })))
  })

  test('.BTF.ext counts bytes from the start of the section', () => {
    expect(extension(sections, 'func_info')).toEqual(['tc 0', 'tc 48', 'xdp 0'])
    expect(extension(sections, 'line_info')).toEqual([
      'tc 0 a.ts:1 first()',
      'tc 8 a.ts:2 second()',
      'tc 40 a.ts:3 third()',
      'tc 48 a.ts:2 second()',
      'tc 64 a.ts:3 third()',
      'xdp 0 a.ts:1 first()',
      'xdp 8 a.ts:3 third()',
    ])
  })
})

describe('functions that programs call', () => {
  const call = (imm: number) => insn(0x85, { src: 1, imm })
  // inner is called by outer alone.
  const calling = (name: string): Program => ({
    ...programOf(name, [load('counters'), call(3), exit, mov, exit, call(-3), exit], { counters }),
    functions: [
      { name: 'inner', slot: 4, parameters: ['u64'] },
      { name: 'outer', slot: 6, parameters: ['context', 'u32'] },
    ],
  })
  const sections = sectionsOf(elfObject([calling('a'), calling('b')]))

  test('lie in .text, with the names of their programs before theirs', () => {
    expect(symbolsOf(sections)).toEqual([
      'a_inner .text 0 16 function',
      'a_outer .text 16 16 function',
      'b_inner .text 32 16 function',
      'b_outer .text 48 16 function',
      'a tc 0 32 function',
      'b tc 32 32 function',
      'counters .maps 0 32 object',
    ])
  })

  test('calls out of a program are relocated; those in .text are not', () => {
    expect(relocationsOf(sections, 'tc')).toEqual([
      '0 counters type 1',
      '16 a_outer type 10',
      '32 counters type 1',
      '48 b_outer type 10',
    ])
    expect(sections.has('.rel.text')).toBe(false)
    const calls = (name: string) => decode(sections.get(name)!.bytes).filter(({ opcode }) => opcode === 0x85)
    expect(calls('tc').map(({ imm }) => imm)).toEqual([-1, -1])
    expect(calls('.text').map(({ imm }) => imm)).toEqual([-3, -3])
  })

  test('have func_info', () => {
    expect(extension(sections, 'func_info')).toEqual(['.text 0', '.text 16', '.text 32', '.text 48', 'tc 0', 'tc 32'])
  })

  test('may not be called like a program', () => {
    expect(() => elfObject([calling('a'), programOf('a_inner', [exit])])).toThrow('"a_inner"')
  })
})

test('a program without lines has no line_info', () => {
  const sections = sectionsOf(elfObject([programOf('p', [insn(0xb7), insn(0x95)])]))
  expect(extension(sections, 'line_info')).toEqual([])
  expect(extension(sections, 'func_info')).toEqual(['tc 0'])
})

test('names become C identifiers', () => {
  const sections = sectionsOf(elfObject([programOf('lan/p-0', [load('a-b'), exit], { 'a-b': stations })]))
  expect(symbolsOf(sections)).toEqual(['lan_p_0 tc 0 24 function', 'a_b .maps 0 32 object'])
})

const withStations = (name: string, map = stations): Program =>
  programOf(name, [load('stations'), exit], { stations: map })

test('a map whose value is addressed is a variable in a section of its own', () => {
  const cell: MapDescription = { ...counters, kind: 'array', value, entries: 1 }
  const program = programOf('p', [load('stations'), { ...load('cell'), mapValue: 4 }, exit], { stations, cell })
  const sections = sectionsOf(elfObject([program]))
  expect(sections.get('.data.cell')?.bytes).toEqual(new Uint8Array(value.size))
  expect(symbolsOf(sections)).toContain(`cell .data.cell 0 ${value.size} object`)
  expect(relocationsOf(sections, 'tc')).toEqual(['0 stations type 1', '16 cell type 1'])
  // What is added to the address.
  const [, second] = decode(sections.get('tc')!.bytes)
  expect(second).toMatchObject({ src: 0, imm: 4n })
})

test.each<{ what: string; programs: readonly Program[]; says: string }>([
  { what: 'nothing', programs: [], says: 'needs a program' },
  {
    what: 'programs of one name',
    programs: [withStations('p'), withStations('p')],
    says: 'two of the programs are called "p"',
  },
  {
    what: 'programs of one name as identifiers',
    programs: [withStations('p-1'), withStations('p_1')],
    says: '"p-1" and "p_1" are both p_1',
  },
  {
    what: 'a program and a map of one name',
    programs: [withStations('stations')],
    says: '"stations" is a program and a map',
  },
  {
    what: 'two maps of one name',
    programs: [withStations('p'), withStations('q', { ...stations, entries: 99 })],
    says: 'the map "stations" of the program "q" is not the one',
  },
  { what: 'a map without description', programs: [programOf('p', [load('x'), exit])], says: 'does not describe it' },
  {
    what: 'the address of a value',
    programs: [programOf('p', [{ ...load('x'), mapValue: 8 }, exit], { x: { ...stations, kind: 'array' } })],
    says: 'the address of a value of the map "x"',
  },
  {
    what: 'a function without a name',
    programs: [programOf('p', [insn(0x85, { src: 1, imm: 1 }), exit, mov, exit])],
    says: 'it calls a function that has no name',
  },
])('refuses $what', ({ programs, says }) => {
  expect(() => elfObject(programs)).toThrow(says)
})
