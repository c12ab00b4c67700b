import { viewOf } from '../../base/bytes.ts'
import { SK_BUFF, XDP_MD } from '../../isa/opcodes.ts'
import type { Hook, Program } from '../../isa/program.ts'
import { alu64, assemble, exit, jump, label, load, mov, type Step, store, verdict } from '../assemble.ts'
import type { Machine, RunResult } from '../machine.ts'

/** What a program returns that found the packet too short for its own bounds check. */
export const SHORT = 99

/** Operands and results of programs under test lie in the packet behind the MAC header: 8 bytes each, little-endian. */
const FIELDS = 16

export const FRAME_LENGTH = 80

/** A frame with the given 64-bit values from byte 16 on. Its ethertype is one of the two for local experiments (IEEE 802). */
export function frameOf(...values: readonly bigint[]): Uint8Array {
  const frame = new Uint8Array(FRAME_LENGTH)
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5])
  for (const [i, value] of values.entries()) viewOf(frame).setBigUint64(FIELDS + 8 * i, BigInt.asUintN(64, value), true)
  return frame
}

/** The value at position `i` of a frame. */
export const valueIn = (frame: Uint8Array, i: number): bigint => viewOf(frame).getBigUint64(FIELDS + 8 * i, true)

/** `r6 = context; r7 = packet`, after a check that `length` bytes are there; {@link SHORT} otherwise. */
export function opening(hook: Hook, length: number = FRAME_LENGTH): Step {
  const at = hook === 'tc' ? SK_BUFF : XDP_MD
  return [
    mov('r6', 'r1'),
    load(4, 'r7', 'r1', at.data),
    load(4, 'r3', 'r1', at.data_end),
    mov('r4', 'r7'),
    alu64('add', 'r4', length),
    jump('jgt', 'r4', 'r3', 'short'),
  ]
}

export const closing: Step = [label('short'), verdict(SHORT)]

/** `dst` = the value at position `i` of the packet. */
export const take = (dst: Parameters<typeof load>[1], i: number): Step => load(8, dst, 'r7', FIELDS + 8 * i)
/** The value at position `i` of the packet = `src`. */
export const put = (i: number, src: Parameters<typeof load>[1]): Step => store(8, 'r7', FIELDS + 8 * i, src)

/** A program that has its packet in r7 and its context in r6, and returns 0 when it comes to its end. */
export const bodied = (
  name: string,
  body: readonly Step[],
  more: Partial<Pick<Program, 'maps' | 'stack'>> = {},
): Program => assemble(name, 'tc', [opening('tc'), ...body, mov('r0', 0), exit, closing], more)

/** Loads, runs once, closes. */
export function runOnce(
  machine: Machine,
  program: Program,
  frame: Uint8Array,
  maps: Parameters<Machine['load']>[1] = {},
): RunResult {
  using loaded = machine.load(program, maps)
  return loaded.run(frame)
}
