import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALU, CLASS, JMP, LDDW, SOURCE } from '../../isa/opcodes.ts'
import { bridgeFarJumps } from './islands.ts'
import { type Code, type CodeBlock, type CodeGraph, newCode } from './machine-code.ts'

const ALWAYS = CLASS.jmp | JMP.ja
const IF = CLASS.jmp | SOURCE.k | JMP.jeq
const EXIT = CLASS.jmp | JMP.exit
/** What the kernel may make of them, in slots. */
const OTHERS = [
  { opcode: CLASS.alu64 | ALU.add, slots: 1 },
  { opcode: CLASS.alu | SOURCE.x | ALU.div, slots: 12 },
  { opcode: CLASS.alu64 | ALU.mod, slots: 12 },
  { opcode: CLASS.jmp | JMP.call, slots: 16 },
  { opcode: LDDW, slots: 2 },
] as const
const slotsOf = (code: Code): number => OTHERS.find(({ opcode }) => opcode === code.opcode)?.slots ?? 1
const at = { source: { file: 'a.ts', text: '' }, span: { start: 0, end: 0 } }

const others = fc.array(fc.constantFrom(...OTHERS), { maxLength: 12 })

/** Of each block: what is in it, where it jumps to, and whether always. Their instructions are numbered, and the last one exits. */
const graphs = fc
  .array(fc.record({ others, to: fc.nat(), always: fc.boolean() }), { minLength: 1, maxLength: 60, size: 'max' })
  .map((drafts): CodeGraph => {
    let imm = 0
    const blocks = drafts.map(({ others, to, always }, id): CodeBlock => {
      const last = { opcode: always ? ALWAYS : IF, target: to % drafts.length }
      const end = id === drafts.length - 1 ? { opcode: EXIT } : last
      const code = [...others.map(({ opcode }) => ({ opcode })), end].map((one) => newCode({ ...one, imm: imm++, at }))
      return { id, code, successors: [], rounds: 1, forks: false, rare: false }
    })
    return { blocks, nextRegister: 16, spills: 0 }
  })

const layout = ({ blocks }: CodeGraph) => {
  const starts = new Map<number, number>()
  const code: Code[] = []
  for (const block of blocks) {
    starts.set(block.id, code.length)
    code.push(...block.code)
  }
  return { code, targetOf: ({ target }: Code) => starts.get(target ?? -1) ?? -1 }
}

/** Number by number, what comes after it: if it jumps, and if it does not. Jumps alone are passed by. */
function ways(graph: CodeGraph): ReadonlyMap<number, readonly (number | undefined)[]> {
  const { code, targetOf } = layout(graph)
  const land = (index: number): number | undefined => {
    const seen = new Set<number>()
    let here = index
    for (let one = code[here]; one?.opcode === ALWAYS && !seen.has(here); one = code[here]) {
      seen.add(here)
      here = targetOf(one)
    }
    return code[here]?.opcode === ALWAYS ? undefined : Number(code[here]?.imm)
  }
  return new Map(
    code.flatMap((one, index) =>
      one.opcode === ALWAYS
        ? []
        : [[Number(one.imm), [one.opcode === IF ? land(targetOf(one)) : undefined, land(index + 1)]] as const],
    ),
  )
}

/** Of each instruction, the slot that it begins at; and where the last one ends. */
function placesOf(codes: readonly Code[]): readonly number[] {
  let end = 0
  return [0, ...codes.map((one) => (end += slotsOf(one)))]
}

test('jumps get no farther than they can, and lead where they led', () => {
  fc.assert(
    fc.property(graphs, fc.integer({ min: 400, max: 800 }), (graph, near) => {
      const before = ways(graph)
      bridgeFarJumps(graph, near)
      const { code, targetOf } = layout(graph)
      const places = placesOf(code)
      const distances = code.map((one, index) =>
        one.target === undefined ? 0 : Math.abs((places[targetOf(one)] ?? 0) - (places[index + 1] ?? 0)),
      )
      expect(Math.max(...distances)).toBeLessThanOrEqual(near)
      expect(ways(graph)).toEqual(before)
    }),
  )
})

test('what is short enough stays as it is', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const before = structuredClone(graph.blocks)
      bridgeFarJumps(graph, placesOf(layout(graph).code).at(-1))
      expect(graph.blocks).toEqual(before)
    }),
  )
})
