import { ALU, ATOMIC, CALL, CALLX, CLASS, classOf, HELPER, JMP, MAY_GOTO, MODE, SOURCE } from '../../isa/opcodes.ts'
import type { Instruction } from '../../isa/program.ts'
import { type Graph, isLocalCall } from './graph.ts'

/** Sets of registers: a bit for each. */
const bit = (register: number): number => 1 << register
const ARGUMENTS = 0b111110

/** How many of r1 to r5 a helper looks at; all of them where it is not known here. */
const ARITY = new Map<number, number>([
  [HELPER.map_lookup_elem, 2],
  [HELPER.map_update_elem, 4],
  [HELPER.map_delete_elem, 2],
  [HELPER.ktime_get_ns, 0],
  [HELPER.get_prandom_u32, 0],
  [HELPER.get_smp_processor_id, 0],
  [HELPER.tail_call, 3],
  [HELPER.clone_redirect, 3],
  [HELPER.skb_vlan_push, 3],
  [HELPER.skb_vlan_pop, 1],
  [HELPER.redirect, 2],
  [HELPER.skb_load_bytes, 4],
  [HELPER.skb_change_tail, 3],
  [HELPER.skb_pull_data, 2],
  [HELPER.csum_update, 2],
  [HELPER.skb_change_head, 3],
  [HELPER.xdp_adjust_head, 2],
  [HELPER.skb_adjust_room, 4],
  [HELPER.xdp_adjust_tail, 2],
  [HELPER.redirect_map, 3],
  [HELPER.map_push_elem, 3],
  [HELPER.map_pop_elem, 2],
  [HELPER.map_peek_elem, 2],
  [HELPER.spin_lock, 1],
  [HELPER.spin_unlock, 1],
  [HELPER.ringbuf_output, 4],
  [HELPER.ringbuf_reserve, 3],
  [HELPER.ringbuf_submit, 2],
  [HELPER.xdp_load_bytes, 4],
])

/** Whether it is known here what a helper does to the memory it gets. */
export const isKnown = (helper: number): boolean => ARITY.has(helper)

export const arityOf = (helper: number): number => ARITY.get(helper) ?? 5

/** What liveness is asked about. */
export interface Code {
  readonly instructions: readonly Instruction[]
  /** For each instruction the index of the one that its jump or local call goes to. */
  readonly targets: Int32Array
  /**
   * By the index of its first instruction, which of r0 and r6 to r9 a function reads before it writes them. The kernel lets no
   * program do that; others get what their callers had.
   */
  readonly inherited: ReadonlyMap<number, number>
}

/** r0 and r6 to r9. */
export const INHERITABLE = 0b1111000001

function reads({ opcode, dst, src, imm }: Instruction): number {
  const kind = classOf(opcode)
  const code = opcode & 0xf0
  const both = bit(dst) | bit(src)
  switch (kind) {
    case CLASS.alu:
    case CLASS.alu64: {
      const isRegister = (opcode & SOURCE.x) !== 0 && code !== ALU.end
      return (code === ALU.mov ? 0 : bit(dst)) | (isRegister ? bit(src) : 0)
    }
    case CLASS.jmp:
    case CLASS.jmp32:
      if (code === JMP.ja || opcode === MAY_GOTO) return 0
      if (code === JMP.exit) return bit(0)
      if (opcode === CALLX) return ARGUMENTS | bit(dst)
      if (code === JMP.call) return src === CALL.local ? ARGUMENTS : (1 << (arityOf(Number(imm)) + 1)) - 2
      return bit(dst) | ((opcode & SOURCE.x) === 0 ? 0 : bit(src))
    case CLASS.ldx:
      return bit(src)
    case CLASS.st:
      return bit(dst)
    case CLASS.stx:
      return both | ((opcode & 0xe0) === MODE.atomic && Number(imm) === ATOMIC.cmpxchg ? bit(0) : 0)
    default:
      return 0
  }
}

function writes({ opcode, dst, src, imm }: Instruction): number {
  switch (classOf(opcode)) {
    case CLASS.alu:
    case CLASS.alu64:
    case CLASS.ld:
    case CLASS.ldx:
      return bit(dst)
    case CLASS.jmp:
      return (opcode & 0xf0) === JMP.call ? ARGUMENTS | bit(0) : 0
    case CLASS.stx:
      if ((opcode & 0xe0) !== MODE.atomic || (Number(imm) & ATOMIC.fetch) === 0) return 0
      return Number(imm) === ATOMIC.cmpxchg ? bit(0) : bit(src)
    default:
      return 0
  }
}

/** The registers that are read before they are written, from the instruction at `from` to the one at `last` and beyond. */
export function liveFrom(
  { instructions, targets, inherited }: Code,
  from: number,
  last: number,
  liveOut: number,
): number {
  let live = liveOut
  for (let index = last; index >= from; index--) {
    const instruction = instructions[index]
    if (instruction === undefined) continue
    live = (live & ~writes(instruction)) | reads(instruction)
    if (inherited.size > 0 && isLocalCall(instruction)) live |= inherited.get(targets[index] ?? -1) ?? 0
  }
  return live
}

/** For each block, the registers that are read at its start or later before they are written. */
export function liveness({ blocks }: Graph, code: Code): Uint16Array {
  const needed = new Uint16Array(blocks.length)
  const kept = new Uint16Array(blocks.length)
  for (const [number, { first, last }] of blocks.entries()) {
    needed[number] = liveFrom(code, first, last, 0)
    let written = 0
    for (let index = first; index <= last; index++) {
      const instruction = code.instructions[index]
      if (instruction !== undefined) written |= writes(instruction)
    }
    kept[number] = ~written
  }
  const live = needed.slice()
  for (let changed = true; changed; ) {
    changed = false
    for (let number = blocks.length - 1; number >= 0; number--) {
      const block = blocks[number]
      if (block === undefined) continue
      const out = (live[block.next] ?? 0) | (live[block.taken] ?? 0)
      const now = (needed[number] ?? 0) | (out & (kept[number] ?? 0))
      if (now === live[number]) continue
      live[number] = now
      changed = true
    }
  }
  return live
}
