import { type Block, type Graph, isPure, type Value } from '../ir.ts'
import { newValue } from '../value.ts'
import { nameOf } from '../wired.ts'
import { Analyses } from './analyses.ts'
import { replaceAll, replaceIn } from './graph.ts'
import { simplify } from './simplify.ts'

/**
 * Global value numbering: what was computed on every way here is not computed again, and what got simpler by it is
 * simplified. Constants and addresses of maps are left alone; they are remade where they are used.
 */
export function numberValues(graph: Graph, analyses = new Analyses(graph)): boolean {
  const { dominators } = analyses
  const replacements = new Map<Value, Value>()
  let simplified = false

  const known = new Map<number, Value[]>()
  /** Numbers what is in a block; gives the hashes of what is new, for the blocks that this one does not dominate. */
  const visit = (block: Block): number[] => {
    const values: Value[] = []
    const added: number[] = []
    for (const original of block.values) {
      const given = original.arguments
      if (replacements.size > 0) replaceIn(given, replacements)
      let value = original
      const simple = simplify(original, given)
      if (simple !== undefined && 'id' in simple) {
        replacements.set(original, simple)
        continue
      }
      if (simple !== undefined) {
        simplified = true
        value = newValue(simple.operation, original.id, simple.arguments, original.at)
        replacements.set(original, value)
        if (value.op === 'const') continue
      }
      values.push(value)
      if (!isPure(value) || !SHARED.has(value.op)) continue
      const hash = hashOf(value)
      const alike = known.get(hash)
      const earlier = alike?.find((one) => isSame(one, value, analyses))
      if (earlier !== undefined) {
        replacements.set(original, earlier)
        values.pop()
        continue
      }
      if (alike === undefined) known.set(hash, [value])
      else alike.push(value)
      added.push(hash)
    }
    block.values = values
    return added
  }
  const above: { readonly block: Block; readonly added: readonly number[] }[] = []
  for (const block of dominators.downwards()) {
    for (let last = above.at(-1); last !== undefined && !dominators.dominates(last.block, block); last = above.at(-1)) {
      for (const hash of last.added) known.get(hash)?.pop()
      above.pop()
    }
    above.push({ block, added: visit(block) })
  }
  replaceAll(graph, replacements)
  return simplified || replacements.size > 0
}

/** What is not named here is made where it is used, or is never shared. */
const SHARED: ReadonlySet<Value['op']> = new Set(['load', 'alu', 'swap', 'fold', 'context', 'low32', 'sext32', 'now'])

/** Equal for values that are the same. */
function hashOf(value: Value): number {
  let hash = value.op === 'load' ? value.offset : 0
  for (const one of value.arguments) hash = (Math.imul(hash, 31) + hashOfOperand(one)) | 0
  return hash
}

function hashOfOperand(value: Value): number {
  if (value.op === 'const') return Number(value.value)
  const open = value.op === 'mapValue' ? value.offset : value.op === 'wired' ? value.wired : value.id
  return typeof open === 'number' ? open : (open.places[0] ?? 0)
}

function isSame(a: Value, b: Value, analyses: Analyses): boolean {
  if (a.op !== b.op) return false
  // Operands are compared first: to know the state of the packet takes longer.
  for (let index = 0; index < a.arguments.length; index++)
    if (!isSameOperand(a.arguments[index], b.arguments[index])) return false
  return isSameOperation(a, b, analyses)
}

function isSameOperation(a: Value, b: Value, analyses: Analyses): boolean {
  switch (a.op) {
    case 'load': {
      const isAlike =
        b.op === 'load' && a.size === b.size && a.offset === b.offset && a.from === b.from && a.start === b.start
      if (!isAlike || a.arguments[0] !== b.arguments[0]) return false
      if (a.from !== 'packet' && a.from !== 'context') return true
      const { states } = analyses
      if (states.before(a, a.from) === states.before(b, a.from)) return true
      return a.from === 'packet' && states.read(a) === states.read(b)
    }
    case 'alu':
      return b.op === 'alu' && a.alu === b.alu && a.bits === b.bits
    case 'swap':
      return b.op === 'swap' && a.bits === b.bits
    case 'fold':
      return b.op === 'fold' && a.bits === b.bits
    case 'context':
    case 'low32':
    case 'sext32':
    case 'now':
      return a.op === b.op
    default:
      return false
  }
}

function isSameOperand(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || a === b) return a === b
  if (a.op === 'const') return b?.op === 'const' && a.value === b.value
  if (a.op === 'wired') return b?.op === 'wired' && a.wired.name === b.wired.name
  if (a.op === 'mapValue') return b?.op === 'mapValue' && a.name === b.name && nameOf(a.offset) === nameOf(b.offset)
  return false
}
