import { concat, cString, viewOf } from '../base/bytes.ts'
import type { Field, Layout } from './layout.ts'
import { CALL, CLASS, JMP } from './opcodes.ts'
import {
  isArray,
  type MapDescription,
  type Program,
  type ProgramFunction,
  type SourceLine,
  slotsOf,
} from './program.ts'

/**
 * BTF, the kernel's debug information (Documentation/bpf/btf.rst, linux/btf.h), little-endian: a header of 24 bytes,
 * types, strings. Types are numbered from 1 in order of appearance; 0 is void. A type is three words
 *
 *     | name: offset into strings | bit-field flag 1, kind 5 at bit 24, count 16 at bit 0 | size, or another type |
 *
 * and what its kind adds.
 */

const MAGIC = 0xeb9f
const HEADER = 24
/** Where the header says how long the strings are, which come last. */
const STRINGS_LENGTH = 20
const KIND = { int: 1, ptr: 2, array: 3, struct: 4, func: 12, func_proto: 13, var: 14, datasec: 15 } as const
const BITFIELDS = 0x8000_0000
const INT_SIGNED = 1

/** Of functions and variables: seen in their own object only, or defined here for all. */
export const LINKAGE = { static: 0, global: 1 } as const
export type Linkage = keyof typeof LINKAGE

/** Types and strings as they are collected. */
export class Btf {
  readonly #types: number[] = []
  readonly #strings: Uint8Array[] = [new Uint8Array(1)]
  readonly #offsets = new Map<string, number>([['', 0]])
  readonly #known = new Map<string, number>()
  /** Of each type, its first word. */
  readonly #starts: number[] = []
  #length = 1

  string(text: string): number {
    const known = this.#offsets.get(text)
    if (known !== undefined) return known
    const bytes = cString(text.replaceAll('\0', ' '))
    const offset = this.#length
    this.#strings.push(bytes)
    this.#length += bytes.length
    this.#offsets.set(text, offset)
    return offset
  }

  /** A type of its own, or the one made before of the very same words. */
  #type(...words: readonly number[]): number {
    const key = words.join()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const type = this.#starts.push(this.#types.length)
    this.#types.push(...words)
    this.#known.set(key, type)
    return type
  }

  /** Which byte of what is encoded begins the name of a type. */
  nameAt = (type: number): number => HEADER + (this.#starts[type - 1] ?? 0) * 4

  int(size: number, signed: boolean): number {
    const name = this.string(`${signed ? 'i' : 'u'}${size * 8}`)
    return this.#type(name, KIND.int << 24, size, ((signed ? INT_SIGNED : 0) << 24) | (size * 8))
  }

  pointer = (to: number): number => this.#type(0, KIND.ptr << 24, to)

  array = (element: number, length: number): number =>
    this.#type(0, KIND.array << 24, 0, element, this.int(4, false), length)

  /** The offset of a member counts in bits; with bit fields in the struct, its upper 8 bits are the member's width. */
  struct(name: string, size: number, fields: readonly Field[]): number {
    const bitFields = fields.some((field) => field.bits !== undefined)
    const members = fields.flatMap((field) => {
      const offset = field.offset * 8 + (field.bits?.shift ?? 0)
      return [this.string(identifier(field.name)), this.layout(field.layout), ((field.bits?.width ?? 0) << 24) | offset]
    })
    const info = ((KIND.struct << 24) | fields.length | (bitFields ? BITFIELDS : 0)) >>> 0
    return this.#type(this.string(name), info, size, ...members)
  }

  /** A struct without a name, of pointers. `values`: and behind them, as many as there may be to things of that type. */
  pointers(members: Readonly<Record<string, number>>, values?: number): number {
    const all = Object.entries(members).map(([name, to]) => [name, this.pointer(to)] as const)
    const open = values === undefined ? [] : [['values', this.array(this.pointer(values), 0)] as const]
    const words = [...all, ...open].flatMap(([name, type], index) => [this.string(name), type, index * 64])
    return this.#type(0, (KIND.struct << 24) | (all.length + open.length), all.length * 8, ...words)
  }

  variable = (name: string, type: number, linkage: Linkage): number =>
    this.#type(this.string(name), KIND.var << 24, type, LINKAGE[linkage])

  /** A section of data, by its name in the object file, and the variables in it in order of their offsets. */
  section(name: string, size: number, variables: readonly SectionVariable[]): number {
    const words = variables.flatMap(({ variable, offset, size }) => [variable, offset, size])
    return this.#type(this.string(name), (KIND.datasec << 24) | variables.length, size, ...words)
  }

  layout(layout: Layout): number {
    switch (layout.kind) {
      case 'scalar':
        return this.int(layout.size, layout.signed)
      case 'bytes':
        return this.array(this.int(1, false), layout.size)
      case 'struct':
        return this.struct(layout.name ?? '', layout.size, layout.fields)
      case 'list':
        return this.array(this.layout(layout.element), layout.length)
    }
  }

  /** `int name(struct context *ctx)` */
  program = (name: string, context: string, linkage: Linkage): number =>
    this.#function(name, context, linkage, ['context'], 4)

  /** `u64 name(struct context *ctx, u32 a1, …)`. A global one is verified by itself, once for all calls (Linux 5.6). */
  function = (name: string, context: string, parameters: ProgramFunction['parameters']): number =>
    this.#function(name, context, 'global', parameters, 8)

  #function(
    name: string,
    context: string,
    linkage: Linkage,
    parameters: ProgramFunction['parameters'],
    result: 4 | 8,
  ): number {
    const given = parameters.flatMap((parameter, index) => [
      this.string(parameter === 'context' ? 'ctx' : `a${index}`),
      parameter === 'context'
        ? this.pointer(this.struct(context, 0, []))
        : this.int(parameter === 'u32' ? 4 : 8, false),
    ])
    const proto = this.#type(0, (KIND.func_proto << 24) | parameters.length, this.int(result, result === 4), ...given)
    return this.#type(this.string(identifier(name)), (KIND.func << 24) | LINKAGE[linkage], proto)
  }

  encode(): Uint8Array {
    const header = new Uint8Array(HEADER)
    const view = viewOf(header)
    const types = new Uint8Array(this.#types.length * 4)
    this.#types.forEach((word, index) => {
      viewOf(types).setUint32(index * 4, word, true)
    })
    view.setUint16(0, MAGIC, true)
    view.setUint8(2, 1)
    view.setUint32(4, header.length, true)
    view.setUint32(12, types.length, true)
    view.setUint32(16, types.length, true)
    view.setUint32(STRINGS_LENGTH, this.#length, true)
    return concat(header, types, ...this.#strings)
  }
}

/** C's identifiers, which the kernel insists on; anything else becomes `_`. */
export const identifier = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|$)/, '_')

export interface SectionVariable {
  readonly variable: number
  readonly offset: number
  readonly size: number
}

/** The kernel finds a lock by the name of its type (kernel/bpf/btf.c, btf_parse_fields). */
const SPIN_LOCK: Layout = {
  kind: 'struct',
  name: 'bpf_spin_lock',
  size: 4,
  align: 4,
  fields: [{ name: 'val', offset: 0, layout: { kind: 'scalar', size: 4, signed: false, align: 4 } }],
}

const withLock = ({ value, lock }: MapDescription): Layout =>
  lock === undefined || value.kind !== 'struct'
    ? value
    : { ...value, fields: [...value.fields, { name: 'bpf_spin_lock', offset: lock, layout: SPIN_LOCK }] }

/** The types of a map's key and value. */
export function mapTypes(btf: Btf, description: MapDescription): { readonly key: number; readonly value: number } {
  // An array's index is a plain 32-bit integer and nothing else (kernel/bpf/arraymap.c, array_map_check_btf).
  return {
    key: isArray(description.kind) ? btf.int(4, false) : btf.layout(description.key),
    value: btf.layout(withLock(description)),
  }
}

export interface MapBtf {
  readonly btf: Uint8Array
  /** The types of key and value in it. */
  readonly key: number
  readonly value: number
}

export function mapBtf(description: MapDescription): MapBtf {
  const known = ofMaps.get(description)
  if (known !== undefined) return known
  const btf = new Btf()
  const types = mapTypes(btf, description)
  const made = { btf: btf.encode(), ...types }
  ofMaps.set(description, made)
  return made
}

/** Instances of one cube have maps that are described by the same objects. */
const ofMaps = new WeakMap<MapDescription, MapBtf>()

export interface ProgramBtf {
  readonly btf: Uint8Array
  /** `struct bpf_func_info`, 8 bytes each: slot, type. */
  readonly funcInfo: Uint8Array
  /** `struct bpf_line_info`, 16 bytes each: slot, file, text, line << 10 | column. Empty where no line is known. */
  readonly lineInfo: Uint8Array
}

export function programBtf(program: Program): ProgramBtf {
  const { open, name } = program
  const known = open && unnamed.get(open)
  const { btf, nameAt, ...rest } = known ?? unnamedBtf(program)
  if (open !== undefined) unnamed.set(open, { btf, nameAt, ...rest })
  return { btf: named(btf, nameAt, identifier(name)), ...rest }
}

/** All but the name of a program, which is the same for those that are alike. */
interface Unnamed extends ProgramBtf {
  readonly nameAt: number
}

const unnamed = new WeakMap<NonNullable<Program['open']>, Unnamed>()

function unnamedBtf(program: Program): Unnamed {
  const btf = new Btf()
  const { functions, lines } = programTypes(btf, program, 'static', '')
  const [[, type] = [0, 0]] = functions
  return {
    btf: btf.encode(),
    nameAt: btf.nameAt(type),
    funcInfo: words(functions.flat()),
    lineInfo: words(lines.flat()),
  }
}

/** With one more string, the last, which is the name at a place. */
function named(btf: Uint8Array, at: number, name: string): Uint8Array {
  const made = concat(btf, cString(name))
  const view = viewOf(made)
  const strings = view.getUint32(STRINGS_LENGTH, true)
  view.setUint32(at, strings, true)
  view.setUint32(STRINGS_LENGTH, strings + made.length - btf.length, true)
  return made
}

/** The records of func_info and line_info, each a row of words that starts with its slot. `name`: of the program's own function. */
export function programTypes(btf: Btf, program: Program, linkage: Linkage, name = program.name) {
  const context = program.hook === 'tc' ? '__sk_buff' : 'xdp_md'
  const starts = functionStarts(program)
  const functions = starts.map((slot, index): [slot: number, type: number] => {
    if (index === 0) return [slot, btf.program(name, context, linkage)]
    const known = program.functions?.find((one) => one.slot === slot)
    if (known !== undefined) return [slot, btf.function(known.name, context, known.parameters)]
    return [slot, btf.program(`${program.name}_${index}`, context, 'static')]
  })
  const lines = linesBySlot(program, new Set(starts)).map(
    ([slot, { file, line, column, text }]): [slot: number, file: number, text: number, place: number] => [
      slot,
      btf.string(file),
      btf.string(text.trim()),
      ((Math.min(line, MAX_LINE) << 10) | Math.min(column, MAX_COLUMN)) >>> 0,
    ],
  )
  return { functions, lines }
}

const MAX_LINE = 2 ** 22 - 1
const MAX_COLUMN = 2 ** 10 - 1

/** 32-bit words, little-endian. */
export function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = viewOf(bytes)
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, true)
  })
  return bytes
}

const LOCAL_CALL = CLASS.jmp | JMP.call

/** The slots where functions start: 0, and every target of a local call, whose distance is in the immediate. */
function functionStarts(program: Program): number[] {
  const starts = new Set([0])
  let slot = 0
  for (const instruction of program.instructions) {
    slot += slotsOf(instruction)
    if (instruction.opcode === LOCAL_CALL && instruction.src === CALL.local) starts.add(slot + Number(instruction.imm))
  }
  return [...starts].sort((a, b) => a - b)
}

/**
 * A line for each slot where the line changes. The kernel wants one at slot 0 and at every function's start
 * (kernel/bpf/verifier.c, check_btf_line), so an instruction without a line there takes the nearest known one.
 */
function linesBySlot(program: Program, functions: ReadonlySet<number>): [slot: number, line: SourceLine][] {
  const first = program.instructions.find(({ line }) => line !== undefined)?.line
  const records: [number, SourceLine][] = []
  let slot = 0
  let current = first === undefined ? undefined : program.lines[first]
  let written: SourceLine | undefined
  for (const instruction of program.instructions) {
    if (instruction.line !== undefined) current = program.lines[instruction.line] ?? current
    if (current !== undefined && (current !== written || functions.has(slot))) {
      records.push([slot, current])
      written = current
    }
    slot += slotsOf(instruction)
  }
  return records
}
