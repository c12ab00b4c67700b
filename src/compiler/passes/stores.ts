import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { replaceAll } from './graph.ts'
import { fits } from './simplify.ts'
import { moves } from './states.ts'

/**
 * What was just stored in the packet is not loaded from there, and what is stored over is not stored: a checksum, or an octet of
 * several bit fields, that assignments in a row change.
 */
export function packetStores(graph: Graph): boolean {
  if (!graph.blocks.some(({ values }) => values.some(isStore))) return false
  const isForwarded = forward(graph)
  return dropOverwritten(graph) || isForwarded
}

type Load = Extract<Value, { op: 'load' }>
type Store = Extract<Value, { op: 'store' }>

const isLoad = (value: Value): value is Load => value.op === 'load' && value.from === 'packet'
const isStore = (value: Value): value is Store => value.op === 'store' && value.to === 'packet'

/** Whether one access is known to touch no byte of the other: both go by the same pointer. */
const areApart = (a: Load | Store, b: Load | Store): boolean =>
  a.arguments[0] === b.arguments[0] && (a.offset + a.size <= b.offset || b.offset + b.size <= a.offset)

const isWithin = (inner: Load | Store, outer: Store): boolean =>
  inner.arguments[0] === outer.arguments[0] &&
  outer.offset <= inner.offset &&
  inner.offset + inner.size <= outer.offset + outer.size

/** Telling apart more stores would take long. */
const MOST_KNOWN = 32

function forward(graph: Graph): boolean {
  const replacements = new Map<Value, Value>()
  const knownAtEnd = new Map<Block, readonly Store[]>()
  let changed = false
  for (const block of graph.blocks) {
    let known = common(block.predecessors, knownAtEnd)
    for (const [index, value] of block.values.entries()) {
      if (moves(value)) known = []
      if (isStore(value)) known = [...known.filter((one) => areApart(one, value)), value].slice(-MOST_KNOWN)
      if (!isLoad(value)) continue
      const store = known.find((one) => isWithin(value, one))
      const seen = store === undefined ? undefined : partOf(store, value)
      if (seen === undefined) continue
      changed = true
      // What is to be masked first stands where it was loaded.
      if (seen.id === value.id) block.values[index] = seen
      replacements.set(value, seen)
    }
    knownAtEnd.set(block, known)
  }
  replaceAll(graph, replacements)
  return changed
}

/** What a load reads of what was stored. */
function partOf(store: Store, load: Load): Value | undefined {
  const { id, at } = load
  const stored = store.arguments[1]
  const ones = (1n << BigInt(8 * load.size)) - 1n
  if (stored?.op === 'const') return newConstant((stored.value >> BigInt(8 * (load.offset - store.offset))) & ones, at)
  if (stored === undefined || store.size !== load.size) return undefined
  if (load.size === 8 || fits(stored, 8 * load.size)) return stored
  if (load.size === 4) return newValue({ op: 'low32' }, id, [stored], at)
  return newValue({ op: 'alu', alu: 'and', bits: 32 }, id, [stored, newConstant(ones, at)], at)
}

/** Backwards: what is stored on all ways from here, before anything can see what is there now. */
function dropOverwritten(graph: Graph): boolean {
  const laterAtStart = new Map<Block, readonly Store[]>()
  let changed = false
  for (const block of graph.blocks.toReversed()) {
    let later = common(successors(block), laterAtStart)
    const kept = block.values.toReversed().filter((value) => {
      if (value.op === 'call' || value.op === 'invoke') later = []
      if (isLoad(value)) later = later.filter((one) => areApart(one, value))
      if (!isStore(value)) return true
      if (later.some((one) => isWithin(value, one))) return false
      later = [...later, value].slice(-MOST_KNOWN)
      return true
    })
    laterAtStart.set(block, later)
    if (kept.length === block.values.length) continue
    block.values = kept.reverse()
    changed = true
  }
  return changed
}

/** What is known of all of some blocks: nothing, where ways lead in a circle. */
function common([first, ...others]: readonly Block[], known: ReadonlyMap<Block, readonly Store[]>): readonly Store[] {
  const all = first === undefined ? [] : (known.get(first) ?? [])
  return all.filter((store) => others.every((one) => known.get(one)?.includes(store)))
}
