/** What is left to do when registers are chosen: jumps that lead to jumps, jumps over jumps, and reloads of what was just spilled. */
import { ALU, CLASS, classOf, JMP, MODE, SIZE, SOURCE } from '../../isa/opcodes.ts'
import { type Code, type CodeBlock, type CodeGraph, newCode, type Register } from './machine-code.ts'

const ALWAYS = CLASS.jmp | JMP.ja
const EXIT = CLASS.jmp | JMP.exit
/** The bits of an opcode that say which comparison it is. */
const COMPARISON_BITS = 0xf0

const OPPOSITE: ReadonlyMap<number, number> = new Map(
  (
    [
      ['jeq', 'jne'],
      ['jgt', 'jle'],
      ['jge', 'jlt'],
      ['jsgt', 'jsle'],
      ['jsge', 'jslt'],
    ] as const
  ).flatMap(([one, other]) => [
    [JMP[one], JMP[other]],
    [JMP[other], JMP[one]],
  ]),
)

export function tidy(graph: CodeGraph): void {
  const { blocks } = graph
  const order = new Map(blocks.map(({ id }, index) => [id, index]))
  if (graph.spills > 0) for (const block of blocks) block.code = withoutLostSpills(withoutReloads(block.code))
  const shape: Shape = { blocks, order }
  forward(shape)
  turnAround(shape)
  dropUnreachable(shape)
  dropJumpsToNext(shape)
}

interface Shape {
  readonly blocks: readonly CodeBlock[]
  readonly order: ReadonlyMap<number, number>
}

const LOAD = CLASS.ldx | MODE.mem | SIZE.dw
const STORE = CLASS.stx | MODE.mem | SIZE.dw
const COPY = CLASS.alu64 | ALU.mov | SOURCE.x

/** `*(r10 - 8) = r0; … r2 = *(r10 - 8)`, with r0 as it was: a copy will do, if it is another register at all. */
function withoutReloads(code: readonly Code[]): Code[] {
  /** What is in slots that a register has as well. */
  const known = new Map<number, Register>()
  return code.flatMap((one): readonly Code[] => {
    const { opcode, spill, dst, src, defs, at } = one
    const there = opcode === LOAD && spill !== undefined ? known.get(spill) : undefined
    if (there === dst) return []
    for (const [slot, register] of known) if (defs.includes(register)) known.delete(slot)
    if (spill !== undefined && opcode === STORE) known.set(spill, src)
    if (spill === undefined || opcode !== LOAD) return [one]
    if (there === undefined) {
      known.set(spill, dst)
      return [one]
    }
    return [newCode({ opcode: COPY, dst, src: there, uses: [there], defs: [dst], move: true, at })]
  })
}

/** What is written over in the same block before anybody has read it need not be written. */
function withoutLostSpills(code: readonly Code[]): Code[] {
  const written = new Set<number>()
  return code
    .toReversed()
    .filter(({ opcode, spill }) => {
      if (spill === undefined) return true
      if (opcode !== STORE) return written.delete(spill) || true
      if (written.has(spill)) return false
      written.add(spill)
      return true
    })
    .toReversed()
}

/** Where control really goes on from the start of a block: over empty blocks, and over blocks that only jump. */
function destination({ blocks, order }: Shape, id: number): number {
  const seen = new Set<number>()
  let at = order.get(id) ?? 0
  for (let block = blocks[at]; block !== undefined && !seen.has(at); block = blocks[at]) {
    seen.add(at)
    const [only, ...others] = block.code
    if (only === undefined) at++
    else if (only.opcode === ALWAYS && only.target !== undefined && others.length === 0)
      at = order.get(only.target) ?? at
    else break
  }
  return blocks[at]?.id ?? id
}

function forward(shape: Shape): void {
  for (const { code } of shape.blocks)
    for (const one of code) if (one.target !== undefined) one.target = destination(shape, one.target)
}

/**
 * A fork that falls through to a lone jump is turned round if that saves the jump, or takes it off the way that goes round a
 * loop.
 */
function turnAround(shape: Shape): void {
  const { blocks, order } = shape
  const targets = new Set<number>()
  for (const { code } of blocks) for (const { target } of code) if (target !== undefined) targets.add(target)
  for (const [index, block] of blocks.entries()) {
    const fork = block.code.at(-1)
    const next = blocks[index + 1]
    const [jump, ...others] = next?.code ?? []
    if (fork?.target === undefined || next === undefined || jump?.target === undefined || others.length > 0) continue
    const opposite = OPPOSITE.get(fork.opcode & COMPARISON_BITS)
    if (opposite === undefined || !isFork(fork) || jump.opcode !== ALWAYS || targets.has(next.id)) continue
    const skipsJump = destination(shape, fork.target) === destination(shape, blocks[index + 2]?.id ?? next.id)
    const isBack = (order.get(jump.target) ?? 0) <= index
    if (!skipsJump && !isBack) continue
    fork.opcode = (fork.opcode & ~COMPARISON_BITS) | opposite
    ;[fork.target, jump.target] = [jump.target, fork.target]
  }
}

const isFork = ({ opcode, target }: Code): boolean =>
  target !== undefined && opcode !== ALWAYS && (classOf(opcode) === CLASS.jmp || classOf(opcode) === CLASS.jmp32)

/** Jumps that nobody leads to any more: the verifier refuses what cannot be reached. */
function dropUnreachable({ blocks, order }: Shape): void {
  const reached = new Set<number>()
  const waiting = [0]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const block = blocks[at]
    if (block === undefined || reached.has(at)) continue
    reached.add(at)
    for (const { target } of block.code) if (target !== undefined) waiting.push(order.get(target) ?? 0)
    const last = block.code.at(-1)?.opcode
    if (last !== ALWAYS && last !== EXIT) waiting.push(at + 1)
  }
  for (const [index, block] of blocks.entries()) if (!reached.has(index)) block.code = []
}

function dropJumpsToNext(shape: Shape): void {
  const { blocks } = shape
  for (let index = blocks.length - 1; index >= 0; index--) {
    const block = blocks[index]
    const last = block?.code.at(-1)
    const next = blocks[index + 1]
    if (block === undefined || next === undefined || last?.opcode !== ALWAYS || last.target === undefined) continue
    if (destination(shape, last.target) === destination(shape, next.id)) block.code.pop()
  }
}
