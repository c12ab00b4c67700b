import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { newConstant, newJump, newValue } from '../value.ts'
import { Numbers, replaceAll } from './graph.ts'
import { compareConstants, evaluate } from './simplify.ts'

/** Of all rounds together, what is left when the counter is a constant in each. */
const MOST_VALUES = 64
const MOST_ROUNDS = 64

/** What is done in so short a time that counting rounds is much of it. */
const COPIED: ReadonlySet<Value['op']> = new Set([
  'alu',
  'low32',
  'sext32',
  'swap',
  'fold',
  'load',
  'store',
  'phi',
] as const)

/** Short loops of one block that count from a constant to another become what they do: no counter, and constant places. */
export function unrollShort(graph: Graph): boolean {
  const numbers = new Numbers(graph)
  let changed = false
  for (const block of graph.blocks) {
    const rounds = roundsOf(block)
    if (rounds === undefined) continue
    unroll(graph, block, rounds, numbers)
    changed = true
  }
  return changed
}

/** How often a loop goes round, if it is short enough. */
function roundsOf(block: Block): number | undefined {
  const { end, predecessors, values } = block
  if (end?.op !== 'branch' || end.counts !== true || predecessors.length !== 2 || !predecessors.includes(block))
    return undefined
  if (end.right.op !== 'const' || end.whenTrue === end.whenFalse) return undefined
  const { comparison, bits, right, left, whenTrue } = end
  const [phi, step] = left.arguments
  const back = predecessors.indexOf(block)
  const start = phi?.arguments[1 - back]
  if (left.op !== 'alu' || phi?.op !== 'phi' || phi.arguments[back] !== left || !values.includes(phi)) return undefined
  if (step?.op !== 'const' || start?.op !== 'const') return undefined
  if (values.some(({ op }) => !COPIED.has(op))) return undefined
  const work = values.filter((value) => value.op !== 'phi' && !isCounted(value, phi)).length
  let counter = start.value
  for (let rounds = 1; rounds <= MOST_ROUNDS && rounds * work <= MOST_VALUES; rounds++) {
    counter = evaluate(left.alu, left.bits, counter, step.value)
    if (compareConstants(comparison, bits, counter, right.value) !== (whenTrue === block)) return rounds
  }
  return undefined
}

/** What is computed from the counter and constants alone, or is an address that it goes into. */
function isCounted(value: Value, counter: Value): boolean {
  if (value === counter || value.op === 'const') return true
  if (value.op !== 'alu') return value.op === 'low32' && value.arguments.every((one) => isCounted(one, counter))
  const [a, b] = value.arguments
  if (a === undefined || b === undefined || !isCounted(b, counter)) return false
  return isCounted(a, counter) || (value.alu === 'add' && value.bits === 64)
}

function unroll(graph: Graph, block: Block, rounds: number, numbers: Numbers): void {
  const { end, predecessors, values } = block
  if (end?.op !== 'branch') return
  const back = predecessors.indexOf(block)
  const [before] = predecessors.slice(1 - back, 2 - back)
  if (before === undefined) return
  const phis = values.filter(({ op }) => op === 'phi')
  const given = (index: number) => (phi: Value) => phi.arguments[index] ?? phi
  let now = new Map(phis.map((phi) => [phi, given(1 - back)(phi)]))
  const all: Value[] = []
  const at = (one: Value) => now.get(one) ?? one
  for (let round = 1; round <= rounds; round++) {
    for (const value of values) {
      if (value.op === 'phi') continue
      const copy = newValue(value, numbers.next(), value.arguments.map(at), value.at)
      const [a, b] = copy.arguments
      const isConstant = copy.op === 'alu' && a?.op === 'const' && b?.op === 'const'
      const made = isConstant ? newConstant(evaluate(copy.alu, copy.bits, a.value, b.value), value.at) : copy
      if (!isConstant) all.push(copy)
      now.set(value, made)
    }
    if (round === rounds) break
    const next = phis.map((phi) => [phi, at(given(back)(phi))] as const)
    now = new Map([...now, ...next])
  }
  // What comes afterwards sees the values of the last round.
  const to = successors(block).find((one) => one !== block)
  if (to === undefined) return
  const straight: Block = {
    id: block.id,
    rounds: Math.max(1, Math.round(block.rounds / rounds)),
    rare: block.rare === true,
    place: block.place,
    values: all,
    end: newJump(to, end.at),
    predecessors: [before],
  }
  graph.blocks[graph.blocks.indexOf(block)] = straight
  for (const one of graph.blocks) retargetTo(one, block, straight)
  replaceAll(graph, now)
}

function retargetTo(one: Block, from: Block, to: Block): void {
  const { end } = one
  if (end?.op === 'jump' && end.to === from) end.to = to
  if (end?.op === 'branch' && end.whenTrue === from) end.whenTrue = to
  if (end?.op === 'branch' && end.whenFalse === from) end.whenFalse = to
  one.predecessors = one.predecessors.map((before) => (before === from ? to : before))
}
