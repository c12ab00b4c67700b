import { programBtf } from '../isa/btf.ts'
import { encode } from '../isa/encode.ts'
import { ALU, ATOMIC, CLASS, JMP, MAP_FLAGS, MAP_TYPE, MAY_GOTO, MODE, SIZE, SOURCE } from '../isa/opcodes.ts'
import type { Instruction } from '../isa/program.ts'
import { ATTACH_TYPE, createLink, createMap, loadBtf, loadProgram, lookupBatch, PROG_TYPE } from './bpf.ts'
import { ERRNO, errnoName } from './errno.ts'
import { close } from './ffi.ts'

/**
 * What this kernel can do, found out by trying it. A probe has three outcomes, and "could not tell" (no permission, no
 * memory) is never taken for one of the others.
 */
export type Answer =
  | { readonly kind: 'supported' }
  | { readonly kind: 'not supported'; readonly since: string }
  | { readonly kind: 'could not tell'; readonly reason: string }

type Outcome = true | false | string

interface Probe {
  /** The version of Linux that brought it. */
  readonly since: string
  readonly try: () => Outcome
}

const instruction = (opcode: number, dst: number, src: number, offset: number, imm: number): Instruction => ({
  opcode,
  dst,
  src,
  offset,
  imm,
})
const mov = (dst: number, imm: number) => instruction(CLASS.alu64 | ALU.mov | SOURCE.k, dst, 0, 0, imm)
const exit = instruction(CLASS.jmp | JMP.exit, 0, 0, 0, 0)
const zero = [mov(0, 0), exit]

/** A handle means yes, EINVAL no, and anything else is somebody else's reason. */
function byHandle(fd: number): Outcome {
  if (fd >= 0) close(fd)
  return fd >= 0 ? true : fd === -ERRNO.EINVAL ? false : errnoName(fd)
}

const mapType = (type: number) => () => byHandle(createMap('probe', { type, keySize: 4, valueSize: 8, entries: 2 }))

const keyless = (type: number) => () => byHandle(createMap('probe', { type, keySize: 0, valueSize: 8, entries: 2 }))

const program = (type: number, instructions: readonly Instruction[]) => () =>
  byHandle(loadProgram({ type, name: 'probe', instructions: encode(instructions) }))

/** A program with one line of source. The error does not say whether it is the BTF: without it, it must load. */
function lineInfo(): Outcome {
  const source = { file: 'probe.ts', line: 1, column: 1, text: 'return 0' }
  const instructions = zero.map((each) => ({ ...each, line: 0 }))
  const { btf, ...info } = programBtf({ name: 'probe', hook: 'tc', instructions, maps: {}, lines: [source], stack: 0 })
  const without = program(PROG_TYPE.tc, zero)()
  if (without !== true) return without === false ? 'no program of this type loads' : without
  const fd = loadBtf(btf)
  if (fd < 0) return byHandle(fd)
  const loaded = loadProgram({ type: PROG_TYPE.tc, name: 'probe', instructions: encode(zero), btf: { fd, ...info } })
  close(fd)
  // Kernels before these fields reject any attribute that is not zero after those they know: E2BIG.
  return loaded === -ERRNO.E2BIG ? false : byHandle(loaded)
}

/** Links look for the interface before anything else that could fail: 0 is none, so a kernel that knows the type says ENODEV. */
function tcx(): Outcome {
  const fd = loadProgram({ type: PROG_TYPE.tc, name: 'probe', instructions: encode(zero) })
  if (fd < 0) return errnoName(fd)
  const link = createLink(fd, 0, ATTACH_TYPE.tcx_ingress)
  close(fd)
  return link === -ERRNO.ENODEV ? true : byHandle(link)
}

function batchLookup(): Outcome {
  const fd = createMap('probe', { type: MAP_TYPE.array, keySize: 4, valueSize: 8, entries: 1 })
  if (fd < 0) return errnoName(fd)
  const { result } = lookupBatch(fd, undefined, new Uint8Array(4), new Uint8Array(4), new Uint8Array(8), 1)
  close(fd)
  return result === 0 || result === -ERRNO.ENOENT ? true : byHandle(result)
}

const numbered = (type: number) => (): Outcome =>
  byHandle(createMap('probe', { type, keySize: 4, valueSize: 4, entries: 2 }))

const PROBES = {
  'array maps': { since: '3.19', try: mapType(MAP_TYPE.array) },
  'hash maps': { since: '3.19', try: mapType(MAP_TYPE.hash) },
  'percpu_array maps': { since: '4.6', try: mapType(MAP_TYPE.percpu_array) },
  'lru_hash maps': { since: '4.10', try: mapType(MAP_TYPE.lru_hash) },
  'percpu_hash maps': { since: '4.6', try: mapType(MAP_TYPE.percpu_hash) },
  'lru_percpu_hash maps': { since: '4.10', try: mapType(MAP_TYPE.lru_percpu_hash) },
  'lpm_trie maps': {
    since: '4.11',
    try: () =>
      byHandle(
        createMap(
          'probe',
          { type: MAP_TYPE.lpm_trie, keySize: 8, valueSize: 8, entries: 2 },
          undefined,
          MAP_FLAGS.lpm_trie,
        ),
      ),
  },
  'ringbuf maps': {
    since: '5.8',
    try: () => byHandle(createMap('probe', { type: MAP_TYPE.ringbuf, keySize: 0, valueSize: 0, entries: 65_536 })),
  },
  'queue maps': { since: '4.20', try: keyless(MAP_TYPE.queue) },
  'stack maps': { since: '4.20', try: keyless(MAP_TYPE.stack) },
  'bloom_filter maps': { since: '5.16', try: keyless(MAP_TYPE.bloom_filter) },
  'devmap maps': { since: '4.14', try: numbered(MAP_TYPE.devmap) },
  'prog_array maps': { since: '4.2', try: numbered(MAP_TYPE.prog_array) },
  'array_of_maps maps': {
    since: '4.12',
    try: () => {
      const inner = createMap('probe', { type: MAP_TYPE.array, keySize: 4, valueSize: 8, entries: 2 })
      if (inner < 0) return errnoName(inner)
      const outer = { type: MAP_TYPE.array_of_maps, keySize: 4, valueSize: 4, entries: 1 }
      const outcome = byHandle(createMap('probe', outer, undefined, 0, inner))
      close(inner)
      return outcome
    },
  },
  'tc programs': { since: '4.1', try: program(PROG_TYPE.tc, zero) },
  'xdp programs': { since: '4.8', try: program(PROG_TYPE.xdp, zero) },
  'jumps on 32 bits': {
    since: '5.1',
    try: program(PROG_TYPE.tc, [mov(0, 0), instruction(CLASS.jmp32 | JMP.jeq | SOURCE.k, 0, 0, 0, 0), exit]),
  },
  'bounded loops': {
    since: '5.3',
    try: program(PROG_TYPE.tc, [
      mov(0, 4),
      instruction(CLASS.alu64 | ALU.add | SOURCE.k, 0, 0, 0, -1),
      instruction(CLASS.jmp | JMP.jne | SOURCE.k, 0, 0, -2, 0),
      exit,
    ]),
  },
  'atomic fetch': {
    since: '5.12',
    try: program(PROG_TYPE.tc, [
      mov(0, 1),
      instruction(CLASS.st | MODE.mem | SIZE.dw, 10, 0, -8, 1),
      instruction(CLASS.stx | MODE.atomic | SIZE.dw, 10, 0, -8, ATOMIC.add | ATOMIC.fetch),
      exit,
    ]),
  },
  'sign-extending moves': {
    since: '6.6',
    try: program(PROG_TYPE.tc, [mov(1, 1), instruction(CLASS.alu64 | ALU.mov | SOURCE.x, 0, 1, 8, 0), exit]),
  },
  may_goto: {
    since: '6.9',
    try: program(PROG_TYPE.tc, [mov(0, 0), instruction(MAY_GOTO, 0, 0, 1, 0), mov(0, 1), exit]),
  },
  'line information': { since: '5.0', try: lineInfo },
  'batch lookup': { since: '5.6', try: batchLookup },
  tcx: { since: '6.6', try: tcx },
} as const satisfies Readonly<Record<string, Probe>>

export type Feature = keyof typeof PROBES

export const features = Object.keys(PROBES) as Feature[]

const conclusive = new Map<Feature, Answer>()

/** Only an answer that settles it is remembered. */
export function probe(feature: Feature): Answer {
  const known = conclusive.get(feature)
  if (known !== undefined) return known
  const { since, try: attempt } = PROBES[feature]
  const outcome = attempt()
  if (typeof outcome === 'string') return { kind: 'could not tell', reason: outcome }
  const answer: Answer = outcome ? { kind: 'supported' } : { kind: 'not supported', since }
  conclusive.set(feature, answer)
  return answer
}
