import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { Decisive } from '../shared.ts'
import { newConstant, newValue } from '../value.ts'
import { replaceAll } from './graph.ts'
import { fits } from './simplify.ts'
import { moves } from './states.ts'

/**
 * What was just stored in the packet is not loaded from there, and what is stored over is not stored: a checksum, or an octet of
 * several bit fields, that assignments in a row change. In room for new headers there are zeros.
 */
export function packetStores(graph: Graph): boolean {
  const { isLoaded, isOverwritten } = meetings(graph)
  const isForwarded = isLoaded && forward(graph)
  return (isOverwritten && dropOverwritten(graph)) || isForwarded
}

type Load = Extract<Value, { op: 'load' }>
type Store = Extract<Value, { op: 'store' }>
type Cleared = Extract<Value, { op: 'cleared' }>
type Access = Load | Store | Cleared

const isLoad = (value: Value): value is Load => value.op === 'load' && value.from === 'packet'
const isStore = (value: Value): value is Store => value.op === 'store' && value.to === 'packet'
const isWritten = (value: Value): value is Store | Cleared => value.op === 'cleared' || isStore(value)

/** Bytes of the packet, counted from a pointer. */
interface Bytes {
  readonly base: Value | undefined
  readonly offset: number
  readonly size: number
}

/** What is in them. A constant is known byte by byte. */
interface Known extends Bytes {
  readonly stored: Value
}

const bytesOf = ({ arguments: [base], offset, size }: Access): Bytes => ({ base, offset, size })
const endOf = ({ offset, size }: Bytes): number => offset + size

/** Whether one is known to have no byte of the other: both go by the same pointer. */
const areApart = (a: Bytes, b: Bytes): boolean => a.base === b.base && (endOf(a) <= b.offset || endOf(b) <= a.offset)

const isWithin = (inner: Bytes, outer: Bytes): boolean =>
  inner.base === outer.base && outer.offset <= inner.offset && endOf(inner) <= endOf(outer)

/** Telling apart more stores would take long. */
const MOST_KNOWN = 32

/** Before anybody looks where: whether something may be loaded that is written by the same pointer, and whether it may be stored twice. */
function meetings({ blocks }: Graph): { readonly isLoaded: boolean; readonly isOverwritten: boolean } {
  const written = new Map<Value | undefined, Access[]>()
  let isOverwritten = false
  for (const { values } of blocks)
    for (const value of values) {
      if (!isWritten(value)) continue
      const [base] = value.arguments
      const known = written.get(base)
      if (known?.length === MOST_KNOWN) return { isLoaded: true, isOverwritten: true }
      isOverwritten ||= isStore(value) && known?.some((one) => isStore(one) && overlap(one, value)) === true
      if (known === undefined) written.set(base, [value])
      else known.push(value)
    }
  if (written.size === 0) return { isLoaded: false, isOverwritten: false }
  const isWrittenTo = (load: Load) => written.get(load.arguments[0])?.some((one) => overlap(one, load)) === true
  const isLoaded = blocks.some(({ values }) => values.some((one) => isLoad(one) && isWrittenTo(one)))
  return { isLoaded, isOverwritten }
}

/** Whether two accesses by the same pointer are to the same bytes. */
const overlap = (a: Access, b: Access): boolean => a.offset < b.offset + b.size && b.offset < a.offset + a.size

function forward(graph: Graph): boolean {
  const replacements = new Map<Value, Value>()
  const knownAtEnd = new Map<Block, readonly Known[]>()
  let changed = false
  for (const block of graph.blocks) {
    const before = block.predecessors.filter((one) => knownAtEnd.has(one))
    let known = common(before, knownAtEnd, isSame)
    if (known.length > 0 && before.length < block.predecessors.length) known = keptByLoop(known, block)
    for (const [index, value] of block.values.entries()) {
      if (moves(value) || isWritten(value)) known = [...after(known, value), ...knownOf(value)].slice(-MOST_KNOWN)
      if (!isLoad(value)) continue
      const loaded = bytesOf(value)
      const one = known.find((other) => isWithin(loaded, other))
      const seen = one === undefined ? undefined : partOf(one, value)
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

function knownOf(value: Value): Known[] {
  if (!isWritten(value)) return []
  const stored = value.op === 'store' ? value.arguments[1] : newConstant(0n, value.at)
  const { base, offset, size } = bytesOf(value)
  return stored === undefined ? [] : [{ base, offset, size, stored }]
}

/** What is known in all rounds of a loop, of what is where it begins. Blocks behind its last one may be in it, too. */
function keptByLoop(known: readonly Known[], first: Block): readonly Known[] {
  const body = new Set([first])
  const waiting = first.predecessors.filter(({ place }) => place >= first.place)
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (body.has(block)) continue
    body.add(block)
    waiting.push(...block.predecessors)
  }
  return [...body].reduce((left, { values }) => values.reduce(after, left), known)
}

/** What is left of it behind a value. */
function after(known: readonly Known[], value: Value): readonly Known[] {
  if (known.length === 0 || moves(value)) return []
  if (!isWritten(value)) return known
  const written = bytesOf(value)
  const left: Known[] = []
  for (const one of known) keep(one, written, left)
  return left
}

/** Adds what is left of it where something was written. */
function keep(one: Known, written: Bytes, to: Known[]): void {
  const { base, offset, stored } = one
  if (base !== written.base) return
  if (areApart(one, written)) to.push(one)
  else if (stored.op === 'const')
    for (const [from, end] of [
      [offset, written.offset],
      [endOf(written), endOf(one)],
    ] as const)
      if (from < end) {
        const part = newConstant(stored.value >> BigInt(8 * (from - offset)), stored.at)
        to.push({ base, offset: from, size: end - from, stored: part })
      }
}

function isSame(a: Known, b: Known): boolean {
  if (a.base !== b.base || a.offset !== b.offset || a.size !== b.size) return false
  return (
    a.stored === b.stored || (a.stored.op === 'const' && b.stored.op === 'const' && a.stored.value === b.stored.value)
  )
}

/** What a load reads of what was stored. */
function partOf({ stored, offset, size }: Known, load: Load): Value | undefined {
  const { id, at } = load
  const ones = (1n << BigInt(8 * load.size)) - 1n
  if (stored.op === 'const') return newConstant((stored.value >> BigInt(8 * (load.offset - offset))) & ones, at)
  if (size !== load.size && stored.op === 'wired') throw new Decisive('a part of an open number', [stored.wired])
  if (size !== load.size) return undefined
  if (load.size === 8 || fits(stored, 8 * load.size)) return stored
  if (load.size === 4) return newValue({ op: 'low32' }, id, [stored], at)
  return newValue({ op: 'alu', alu: 'and', bits: 32 }, id, [stored, newConstant(ones, at)], at)
}

/** Backwards: what is stored on all ways from here, before anything can see what is there now. */
function dropOverwritten(graph: Graph): boolean {
  const laterAtStart = new Map<Block, readonly Bytes[]>()
  let changed = false
  for (const block of graph.blocks.toReversed()) {
    let later = common(successors(block), laterAtStart, (a, b) => a === b)
    if (
      !block.values.some((value) => isStore(value) || isLoad(value) || value.op === 'call' || value.op === 'invoke')
    ) {
      laterAtStart.set(block, later)
      continue
    }
    const values = block.values.toReversed().filter((value) => {
      if (value.op === 'call' || value.op === 'invoke') later = []
      if (isLoad(value)) later = later.filter((one) => areApart(one, bytesOf(value)))
      if (!isStore(value)) return true
      const stored = bytesOf(value)
      if (isCovered(stored, later)) return false
      later = [...later, stored].slice(-MOST_KNOWN)
      return true
    })
    laterAtStart.set(block, later)
    if (values.length === block.values.length) continue
    block.values = values.reverse()
    changed = true
  }
  return changed
}

/** By one of them, or by several together. */
function isCovered({ base, offset, size }: Bytes, by: readonly Bytes[]): boolean {
  for (let at = offset; at < offset + size; ) {
    const one = by.find((other) => other.base === base && other.offset <= at && at < endOf(other))
    if (one === undefined) return false
    at = endOf(one)
  }
  return true
}

/** What is known of all of some blocks. */
function common<T>(
  [first, ...others]: readonly Block[],
  known: ReadonlyMap<Block, readonly T[]>,
  isSame: (a: T, b: T) => boolean,
): readonly T[] {
  const all = first === undefined ? [] : (known.get(first) ?? [])
  return all.filter((one) => others.every((other) => known.get(other)?.some((same) => isSame(one, same))))
}
