import type { LoadedProgram, MachineMap, RunResult } from '../backend/machine.ts'
import { Unending } from '../backend/unending.ts'
import { fromCString, viewOf } from '../base/bytes.ts'
import { type Place, type Refusal, refusal } from '../base/diagnostic.ts'
import { programBtf } from '../isa/btf.ts'
import { encodeProgram } from '../isa/encode.ts'
import { PSEUDO } from '../isa/opcodes.ts'
import { type Program, slotsOf } from '../isa/program.ts'
import type { Begun, Beside } from './beside.ts'
import { beginLoad, loadBtf, loadProgram, PROG_TYPE, type ProgramLoad, programInfo, testRun } from './bpf.ts'
import { missingCapabilities } from './capabilities.ts'
import { check, ERRNO, errnoName, failure } from './errno.ts'
import { close } from './ffi.ts'
import { isAlike, KernelMap } from './maps.ts'
import { Handle, kindOf, type Owner } from './objects.ts'
import { openPin, pin } from './pins.ts'

/** `ETH_HLEN`: a test run of less is refused. */
const SHORTEST_FRAME = 14
/** BPF_SKB_MAX_LEN and what XDP has room for are less (net/core/filter.c). */
const MOST_GROWTH = 64 * 1024

/** Maps, by the names that a program has for them. */
export type Given = Readonly<Record<string, MachineMap>>

export class KernelProgram implements LoadedProgram {
  readonly program: Program
  readonly #handle: Handle

  constructor(program: Program, fd: number, owner?: Owner) {
    this.program = program
    this.#handle = new Handle(fd, owner)
  }

  static load(program: Program, maps: Given): KernelProgram {
    return KernelProgram.begin(program, maps).end()
  }

  /** A Refusal where it cannot even be begun. */
  static begin(program: Program, maps: Given, beside?: Beside): Loading {
    // A packet's length is the distance between two pointers, which the verifier lets nobody else compute.
    if (program.hook === 'xdp' && missingCapabilities(['CAP_PERFMON']).length > 0)
      throw refusal(
        `cannot load "${program.name}": programs for XDP take CAP_PERFMON`,
        'run with sudo, or attach at TC',
      )
    const load = {
      type: PROG_TYPE[program.hook],
      name: program.name,
      instructions: relocated(program, maps),
    }
    return new Loading(program, load, beside)
  }

  /** What the kernel can tell of a pinned one. */
  static open(path: string, owner?: Owner): KernelProgram | undefined {
    const fd = openPin(path)
    if (fd === undefined) return undefined
    const found = kindOf(fd) === 'program' ? programInfo(fd) : -ERRNO.ENOENT
    if (typeof found === 'number') {
      close(fd)
      return undefined
    }
    const hook = found.type === PROG_TYPE.xdp ? 'xdp' : 'tc'
    return new KernelProgram({ name: found.name, hook, instructions: [], maps: {}, lines: [], stack: 0 }, fd, owner)
  }

  get fd(): number {
    if (this.#handle.fd < 0) throw refusal(`the program "${this.program.name}" was disposed before`)
    return this.#handle.fd
  }

  get id(): number {
    const info = programInfo(this.fd)
    return typeof info === 'number' ? check(info, 'program', `ask about "${this.program.name}"`) : info.id
  }

  run(packet: Uint8Array): RunResult {
    const what = `run "${this.program.name}" on a packet of ${packet.length} bytes`
    if (packet.length < SHORTEST_FRAME) throw failure('run', what, ERRNO.EINVAL)
    // Room for what a program may add: running again with more would count and store everything twice.
    const output = new Uint8Array(packet.length + MOST_GROWTH)
    const run = testRun(this.fd, packet, output)
    check(run.result, 'run', what)
    return { verdict: run.verdict, packet: output.slice(0, run.length) }
  }

  pin(path: string): void {
    pin(path, this.fd)
  }

  /** Nanoseconds a run, the kernel's own cost of a test run included, over `repeat` runs on one packet. */
  time(packet: Uint8Array, repeat: number): number {
    const output = new Uint8Array(packet.length + 256)
    const start = process.hrtime.bigint()
    check(testRun(this.fd, packet, output, repeat).result, 'run', `run "${this.program.name}" ${repeat} times`)
    return Number(process.hrtime.bigint() - start) / repeat
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}

/** With the handles of maps in the instructions that load them (linux/bpf.h, BPF_PSEUDO_MAP_FD and BPF_PSEUDO_MAP_VALUE). */
function relocated(program: Program, maps: Given): Uint8Array {
  const { bytes, places } = encodeProgram(program)
  const view = viewOf(bytes)
  const handles = new Map<string, number>()
  for (const { index, at } of places) {
    const { map, mapValue, dst = 0 } = program.instructions[index] ?? {}
    if (map === undefined) continue
    const handle = handles.get(map) ?? handleOf(program, map, maps[map])
    handles.set(map, handle)
    view.setUint8(at + 1, dst | ((mapValue === undefined ? PSEUDO.mapFd : PSEUDO.mapValue) << 4))
    view.setUint32(at + 4, handle, true)
    view.setUint32(at + 12, mapValue ?? 0, true)
  }
  return bytes
}

function handleOf(program: Program, name: string, map: MachineMap | undefined): number {
  const wanted = program.maps[name]
  const bug = (what: string) => refusal(`cannot load "${program.name}": ${what}`, 'this is a bug in Tessera')
  if (wanted === undefined) throw bug(`it refers to the map "${name}" and does not describe it`)
  if (map === undefined) throw bug(`no map was given for "${name}"`)
  if (!(map instanceof KernelMap)) throw bug(`the map "${name}" is not one of the kernel`)
  if (!isAlike(map.description, wanted)) throw bug(`the map given for "${name}" has another kind or other sizes`)
  return map.fd
}

/** With BTF, so that every tool shows TypeScript lines; without, where this kernel does not take it. Ended or disposed, once. */
export class Loading implements Disposable {
  readonly #program: Program
  readonly #plain: ProgramLoad
  readonly #load: ProgramLoad
  readonly #begun: Begun

  constructor(program: Program, plain: ProgramLoad, beside?: Beside) {
    const { btf, funcInfo, lineInfo } = programBtf(program)
    const fd = loadBtf(btf)
    this.#program = program
    this.#plain = plain
    this.#load = fd < 0 ? plain : { ...plain, btf: { fd, funcInfo, lineInfo } }
    this.#begun = beginLoad(this.#load, beside)
  }

  end(owner?: Owner): KernelProgram {
    try {
      const fd = this.#begun.result()
      return new KernelProgram(this.#program, fd >= 0 ? fd : this.#again(fd), owner)
    } finally {
      this.#closeBtf()
    }
  }

  [Symbol.dispose](): void {
    const fd = this.#begun.cancel()
    if (fd >= 0) close(fd)
    this.#closeBtf()
  }

  /** After a refusal: without what may be its reason, or with what it says. */
  #again(errno: number): number {
    const log = verifierLog(this.#load)
    // Without BTF, functions that are called are verified otherwise: that is no answer to a refusal of what they do.
    const withoutBtf = this.#load.btf !== undefined && isAboutBtf(errno, log) ? loadProgram(this.#plain) : errno
    if (withoutBtf >= 0) return withoutBtf
    const { name } = this.#program
    throw log === '' ? failure('program', `load "${name}"`, errno) : rejection(this.#program, errno, log)
  }

  #closeBtf(): void {
    if (this.#load.btf !== undefined) close(this.#load.btf.fd)
  }
}

/**
 * Whether a load was refused for the BTF that came with it: by the verifier, which says so (check_btf_info), or because the
 * kernel knows no such attributes (before Linux 5.0).
 */
export const isAboutBtf = (errno: number, log: string): boolean =>
  log === ''
    ? Math.abs(errno) === ERRNO.E2BIG
    : /\b(func_info|line_info|BTF)\b/i.test(reasonIn(log.split('\n').filter(isTold)))

const FIRST_LOG = 64 * 1024
/** The kernel's own limit before 5.15 was 16 MiB (kernel/bpf/verifier.c). */
const LARGEST_LOG = 16 * 1024 * 1024

/** The log costs time, so it is only asked for after a refusal. Empty where it was not the verifier that refused. */
function verifierLog(load: ProgramLoad): string {
  for (let size = FIRST_LOG; ; size *= 4) {
    const buffer = new Uint8Array(size)
    const fd = loadProgram({ ...load, log: { level: 1, buffer } })
    if (fd >= 0) close(fd)
    const log = fromCString(buffer).trimEnd()
    // What is too long loses its beginning (from Linux 6.4 on), or its end, which is what it is asked for.
    if (fd !== -ERRNO.ENOSPC || size >= LARGEST_LOG || /^processed \d+ insns/m.test(log)) return log
  }
}

const LINES_KEPT = 20

/** Not its statistics. */
const isTold = (line: string): boolean => !/^processed \d+ insns|^verification time|^stack depth/.test(line)

/** A verifier's refusal is a bug of the compiler; it still arrives with the TypeScript line. */
export function rejection(program: Program, errno: number, log: string): Refusal {
  const lines = log.split('\n').filter(isTold)
  const kept = lines.slice(-LINES_KEPT)
  const omitted = lines.length - kept.length
  if (/processed \d{7,} insns|Processed \d{7,} insn|too large/.test(log))
    return new Unending(program.name, placeInLog(program, lines))
  return refusal(
    `the kernel refuses "${program.name}" (${errnoName(errno)}): ${reasonIn(lines)}`,
    [
      'this is a bug in Tessera: what compiles must load. Please report it, with this log of the verifier:',
      ...(omitted > 0 ? [`(${omitted} lines omitted)`] : []),
      ...kept,
    ].join('\n'),
    placeInLog(program, lines),
  )
}

/** The verifier's own sentences, which come last: not instructions, register states or source lines. At most two. */
function reasonIn(lines: readonly string[]): string {
  const isSentence = (line: string) => !/^(\d+: |; |from \d+ to |\s*R\d+(_\w+)?=|\s*$)/.test(line)
  const first = lines.findLastIndex((line) => !isSentence(line)) + 1
  const sentences = lines.slice(first).filter((line) => line.trim() !== '')
  return sentences.length === 0 ? 'no reason given' : sentences.slice(-2).join('; ')
}

/** `17: (71) r2 = *(u8 *)(r1 +14)` is about slot 17, and so is a sentence with `insn 17` in it. */
function placeInLog(program: Program, lines: readonly string[]): Place | undefined {
  const named = lines.findLast((line) => /^\d+: \([0-9a-f]{2}\)|\binsn \d+/.test(line))
  const slot = /^(\d+): |\binsn (\d+)/.exec(named ?? '')
  return slot === null ? undefined : placeOfSlot(program, Number(slot[1] ?? slot[2]))
}

/** The line of the instruction in `slot`, or the nearest one before it. */
function placeOfSlot(program: Program, slot: number): Place | undefined {
  let at = 0
  let line: number | undefined
  for (const instruction of program.instructions) {
    if (at > slot) break
    line = instruction.line ?? line
    at += slotsOf(instruction)
  }
  const source = line === undefined ? undefined : program.lines[line]
  return source === undefined ? undefined : { ...source, length: 1 }
}
