/** Jumps that are too far for the 16 bits of their offset go by way of others: a jump in between, to which they can. */
import { ALU, CLASS, classOf, JMP, MAY_GOTO } from '../../isa/opcodes.ts'
import { slotsOf } from '../../isa/program.ts'
import { type Code, type CodeBlock, type CodeGraph, newCode } from './machine-code.ts'

const ALWAYS = CLASS.jmp | JMP.ja
const EXIT = CLASS.jmp | JMP.exit
const CALL = CLASS.jmp | JMP.call
/** The bits of an opcode that say which operation it is. */
const OPERATION_BITS = 0xf0

/**
 * What the kernel may put in the place of an instruction, in slots, rounded up: lookups that it compiles in, divisions that it
 * guards, budgets that it counts (kernel/bpf/verifier.c, do_misc_fixups). It refuses what gets too far by that (bpf_adj_branches).
 */
const GROWN = { call: 16, division: 12, mayGoto: 8 } as const

/** How far jumps go by themselves; 32,767 are the most. The rest is for fields of the context, which take several loads. */
const NEAR = 24_000

/** Islands make jumps over them longer, by little; this ends what would get longer and longer. */
const MOST_TURNS = 20

/**
 * Kernels from 6.6 on have jumps of 32 bits, but no comparisons, and those before have neither. A program of fewer instructions than
 * a jump can pass is left as it is.
 */
export function bridgeFarJumps(graph: CodeGraph, near = NEAR): void {
  for (let turn = 0; turn < MOST_TURNS && buildIslands(graph, near); turn++);
}

/** Where code may be put in: in front of an instruction of a block. */
interface Site {
  readonly block: CodeBlock
  readonly index: number
  /** Slots in front of it. */
  readonly at: number
  /** Nobody comes by: what is in front of it jumps or exits. */
  readonly isQuiet: boolean
  /** By where they lead to. */
  readonly islands: Map<number, CodeBlock>
}

/** Whether there were any jumps that are too far. */
function buildIslands({ blocks }: CodeGraph, near: number): boolean {
  const { starts, end } = layOut(blocks)
  if (end <= near) return false
  const sites = sitesOf(blocks, near / 4)
  let next = Math.max(...blocks.map(({ id }) => id)) + 1
  const bound = (near * 3) / 4

  /** Where to jump to instead, from `at`. */
  const wayTo = (target: number, at: number, because: Code): number => {
    const goal = starts.get(target) ?? 0
    if (Math.abs(goal - at) <= near) return target
    const ahead = sites.filter((site) => (goal > at ? site.at > at : site.at < at) && Math.abs(site.at - at) <= bound)
    const site = goal > at ? ahead.at(-1) : ahead[0]
    if (site === undefined) return target
    const known = site.islands.get(target)
    if (known !== undefined) return known.id
    const island = blockOf(next++, [])
    site.islands.set(target, island)
    island.code = [jump(wayTo(target, site.at, because), because)]
    return island.id
  }

  let isFar = false
  for (const block of blocks) {
    let at = starts.get(block.id) ?? 0
    for (const code of block.code) {
      at += grownSlots(code)
      if (code.target === undefined) continue
      const target = wayTo(code.target, at, code)
      isFar ||= target !== code.target
      code.target = target
    }
  }
  for (const site of sites.toReversed()) if (site.islands.size > 0) next = settle(blocks, site, next)
  return isFar
}

function layOut(blocks: readonly CodeBlock[]) {
  const starts = new Map<number, number>()
  let end = 0
  for (const { id, code } of blocks) {
    starts.set(id, end)
    for (const one of code) end += grownSlots(one)
  }
  return { starts, end }
}

function grownSlots(code: Code): number {
  const { opcode } = code
  if (opcode === CALL) return GROWN.call
  if (opcode === MAY_GOTO) return GROWN.mayGoto
  const isAlu = classOf(opcode) === CLASS.alu || classOf(opcode) === CLASS.alu64
  const operation = opcode & OPERATION_BITS
  return isAlu && (operation === ALU.div || operation === ALU.mod) ? GROWN.division : slotsOf(code)
}

/** One in each stretch of so many slots, where nobody comes by if there is such a place. */
function sitesOf(blocks: readonly CodeBlock[], stretch: number): Site[] {
  const sites: Site[] = []
  let at = 0
  let before = EXIT
  for (const block of blocks)
    for (const [index, code] of block.code.entries()) {
      const isQuiet = before === ALWAYS || before === EXIT
      const known = sites.at(-1)
      const isNew = Math.floor(at / stretch) !== Math.floor((known?.at ?? 0) / stretch)
      if (isNew || (isQuiet && known?.isQuiet === false)) {
        if (!isNew) sites.pop()
        sites.push({ block, index, at, isQuiet, islands: new Map() })
      }
      at += grownSlots(code)
      before = code.opcode
    }
  return sites
}

/** Puts islands where they belong. Gives the number of the next block. */
function settle(blocks: CodeBlock[], { block, index, isQuiet, islands }: Site, next: number): number {
  const place = blocks.indexOf(block)
  // Whoever jumps to the block does not come by its islands.
  const [behind, own] = index === 0 ? [block, []] : [blockOf(next, block.code.slice(index)), block.code.slice(0, index)]
  const [first] = behind.code
  const over = isQuiet || first === undefined ? [] : [blockOf(next + 1, [jump(behind.id, first)])]
  blocks.splice(place, 1, ...(index === 0 ? [] : [block]), ...over, ...islands.values(), behind)
  if (index > 0) block.code = own
  return next + 2
}

const jump = (target: number, { at }: Code): Code => newCode({ opcode: ALWAYS, target, at })

const blockOf = (id: number, code: Code[]): CodeBlock => ({
  id,
  code,
  successors: [],
  rounds: 1,
  forks: false,
  rare: false,
})
