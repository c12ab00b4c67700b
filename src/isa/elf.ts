/**
 * Programs as an object file, the way clang writes them, so that libbpf and what is built on it (bpftool, tc) load it.
 * What libbpf looks for (libbpf.c, functions in parentheses):
 *
 *     tc, xdp         code, a section a hook; a program is a global function symbol   (bpf_object__add_programs)
 *     .text           the functions that programs call: libbpf puts behind each program what it calls
 *                                                                                     (bpf_object__reloc_code)
 *     .rel…           R_BPF_64_64 at each `lddw` of a map, against the map's symbol; R_BPF_64_32 at each call out of a
 *                     program, against the function's                                 (bpf_program__record_reloc)
 *     .maps           zeros: a map is a variable, what it is stands in its type; R_BPF_64_ABS64 where a map is in
 *                     another one at first             (parse_btf_map_def, bpf_object__collect_map_relos; libbpf 0.1)
 *     .data.NAME      zeros: a cell, which libbpf makes a map of                      (bpf_object__init_global_data_maps)
 *     license
 *     .BTF            types, among them one for each map and program
 *     .BTF.ext        func_info and line_info, by section                             (btf_ext_setup_info)
 */
import { concat, cString, viewOf } from '../base/bytes.ts'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { Btf, identifier, mapTypes, programTypes, words } from './btf.ts'
import { type ElfSymbol, elfFile, type Relocation, SECTION_FLAG, type Section } from './elf-file.ts'
import { encode } from './encode.ts'
import { CALL, CLASS, JMP, LICENSE, MAP_FLAGS, MAP_TYPE } from './opcodes.ts'
import {
  type Hook,
  type Instruction,
  isKeyless,
  isRing,
  type MapDescription,
  type Program,
  slotsOf,
} from './program.ts'

/**
 * Which section says which hook (libbpf.c, section_defs). Not `tcx/ingress`: libbpf knows it from 1.3 on, and older ones
 * refuse the object, while `tc` loads everywhere; who attaches by `bpf_program__attach_tcx` sets the attach type first.
 */
export const HOOK_SECTION: Readonly<Record<Hook, string>> = { tc: 'tc', xdp: 'xdp' }

/** LLVM's "BPF ABI": a 64-bit immediate of `lddw`, a 64-bit word, and the target of a call, counted from the instruction after it. */
const [R_BPF_64_64, R_BPF_64_ABS64, R_BPF_64_32] = [1, 2, 10]
/** Where functions lie that no hook runs. */
const TEXT = '.text'

const FUNC_INFO_SIZE = 8
const LINE_INFO_SIZE = 16
const SLOT_SIZE = 8

/** One object of all these programs. A map that several of them name is one map. */
export function elfObject(programs: readonly Program[]): Uint8Array {
  if (programs.length === 0) throw refusal('an object file needs a program')
  for (const program of programs) refuseUnfit(program)
  const symbolled = named(programs.map((program) => [program.name, program] as const))
  const maps = named(withInner(sharedMaps(programs)))
  for (const name of symbolled.keys())
    if (maps.has(name)) throw refusal(`"${name}" is a program and a map: an object file has one symbol of a name`)

  const btf = new Btf()
  const parts = [...symbolled].flatMap(([symbol, program]) => partsOf(symbol, program, btf))
  named(parts.flatMap(({ symbols }) => symbols.map(({ name }) => [name, name] as const)))
  const code = [TEXT, ...Object.values(HOOK_SECTION)]
    .map((section) =>
      layCode(
        section,
        parts.filter((part) => part.section === section),
      ),
    )
    .filter(({ bytes }) => bytes.length > 0)
  let room = 0
  const variables = [...maps].filter(([name]) => isVariable(programs, name))
  const definitions = [...maps]
    .filter(([name]) => !isVariable(programs, name))
    .map(([name, description]) => {
      const { inner } = description
      const members = definition(btf, description)
      const values = inner && btf.pointers(definition(btf, inner))
      const variable = btf.variable(name, btf.pointers(members, values), 'global')
      const place = room + 8 * Object.keys(members).length
      const offset = room
      room = place + (inner === undefined ? 0 : 8)
      const first = inner && { type: R_BPF_64_ABS64, offset: place, symbol: innerOf(name) }
      return { name, variable, offset, size: room - offset, first }
    })
  if (definitions.length > 0) btf.section('.maps', room, definitions)
  for (const [name, { value }] of variables)
    btf.section(`${DATA}${name}`, value.size, [
      { variable: btf.variable(name, btf.layout(value), 'global'), offset: 0, size: value.size },
    ])
  // Before the types are encoded, because it adds the sections' names to their strings.
  const ext = extension(code, btf)

  const { alloc, execute, write } = SECTION_FLAG
  const sections: Section[] = [
    ...code.map(
      ({ section, bytes }): Section => ({ name: section, type: 'progbits', flags: alloc | execute, bytes, align: 8 }),
    ),
    { name: 'license', type: 'progbits', flags: alloc | write, bytes: cString(LICENSE), align: 1 },
    { name: '.maps', type: 'progbits', flags: alloc | write, bytes: new Uint8Array(room), align: 8 },
    ...variables.map(
      ([name, { value }]): Section => ({
        name: `${DATA}${name}`,
        type: 'progbits',
        flags: alloc | write,
        bytes: new Uint8Array(value.size),
        align: 8,
      }),
    ),
    { name: '.BTF', type: 'progbits', bytes: btf.encode(), align: 4 },
    { name: '.BTF.ext', type: 'progbits', bytes: ext, align: 4 },
  ]
  const symbols = [
    ...code.flatMap(({ symbols }) => symbols),
    ...definitions.map(
      ({ name, offset, size }): ElfSymbol => ({ name, type: 'object', section: '.maps', offset, size }),
    ),
    ...variables.map(
      ([name, { value }]): ElfSymbol => ({
        name,
        type: 'object',
        section: `${DATA}${name}`,
        offset: 0,
        size: value.size,
      }),
    ),
  ]
  return elfFile(
    sections.filter(({ name }) => name !== '.maps' || definitions.length > 0),
    symbols,
    Object.fromEntries(
      [...code, { section: '.maps', relocations: definitions.flatMap(({ first }) => first ?? []) }]
        .filter(({ relocations }) => relocations.length > 0)
        .map((one) => [one.section, one.relocations]),
    ),
  )
}

/** The map that is in a map of maps until another one takes its place. */
const innerOf = (name: string): string => `${name}_entries`

function withInner(maps: ReadonlyMap<string, MapDescription>): [name: string, map: MapDescription][] {
  return [...maps].flatMap(([name, map]) => [
    ...(map.inner === undefined ? [] : [[innerOf(name), map.inner] as [string, MapDescription]]),
    [name, map],
  ])
}

/** Of a variable, before its name: libbpf makes a map of each such section, and calls it so (libbpf 0.6). */
const DATA = '.data.'

/** A map whose value is addressed, not looked up. */
const isVariable = (programs: readonly Program[], symbol: string): boolean =>
  programs.some(({ instructions }) =>
    instructions.some(({ map, mapValue }) => map !== undefined && identifier(map) === symbol && mapValue !== undefined),
  )

/** What the format, or libbpf, has no form for. */
function refuseUnfit(program: Program): void {
  const cannot = (what: string, remedy: string): Refusal =>
    refusal(`the program "${program.name}" cannot be put into an object file: ${what}`, remedy)
  for (const instruction of program.instructions) {
    const { map, mapValue } = instruction
    if (isLocalCall(instruction) && program.functions === undefined)
      throw cannot('it calls a function that has no name', "describe it in the program's functions")
    if (map === undefined) continue
    if (program.maps[map] === undefined)
      throw cannot(`it refers to the map "${map}" and does not describe it`, 'this is a bug in Tessera')
    // libbpf relocates to the values of global variables only, each in a map of its own.
    if (mapValue !== undefined && (program.maps[map].kind !== 'array' || program.maps[map].entries !== 1))
      throw cannot(
        `it takes the address of a value of the map "${map}", which libbpf knows of global variables only`,
        'look the value up, or have an array of one',
      )
  }
}

/** Things by their names as symbols. Kernel and BTF ask for C identifiers. */
function named<T>(things: Iterable<readonly [name: string, thing: T]>): Map<string, T> {
  const byName = new Map<string, T>()
  const origin = new Map<string, string>()
  for (const [name, thing] of things) {
    const symbol = identifier(name)
    const other = origin.get(symbol)
    if (other !== undefined)
      throw refusal(
        other === name
          ? `two of the programs are called "${name}"`
          : `"${other}" and "${name}" are both ${symbol} in an object file`,
        'give them names of their own',
      )
    origin.set(symbol, name)
    byName.set(symbol, thing)
  }
  return byName
}

function sharedMaps(programs: readonly Program[]): Map<string, MapDescription> {
  const maps = new Map<string, MapDescription>()
  for (const { name: program, maps: own } of programs)
    for (const [name, description] of Object.entries(own)) {
      const known = maps.get(name)
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(description))
        throw refusal(
          `the map "${name}" of the program "${program}" is not the one of the programs before it`,
          'programs of one object share their maps by name',
        )
      maps.set(name, description)
    }
  return maps
}

/** `struct { int (*type)[TYPE]; key *key; value *value; int (*max_entries)[ENTRIES]; }`, as the macros of bpf_helpers.h. */
function definition(btf: Btf, description: MapDescription): Readonly<Record<string, number>> {
  const number = (value: number): number => btf.array(btf.int(4, true), value)
  const { key, value } = mapTypes(btf, description)
  const flags = MAP_FLAGS[description.kind]
  return {
    type: number(MAP_TYPE[description.kind]),
    ...(isKeyless(description.kind) ? {} : { key }),
    ...(isRing(description.kind) || description.inner !== undefined ? {} : { value }),
    max_entries: number(description.entries),
    ...(flags === undefined ? {} : { map_flags: number(flags) }),
  }
}

const isLocalCall = ({ opcode, src }: Instruction): boolean => opcode === (CLASS.jmp | JMP.call) && src === CALL.local

/** Code, and what else is said about it. Slots in the records and offsets of relocations are its own. */
interface Code {
  readonly section: string
  readonly bytes: Uint8Array
  readonly symbols: readonly ElfSymbol[]
  readonly relocations: readonly Relocation[]
  readonly functions: readonly (readonly number[])[]
  readonly lines: readonly (readonly number[])[]
}

/** A program by itself, and the functions that it calls. They follow each other, so their calls of one another stay as they are. */
function partsOf(symbol: string, program: Program, btf: Btf): Code[] {
  const functions = (program.functions ?? []).map((one) => ({ ...one, name: `${symbol}_${identifier(one.name)}` }))
  const types = programTypes(btf, { ...program, functions }, 'global')
  const nameOf = new Map(functions.map(({ slot, name }) => [slot, name]))
  const end = program.instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0)
  const part = (section: string, from: number, to: number, starts: readonly (readonly [string, number])[]): Code => {
    const relocations: Relocation[] = []
    const instructions: Instruction[] = []
    let slot = 0
    for (const instruction of program.instructions) {
      const at = slot
      slot += slotsOf(instruction)
      if (at < from || at >= to) continue
      const offset = (at - from) * SLOT_SIZE
      const target = isLocalCall(instruction) ? slot + Number(instruction.imm) : at
      const leaves = target < from || target >= to
      if (instruction.map !== undefined)
        relocations.push({ type: R_BPF_64_64, offset, symbol: identifier(instruction.map) })
      if (leaves) relocations.push({ type: R_BPF_64_32, offset, symbol: nameOf.get(target) ?? '' })
      instructions.push(leaves ? { ...instruction, imm: -1 } : unresolved(instruction))
    }
    const within = (records: readonly (readonly [number, ...number[]])[]) =>
      records.flatMap(([at, ...rest]) => (at >= from && at < to ? [[at - from, ...rest]] : []))
    return {
      section,
      bytes: encode(instructions),
      symbols: starts.map(([name, at], index): ElfSymbol => {
        const size = ((starts[index + 1]?.[1] ?? to) - at) * SLOT_SIZE
        return { name, type: 'function', section, offset: (at - from) * SLOT_SIZE, size }
      }),
      relocations,
      functions: within(types.functions),
      lines: within(types.lines),
    }
  }
  const split = functions[0]?.slot ?? end
  return [
    part(HOOK_SECTION[program.hook], 0, split, [[symbol, 0]]),
    part(
      TEXT,
      split,
      end,
      functions.map(({ name, slot }) => [name, slot]),
    ),
  ]
}

/** Parts of one section, one behind the other. */
function layCode(section: string, parts: readonly Code[]): Code {
  let at = 0
  const moved = parts.map(({ bytes, symbols, relocations, functions, lines }) => {
    const start = at
    at += bytes.length
    const later = <T extends { readonly offset: number }>(one: T): T => ({ ...one, offset: one.offset + start })
    const record = ([slot = 0, ...rest]: readonly number[]): number[] => [slot + start / SLOT_SIZE, ...rest]
    return {
      bytes,
      symbols: symbols.map(later),
      relocations: relocations.map(later),
      functions: functions.map(record),
      lines: lines.map(record),
    }
  })
  return {
    section,
    bytes: concat(...parts.map(({ bytes }) => bytes)),
    symbols: moved.flatMap(({ symbols }) => symbols),
    relocations: moved.flatMap(({ relocations }) => relocations),
    functions: moved.flatMap(({ functions }) => functions),
    lines: moved.flatMap(({ lines }) => lines),
  }
}

/** Zero where the loader puts a map, and the distance from a variable's beginning where it puts the variable's address. */
const unresolved = (instruction: Instruction): Instruction =>
  instruction.map === undefined ? instruction : { ...instruction, src: 0, imm: instruction.mapValue ?? 0 }

/**
 * `.BTF.ext` (Documentation/bpf/btf.rst): a header of 24 bytes, then func_info and line_info. Each is the size of its
 * records, and for every section its name, their number, and the records, whose offsets are in bytes here.
 */
function extension(code: readonly Code[], btf: Btf): Uint8Array {
  const table = (size: number, recordsOf: (one: Code) => readonly (readonly number[])[]): Uint8Array => {
    const sections = code.filter((one) => recordsOf(one).length > 0)
    const all = sections.flatMap((one) => {
      const records = recordsOf(one)
      const inBytes = records.flatMap(([slot = 0, ...rest]) => [slot * SLOT_SIZE, ...rest])
      return [btf.string(one.section), records.length, ...inBytes]
    })
    return all.length === 0 ? new Uint8Array() : words([size, ...all])
  }
  const functions = table(FUNC_INFO_SIZE, (one) => one.functions)
  const lines = table(LINE_INFO_SIZE, (one) => one.lines)
  const header = new Uint8Array(24)
  const view = viewOf(header)
  view.setUint16(0, 0xeb9f, true)
  view.setUint8(2, 1)
  view.setUint32(4, header.length, true)
  view.setUint32(12, functions.length, true)
  view.setUint32(16, functions.length, true)
  view.setUint32(20, lines.length, true)
  return concat(header, functions, lines)
}
