/** The peer: C compiled by Debian's clang-19, read from its ELF object into a Program of ours. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromCString, viewOf } from '../src/base/bytes.ts'
import { decode } from '../src/isa/decode.ts'
import { type Instruction, type MapDescription, type Program, slotsOf } from '../src/isa/program.ts'

export const CLANG = 'clang-19'
const FLAGS = ['-O2', '-mcpu=v3', '-target', 'bpf', '-c', '-Wall', '-Werror', '-I/usr/include/x86_64-linux-gnu']

export interface Compiled {
  readonly program: Program
  /** Of the whole clang process. */
  readonly milliseconds: number
  /** What was resident at most, in KiB. */
  readonly memory: number
}

/** Compiles a C file with one function in section `tc`. Maps are external symbols, described by `maps`. */
export function compileC(file: string, name: string, maps: Readonly<Record<string, MapDescription>>): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
  try {
    const object = join(folder, 'peer.o')
    const report = join(folder, 'report.csv')
    const start = performance.now()
    execFileSync(CLANG, [...FLAGS, `-fproc-stat-report=${report}`, file, '-o', object], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const milliseconds = performance.now() - start
    // The program, its output, microseconds in all, those of the user, and the most memory.
    const memory = Number(readFileSync(report, 'utf8').split(',').at(-1))
    return { program: readObject(readFileSync(object), name, maps), milliseconds, memory }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Section {
  readonly name: string
  readonly type: number
  readonly info: number
  readonly bytes: Uint8Array
}

/** ELF-64 Object File Format: section headers, symbols, and the relocations of map references. */
function readObject(object: Uint8Array, name: string, maps: Readonly<Record<string, MapDescription>>): Program {
  const sections = readSections(object)
  const code = sections.findIndex((section) => section.name === 'tc')
  const strings = sections.find((section) => section.name === '.strtab')?.bytes ?? new Uint8Array()
  const symbols = sections.find(({ type }) => type === 2)?.bytes ?? new Uint8Array()
  const symbolName = (index: number) => fromCString(strings.subarray(viewOf(symbols).getUint32(index * 24, true)))
  const references = new Map<number, string>()
  for (const { type, info, bytes } of sections) {
    if (type !== 9 || info !== code) continue
    for (let at = 0; at < bytes.length; at += 16)
      references.set(
        Number(viewOf(bytes).getBigUint64(at, true)) / 8,
        symbolName(viewOf(bytes).getUint32(at + 12, true)),
      )
  }
  let slot = 0
  const instructions = decode(sections[code]?.bytes ?? new Uint8Array()).map((instruction): Instruction => {
    const map = references.get(slot)
    slot += slotsOf(instruction)
    return map === undefined ? instruction : { ...instruction, map }
  })
  const used = new Set(references.values())
  const described = Object.fromEntries(Object.entries(maps).filter(([map]) => used.has(map)))
  return { name, hook: 'tc', instructions, maps: described, lines: [], stack: 0 }
}

function readSections(object: Uint8Array): Section[] {
  const view = viewOf(object)
  const start = Number(view.getBigUint64(40, true))
  const count = view.getUint16(60, true)
  const headers = Array.from({ length: count }, (_, index) => {
    const at = start + index * 64
    const offset = Number(view.getBigUint64(at + 24, true))
    const size = Number(view.getBigUint64(at + 32, true))
    const [nameAt, type, info] = [view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 44, true)]
    return { nameAt, type, info, bytes: object.subarray(offset, offset + (type === 8 ? 0 : size)) }
  })
  const names = headers[view.getUint16(62, true)]?.bytes ?? new Uint8Array()
  return headers.map(({ nameAt, type, info, bytes }) => ({
    name: fromCString(names.subarray(nameAt)),
    type,
    info,
    bytes,
  }))
}
