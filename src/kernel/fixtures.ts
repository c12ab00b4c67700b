import { describe } from 'vitest'
import type { Scalar } from '../isa/layout.ts'
import { ALU, CALL, CLASS, HELPER, type HelperName, JMP, LDDW, MODE, SIZE, SOURCE } from '../isa/opcodes.ts'
import type { Hook, Instruction, MapDescription, Program } from '../isa/program.ts'
import { createNamespace, inNamespace, removeNamespace } from './namespace.ts'
import { changeLink, createVeth } from './netlink/link.ts'
import { whyNoKernel } from './requirements.ts'

/** What the tests of this folder share: programs of a few instructions, and places to run them in. */

const reason = whyNoKernel()

/** A suite that needs the real kernel; elsewhere it is skipped, and its title says why. */
export const describeKernel = (title: string, body: () => void): void => {
  describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (skipped: ${reason})`, body)
}

/** Not used by another run of the tests at the same time. */
export const scratch = (name: string): string => `tessera-test-${process.pid}-${name}`

/**
 * Whether a condition comes to hold. The kernel lets go of a link by deferred work after the last handle and the last pin
 * are gone (kernel/bpf/syscall.c, bpf_link_put), so what follows from that follows a moment later.
 */
export function eventually(condition: () => boolean): boolean {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    if (performance.now() > deadline) return false
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
  }
  return true
}

const insn = (opcode: number, dst: number, src: number, offset: number, imm: number | bigint): Instruction => ({
  opcode,
  dst,
  src,
  offset,
  imm,
})

/** The few instructions that the tests are written in; each emits what its name says. */
export const asm = {
  /** `dst = imm` */
  mov: (dst: number, imm: number) => insn(CLASS.alu64 | ALU.mov | SOURCE.k, dst, 0, 0, imm),
  /** `dst = src` */
  movReg: (dst: number, src: number) => insn(CLASS.alu64 | ALU.mov | SOURCE.x, dst, src, 0, 0),
  /** `dst += imm` */
  add: (dst: number, imm: number) => insn(CLASS.alu64 | ALU.add | SOURCE.k, dst, 0, 0, imm),
  /** `*(u32 *)(dst + offset) = imm` */
  store32: (dst: number, offset: number, imm: number) => insn(CLASS.st | MODE.mem | SIZE.w, dst, 0, offset, imm),
  /** `dst = *(u32 *)(src + offset)` */
  load32: (dst: number, src: number, offset: number) => insn(CLASS.ldx | MODE.mem | SIZE.w, dst, src, offset, 0),
  /** `dst = *(u64 *)(src + offset)` */
  load64: (dst: number, src: number, offset: number) => insn(CLASS.ldx | MODE.mem | SIZE.dw, dst, src, offset, 0),
  /** `if dst == 0 goto +distance` */
  jumpIfZero: (dst: number, distance: number) => insn(CLASS.jmp | JMP.jeq | SOURCE.k, dst, 0, distance, 0),
  /** `lock *(u64 *)(dst + 0) += src` */
  atomicAdd: (dst: number, src: number) => insn(CLASS.stx | MODE.atomic | SIZE.dw, dst, src, 0, ALU.add),
  /** `dst = map` */
  map: (dst: number, map: string): Instruction => ({ ...insn(LDDW, dst, 0, 0, 0), map }),
  /** `dst = &map[0] + byte` */
  mapValue: (dst: number, map: string, byte: number): Instruction => ({
    ...insn(LDDW, dst, 0, 0, 0),
    map,
    mapValue: byte,
  }),
  call: (helper: HelperName) => insn(CLASS.jmp | JMP.call, 0, CALL.helper, 0, HELPER[helper]),
  /** `r0 = function(distance slots on)` */
  callLocal: (distance: number) => insn(CLASS.jmp | JMP.call, 0, CALL.local, 0, distance),
  exit: insn(CLASS.jmp | JMP.exit, 0, 0, 0, 0),
}

const FILE = 'src/cubes/example/dataplane.ts'

/** A program whose every instruction comes from a line of its own: `instructions[i]` is line `i + 1`. */
export function program(
  instructions: readonly Instruction[],
  options: { name?: string; hook?: Hook; maps?: Record<string, MapDescription> } = {},
): Program {
  return {
    name: options.name ?? 'example',
    hook: options.hook ?? 'tc',
    instructions: instructions.map((instruction, line) => ({ ...instruction, line })),
    maps: options.maps ?? {},
    lines: instructions.map((_, index) => ({
      file: FILE,
      line: index + 1,
      column: 3,
      text: `  statement${index + 1}()`,
    })),
    stack: 8,
  }
}

/** A program that answers every packet with one verdict. */
export const returning = (verdict: number, name?: string): Program =>
  program([asm.mov(0, verdict), asm.exit], name === undefined ? {} : { name })

/** A program that sends every packet out of an interface. */
export const redirecting = (index: number, name: string, hook: Hook = 'tc'): Program =>
  program([asm.mov(1, index), asm.mov(2, 0), asm.call('redirect'), asm.exit], { name, hook })

export const u32: Scalar = { kind: 'scalar', size: 4, signed: false, align: 4 }
export const u64: Scalar = { kind: 'scalar', size: 8, signed: false, align: 8 }

export const bytes32 = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer)
export const bytes64 = (value: bigint): Uint8Array => new Uint8Array(new BigUint64Array([value]).buffer)

/** A frame of `length` bytes to everybody, of the EtherType that is free for experiments, filled with `content`. */
export function frame(content: number, length = 60): Uint8Array {
  const bytes = new Uint8Array(length).fill(content)
  bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5])
  return bytes
}

/** Runs in a namespace of its own that has the veth pairs named here, up and silent, and removes it. */
export function inScratch<T>(pairs: readonly (readonly [string, string])[], run: (namespace: string) => T): T {
  const namespace = scratch('ns')
  createNamespace(namespace)
  try {
    return inNamespace(namespace, () => {
      for (const [a, b] of pairs) {
        createVeth({ name: a }, { name: b })
        for (const name of [a, b]) changeLink(name, { silent: true })
        for (const name of [a, b]) changeLink(name, { up: true })
      }
      return run(namespace)
    })
  } finally {
    removeNamespace(namespace)
  }
}
