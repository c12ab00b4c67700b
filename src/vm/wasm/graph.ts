import { CALL, CLASS, classOf, JMP, MAY_GOTO } from '../../isa/opcodes.ts'
import type { Instruction } from '../../isa/program.ts'
import { distanceOf, slotNumbers } from '../validate.ts'

/** Instructions that are run one after the other. Numbers of blocks are those of a {@link Graph}; -1 is none. */
export interface Block {
  /** The indices of its first and of its last instruction. */
  readonly first: number
  readonly last: number
  /** Where it goes on: behind a condition that does not hold, and otherwise always. -1: it leaves the function. */
  next: number
  /** Where it goes on if the condition holds, and that is elsewhere. */
  taken: number
}

/** A function's blocks in reverse postorder, the entry first: what is ahead has higher numbers, but for loops. */
export interface Graph {
  readonly blocks: readonly Block[]
  /** The immediate dominator of each block. The entry's is itself. */
  readonly dominators: Int32Array
  /** How many edges lead to each block from before it. */
  readonly arrivals: Int32Array
  /** Whether an edge leads back to a block. */
  readonly isHeader: Uint8Array
  /** Whether every edge that leads back goes to a block that all ways pass: each loop has one entry. */
  readonly isReducible: boolean
}

/** For each instruction the index of the one that its jump or local call goes to, or -1. */
export function targetsOf(instructions: readonly Instruction[]): Int32Array {
  const slots = slotNumbers(instructions)
  const indexAt = new Int32Array((slots.at(-1) ?? 0) + 1).fill(-1)
  for (let index = 0; index < instructions.length; index++) indexAt[slots[index] ?? 0] = index
  const targets = new Int32Array(instructions.length).fill(-1)
  for (const [index, instruction] of instructions.entries()) {
    const distance = distanceOf(instruction)
    if (distance !== undefined) targets[index] = indexAt[(slots[index + 1] ?? 0) + distance] ?? -1
  }
  return targets
}

/** The budget of `may_goto` is never used up here: what runs too long has no fuel left before. */
const isJump = ({ opcode }: Instruction): boolean =>
  (classOf(opcode) === CLASS.jmp || classOf(opcode) === CLASS.jmp32) && opcode !== MAY_GOTO
const codeOf = ({ opcode }: Instruction): number => opcode & 0xf0

export const isExit = (instruction: Instruction): boolean => isJump(instruction) && codeOf(instruction) === JMP.exit
export const isGoto = (instruction: Instruction): boolean => isJump(instruction) && codeOf(instruction) === JMP.ja
export const isCall = (instruction: Instruction): boolean => isJump(instruction) && codeOf(instruction) === JMP.call
export const isLocalCall = (instruction: Instruction): boolean => isCall(instruction) && instruction.src === CALL.local
export const isCondition = (instruction: Instruction): boolean => {
  const code = codeOf(instruction)
  return isJump(instruction) && code !== JMP.exit && code !== JMP.ja && code !== JMP.call
}

/** Finds functions of a program, one after the other. There may be very many: nothing here is as long as the program each time. */
export class Graphs {
  readonly #instructions: readonly Instruction[]
  readonly #targets: Int32Array
  /** By instruction, the number of the function that was found last of those that reach it, and in which it starts a block. */
  readonly #reached: Int32Array
  readonly #leads: Int32Array
  /** By instruction, the block that it starts. */
  readonly #blockAt: Int32Array
  #number = 0

  constructor(instructions: readonly Instruction[], targets: Int32Array) {
    this.#instructions = instructions
    this.#targets = targets
    this.#reached = new Int32Array(instructions.length)
    this.#leads = new Int32Array(instructions.length + 1)
    this.#blockAt = new Int32Array(instructions.length + 1)
  }

  /** What can be reached from `entry` without leaving the function. */
  from(entry: number): Graph {
    this.#number++
    const found = this.#blocks(this.#reach(entry))
    const order = reversePostorder(found, this.#blockAt[entry] ?? 0)
    const numberOf = new Int32Array(found.length).fill(-1)
    for (const [number, block] of order.entries()) numberOf[block] = number
    const renumbered = (block: number): number => (block < 0 ? -1 : (numberOf[block] ?? -1))
    const blocks = order.flatMap((number) => found[number] ?? [])
    for (const block of blocks) {
      block.next = renumbered(block.next)
      block.taken = renumbered(block.taken)
    }
    return { blocks, ...dominance(blocks) }
  }

  /** The indices at which blocks start, in their order. */
  #reach(entry: number): Int32Array {
    const leaders: number[] = []
    const pending: number[] = []
    const lead = (index: number) => {
      if (this.#leads[index] === this.#number) return
      this.#leads[index] = this.#number
      leaders.push(index)
      pending.push(index)
    }
    lead(entry)
    for (let from = pending.pop(); from !== undefined; from = pending.pop()) {
      for (let index = from; this.#reached[index] !== this.#number; index++) {
        const instruction = this.#instructions[index]
        if (instruction === undefined) break
        this.#reached[index] = this.#number
        if (!endsBlock(instruction)) continue
        if (!isExit(instruction)) lead(this.#targets[index] ?? -1)
        if (isCondition(instruction)) lead(index + 1)
        break
      }
    }
    return Int32Array.from(leaders).sort()
  }

  #blocks(leaders: Int32Array): Block[] {
    const blocks: Block[] = []
    for (const first of leaders) {
      let last = first
      while (!endsBlock(this.#instructions[last]) && this.#leads[last + 1] !== this.#number) last++
      this.#blockAt[first] = blocks.push({ first, last, next: -1, taken: -1 }) - 1
    }
    for (const block of blocks) {
      const last = this.#instructions[block.last]
      if (last === undefined || isExit(last)) continue
      const target = this.#blockAt[this.#targets[block.last] ?? -1] ?? -1
      block.next = isGoto(last) ? target : (this.#blockAt[block.last + 1] ?? -1)
      if (isCondition(last) && target !== block.next) block.taken = target
    }
    return blocks
  }
}

const endsBlock = (instruction: Instruction | undefined): boolean =>
  instruction === undefined || (isJump(instruction) && codeOf(instruction) !== JMP.call)

function reversePostorder(blocks: readonly Block[], start: number): number[] {
  const order: number[] = []
  // How many of its ways on were taken already.
  const state = new Uint8Array(blocks.length)
  const stack = [start]
  state[start] = 1
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const block = blocks[top]
    const taken = state[top] ?? 0
    // Taken first: in the reversed order, what follows in the program follows here, too.
    const way = taken === 1 ? block?.taken : taken === 2 ? block?.next : undefined
    state[top] = taken + 1
    if (taken > 2) {
      order.push(top)
      stack.pop()
    } else if (way !== undefined && way >= 0 && state[way] === 0) {
      state[way] = 1
      stack.push(way)
    }
  }
  return order.reverse()
}

/**
 * Dominators of the graph without the edges that lead back. Where each of those goes to a dominator, the others are the same;
 * where one does not, the graph is not reducible. Ancestors are found by jump pointers (Myers, "An applicative random-access
 * stack", 1983), in logarithmic time however long a program is.
 */
function dominance(blocks: readonly Block[]): Omit<Graph, 'blocks'> {
  const count = blocks.length
  const dominators = new Int32Array(count).fill(-1)
  const depth = new Int32Array(count)
  const far = new Int32Array(count)
  const arrivals = new Int32Array(count)
  const isHeader = new Uint8Array(count)
  const ancestor = (block: number, wanted: number): number => {
    let at = block
    while ((depth[at] ?? 0) > wanted) {
      const jump = far[at] ?? 0
      at = (depth[jump] ?? 0) >= wanted ? jump : (dominators[at] ?? 0)
    }
    return at
  }
  const common = (one: number, other: number): number => {
    let a = ancestor(one, depth[other] ?? 0)
    let b = ancestor(other, depth[a] ?? 0)
    while (a !== b) {
      const far2 = far[a] !== far[b]
      a = (far2 ? far[a] : dominators[a]) ?? 0
      b = (far2 ? far[b] : dominators[b]) ?? 0
    }
    return a
  }
  dominators[0] = 0
  const back: [from: number, to: number][] = []
  for (const [number, block] of blocks.entries()) {
    const idom = dominators[number] ?? 0
    if (number > 0) {
      depth[number] = (depth[idom] ?? 0) + 1
      const jump = far[idom] ?? 0
      const equal = (depth[idom] ?? 0) - (depth[jump] ?? 0) === (depth[jump] ?? 0) - (depth[far[jump] ?? 0] ?? 0)
      far[number] = equal ? (far[jump] ?? 0) : idom
    }
    for (const to of [block.next, block.taken]) {
      if (to < 0) continue
      if (to <= number) {
        isHeader[to] = 1
        back.push([number, to])
        continue
      }
      arrivals[to] = (arrivals[to] ?? 0) + 1
      const known = dominators[to] ?? -1
      dominators[to] = known < 0 ? number : common(known, number)
    }
  }
  const isReducible = back.every(([from, to]) => ancestor(from, depth[to] ?? 0) === to)
  return { dominators, arrivals, isHeader, isReducible }
}
