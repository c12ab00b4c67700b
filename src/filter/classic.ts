/**
 * Classic BPF, the language of packet filters (McCanne and Jacobson, "The BSD Packet Filter", 1993; pcap-bpf.h of libpcap): an
 * accumulator A, an index X, 16 words of memory, jumps forwards only. What it returns is how much of a matching packet to keep: 0
 * for one that does not match.
 */
import { viewOf } from '../base/bytes.ts'

export interface ClassicInstruction {
  readonly code: number
  /** Of a comparison: how many instructions are skipped where it holds, and where it does not. */
  readonly jt: number
  readonly jf: number
  /** Unsigned 32 bits. */
  readonly k: number
}

/** It sees the frame as it was on the wire: an outer VLAN tag is in it, wherever the kernel keeps it. */
export type ClassicProgram = readonly ClassicInstruction[]

export const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const
export const SIZE = { w: 0x00, h: 0x08, b: 0x10 } as const
export const MODE = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, len: 0x80, msh: 0xa0 } as const
export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
} as const
export const JUMP = { ja: 0x00, jeq: 0x10, jgt: 0x20, jge: 0x30, jset: 0x40 } as const
/** The other operand: k or X. */
export const SOURCE = { k: 0x00, x: 0x08 } as const
/** What is returned: k or A. */
export const RESULT = { k: 0x00, a: 0x10 } as const
export const TRANSFER = { tax: 0x00, txa: 0x80 } as const

/** Parts of an opcode. */
export const classOf = (code: number): number => code & 0x07
export const sizeOf = (code: number): number => code & 0x18
export const modeOf = (code: number): number => code & 0xe0
export const operationOf = (code: number): number => code & 0xf0

/** `struct bpf_insn`, one behind the other, in the byte order of this machine, which is little endian on all that are known. */
export const INSTRUCTION_SIZE = 8

export function decodeClassic(bytes: Uint8Array): ClassicProgram {
  const view = viewOf(bytes)
  return Array.from({ length: bytes.length / INSTRUCTION_SIZE }, (_, index) => {
    const at = index * INSTRUCTION_SIZE
    return {
      code: view.getUint16(at, true),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, true),
    }
  })
}

export function encodeClassic(program: ClassicProgram): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_SIZE)
  const view = viewOf(bytes)
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const at = index * INSTRUCTION_SIZE
    view.setUint16(at, code, true)
    view.setUint8(at + 2, jt)
    view.setUint8(at + 3, jf)
    view.setUint32(at + 4, k, true)
  }
  return bytes
}
