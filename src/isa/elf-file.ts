import { alignUp, concat, cString, viewOf } from '../base/bytes.ts'

/**
 * A relocatable ELF-64 file, little-endian ("ELF-64 Object File Format", version 1.5): a header of 64 bytes, the bytes
 * of the sections, and a table of 64 bytes a section. Section 0 and symbol 0 are empty, and so is the first string of a
 * string table.
 */

export const SECTION_TYPE = { progbits: 1, symtab: 2, strtab: 3, rel: 9 } as const
export const SECTION_FLAG = { write: 1, alloc: 2, execute: 4 } as const
const SYMBOL_TYPE = { object: 1, function: 2 } as const

const ET_REL = 1
const EM_BPF = 247
const EV_CURRENT = 1
const STB_GLOBAL = 1
const HEADER_SIZE = 64
const SYMBOL_SIZE = 24
const RELOCATION_SIZE = 16

export interface Section {
  readonly name: string
  readonly type: keyof typeof SECTION_TYPE
  /** Of {@link SECTION_FLAG}. */
  readonly flags?: number
  readonly bytes: Uint8Array
  readonly align: number
  /** Other sections, by their names: the symbols of a `rel`, the strings of a `symtab`. */
  readonly link?: string
  /** The section that a `rel` is for. */
  readonly target?: string
  /** Of a `symtab`: the first symbol that is global. */
  readonly firstGlobal?: number
  /** Where the section is a table. */
  readonly entrySize?: number
}

/** A global symbol. */
export interface ElfSymbol {
  readonly name: string
  readonly type: keyof typeof SYMBOL_TYPE
  /** The name of the section it lies in, and where there, in bytes. */
  readonly section: string
  readonly offset: number
  readonly size: number
}

export interface Relocation {
  /** The number that the machine's ABI gives it. */
  readonly type: number
  /** In bytes, in the section to which the relocation applies. */
  readonly offset: number
  readonly symbol: string
}

/** The bytes of NUL-terminated strings, and where each starts. */
function stringTable(names: Iterable<string>): {
  readonly bytes: Uint8Array
  readonly offset: (name: string) => number
} {
  const offsets = new Map<string, number>()
  const parts: Uint8Array[] = [new Uint8Array(1)]
  let length = 1
  for (const name of new Set(names)) {
    const bytes = cString(name)
    offsets.set(name, length)
    parts.push(bytes)
    length += bytes.length
  }
  return { bytes: concat(...parts), offset: (name) => offsets.get(name) ?? 0 }
}

/** A file of these sections and symbols, with the relocations of each section by its name. */
export function elfFile(
  given: readonly Section[],
  symbols: readonly ElfSymbol[],
  relocations: Readonly<Record<string, readonly Relocation[]>>,
): Uint8Array {
  const names = stringTable(symbols.map(({ name }) => name))
  const numbers = new Map(symbols.map(({ name }, index) => [name, index + 1]))
  const sectionNumber = (name: string | undefined): number => sections.findIndex((one) => one.name === name) + 1
  const content: Section[] = [
    ...given,
    ...Object.entries(relocations).map(
      ([target, records]): Section => ({
        name: `.rel${target}`,
        type: 'rel',
        bytes: concat(...records.map(({ type, offset, symbol }) => relocation(offset, numbers.get(symbol) ?? 0, type))),
        align: 8,
        link: '.symtab',
        target,
        entrySize: RELOCATION_SIZE,
      }),
    ),
    { name: '.strtab', type: 'strtab', bytes: names.bytes, align: 1 },
  ]
  const sectionNames = stringTable([...content.map(({ name }) => name), '.symtab', '.shstrtab'])
  const sections: Section[] = [...content, { name: '.shstrtab', type: 'strtab', bytes: sectionNames.bytes, align: 1 }]
  // Last, because symbols name their sections by number.
  sections.push({
    name: '.symtab',
    type: 'symtab',
    bytes: concat(
      new Uint8Array(SYMBOL_SIZE),
      ...symbols.map((symbol) => symbolEntry(symbol, names.offset(symbol.name), sectionNumber(symbol.section))),
    ),
    align: 8,
    link: '.strtab',
    firstGlobal: 1,
    entrySize: SYMBOL_SIZE,
  })

  const parts: Uint8Array[] = []
  const headers = [new Uint8Array(HEADER_SIZE)]
  let at = HEADER_SIZE
  const put = (bytes: Uint8Array, align: number): number => {
    const start = alignUp(at, align)
    parts.push(new Uint8Array(start - at), bytes)
    at = start + bytes.length
    return start
  }
  for (const section of sections) {
    const header = new Uint8Array(HEADER_SIZE)
    const view = viewOf(header)
    view.setUint32(0, sectionNames.offset(section.name), true)
    view.setUint32(4, SECTION_TYPE[section.type], true)
    view.setBigUint64(8, BigInt(section.flags ?? 0), true)
    view.setBigUint64(24, BigInt(put(section.bytes, section.align)), true)
    view.setBigUint64(32, BigInt(section.bytes.length), true)
    view.setUint32(40, sectionNumber(section.link), true)
    view.setUint32(44, section.firstGlobal ?? sectionNumber(section.target), true)
    view.setBigUint64(48, BigInt(section.align), true)
    view.setBigUint64(56, BigInt(section.entrySize ?? 0), true)
    headers.push(header)
  }
  const table = put(concat(...headers), 8)
  return concat(fileHeader(table, headers.length, sectionNumber('.shstrtab')), ...parts)
}

function fileHeader(table: number, count: number, names: number): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE)
  const view = viewOf(header)
  // Magic number, 64 bits, little-endian, version, and the System V ABI.
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, EV_CURRENT, 0])
  view.setUint16(16, ET_REL, true)
  view.setUint16(18, EM_BPF, true)
  view.setUint32(20, EV_CURRENT, true)
  view.setBigUint64(40, BigInt(table), true)
  view.setUint16(52, HEADER_SIZE, true)
  view.setUint16(58, HEADER_SIZE, true)
  view.setUint16(60, count, true)
  view.setUint16(62, names, true)
  return header
}

function symbolEntry({ type, offset, size }: ElfSymbol, name: number, section: number): Uint8Array {
  const entry = new Uint8Array(SYMBOL_SIZE)
  const view = viewOf(entry)
  view.setUint32(0, name, true)
  view.setUint8(4, (STB_GLOBAL << 4) | SYMBOL_TYPE[type])
  view.setUint16(6, section, true)
  view.setBigUint64(8, BigInt(offset), true)
  view.setBigUint64(16, BigInt(size), true)
  return entry
}

/** `Elf64_Rel`: the addend is in the place that is relocated. */
function relocation(offset: number, symbol: number, type: number): Uint8Array {
  const entry = new Uint8Array(RELOCATION_SIZE)
  const view = viewOf(entry)
  view.setBigUint64(0, BigInt(offset), true)
  view.setUint32(8, type, true)
  view.setUint32(12, symbol, true)
  return entry
}
