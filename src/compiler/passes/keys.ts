import type { Block, Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { Numbers } from './graph.ts'

/**
 * A key or a value of a table that is a copy of consecutive bytes of the packet is read there, not from a copy on the stack.
 * The bytes were loaded, so the verifier has seen that they are there, and the packet is still as it was then.
 */
export function keysInPackets(graph: Graph, analyses = new Analyses(graph)): boolean {
  const records = recordsOf(graph)
  if (records.size === 0) return false
  const numbers = new Numbers(graph)
  let changed = false
  for (const block of graph.blocks) {
    const added: { before: Value; pointer: Value }[] = []
    for (const call of block.values) {
      if (call.op !== 'call' || !READERS.has(call.helper)) continue
      for (const [index, argument] of call.arguments.entries()) {
        const record = records.get(argument)
        if (record?.uses !== 1) continue
        const { states } = analyses
        const source = sourceOf(
          argument,
          record,
          (load) => states.before(load, 'packet') === states.before(call, 'packet'),
        )
        if (source === undefined) continue
        const { data } = source
        const distance = newConstant(BigInt(source.offset), call.at)
        const pointer = newValue({ op: 'alu', alu: 'add', bits: 64 }, numbers.next(), [data, distance], call.at)
        if (source.offset !== 0) added.push({ before: call, pointer })
        call.arguments[index] = source.offset === 0 ? data : pointer
        record.home.values = record.home.values.filter((value) => !record.stores.includes(value))
        changed = true
      }
    }
    for (const { before, pointer } of added) block.values.splice(block.values.indexOf(before), 0, pointer)
  }
  return changed
}

/** Helpers that only read what they are given. */
const READERS: ReadonlySet<string> = new Set(['map_lookup_elem', 'map_update_elem', 'map_delete_elem'])

/** An object on the stack: what is written to it, all in the block that makes it, and how often it is used otherwise. */
interface Record {
  readonly home: Block
  readonly stores: Value[]
  uses: number
}

function recordsOf({ blocks }: Graph): Map<Value, Record> {
  const records = new Map<Value, Record>()
  for (const home of blocks)
    for (const value of home.values) if (value.op === 'stack') records.set(value, { home, stores: [], uses: 0 })
  if (records.size === 0) return records
  for (const block of blocks) {
    for (const value of block.values) {
      const [first] = value.arguments
      for (const argument of value.arguments) {
        const record = argument.op === 'stack' ? records.get(argument) : undefined
        if (record === undefined) continue
        if (value.op === 'store' && argument === first && block === record.home) record.stores.push(value)
        // Another use, and so does not qualify; a call that comes before a store does not either.
        else record.uses += value.op === 'call' ? 1 : 2
        if (value.op === 'store' && record.uses > 0) record.uses = 2
      }
    }
  }
  return records
}

interface Place {
  readonly data: Value
  readonly offset: number
}

/** Where in the packet the whole of a record comes from. `isSeen`: a load has read what is there now. */
function sourceOf(stack: Value, { stores }: Record, isSeen: (load: Value) => boolean): Place | undefined {
  if (stack.op !== 'stack') return undefined
  const sorted = stores.filter((store) => store.op === 'store').sort((a, b) => a.offset - b.offset)
  let at = 0
  let found: Place | undefined
  for (const { offset, size, arguments: given } of sorted) {
    const place = placeOf(given[1], size, isSeen)
    if (offset !== at || place === undefined) return undefined
    found ??= place
    if (place.data !== found.data || place.offset !== found.offset + at) return undefined
    at += size
  }
  return at === stack.object.size ? found : undefined
}

/** Where in the packet the low `size` bytes of a value lie: loaded from there, perhaps shifted down by whole bytes. */
function placeOf(value: Value | undefined, size: number, isSeen: (load: Value) => boolean): Place | undefined {
  const [inner, by] = value?.arguments ?? []
  if (
    value?.op === 'alu' &&
    value.alu === 'rsh' &&
    inner?.op === 'load' &&
    by?.op === 'const' &&
    by.value % 8n === 0n
  ) {
    const skipped = Number(by.value) / 8
    const whole = placeOf(inner, inner.size, isSeen)
    return whole && skipped + size <= inner.size ? { ...whole, offset: whole.offset + skipped } : undefined
  }
  if (value?.op !== 'load' || value.from !== 'packet' || !isSeen(value) || value.size < size || inner === undefined)
    return undefined
  if (isPacket(inner)) return { data: inner, offset: value.offset }
  const [data, distance] = inner.arguments
  if (inner.op !== 'alu' || inner.alu !== 'add' || data === undefined || !isPacket(data)) return undefined
  return distance?.op === 'const' ? { data, offset: value.offset + Number(distance.value) } : undefined
}

/** Where the packet starts, also where it may have been moved on one way here. */
const isPacket = (value: Value): boolean =>
  (value.op === 'load' && value.start === true) || (value.op === 'phi' && value.arguments.every(isStart))

const isStart = (value: Value): boolean => value.op === 'load' && value.start === true
