/** Instructions with registers → a Program: places on the stack, distances of jumps, and the line of each instruction. */
import { alignUp } from '../../base/bytes.ts'
import { placeAt } from '../../base/diagnostic.ts'
import { LIMIT, MAY_GOTO } from '../../isa/opcodes.ts'
import type { Hook, Instruction, MapDescription, Program } from '../../isa/program.ts'
import { slotsOf } from '../../isa/program.ts'
import { Excess } from '../excess.ts'
import type { StackObject } from '../ir.ts'
import type { Position } from '../typed.ts'
import { forgetRounds } from './forget.ts'
import { stackOf } from './frames.ts'
import { bridgeFarJumps } from './islands.ts'
import { Lines } from './lines.ts'
import type { Code, CodeGraph } from './machine-code.ts'

export interface EmitOptions {
  readonly name: string
  readonly hook: Hook
  /** What the program may refer to; what it does not refer to is left out of it. */
  readonly maps: Readonly<Record<string, MapDescription>>
}

/** The first of these is the program, the others are the functions that it calls. The sum of their frames is not judged here. */
export function emit(graphs: readonly CodeGraph[], { name, hook, maps }: EmitOptions): Program {
  const laid = layCode(graphs)
  const stack = stackOf(laid.map(({ graph, stack }) => ({ graph, size: stack.size })))
  const entries = new Map(laid.map(({ graph, slot }) => [graph.signature?.name, slot]))
  const lines = new Lines()
  const instructions: Instruction[] = []
  const used = new Set<string>()
  for (const { graph, slot, starts, stack } of laid) {
    let next = slot
    for (const { code } of graph.blocks)
      for (const one of code) {
        next += slotsOf(one)
        if (one.map !== undefined) used.add(one.map)
        const line = lines.of(one.at)
        const { callee, opcode, dst, src, offset } = one
        if (callee === undefined) instructions.push(encodeOne(one, next, starts, stack.places, line))
        else instructions.push({ opcode, dst, src, offset, imm: (entries.get(callee) ?? 0) - next, line })
      }
  }
  const functions = laid.flatMap(({ graph: { signature }, slot }) =>
    signature === undefined ? [] : [{ name: signature.name, slot, parameters: signature.parameters }],
  )
  return {
    name,
    hook,
    instructions,
    ...(functions.length === 0 ? {} : { functions }),
    maps: Object.fromEntries(Object.entries(maps).filter(([map]) => used.has(map))),
    lines: lines.all,
    stack,
  }
}

/** A function's place among the others, and that of its blocks. */
interface Laid {
  readonly graph: CodeGraph
  readonly slot: number
  readonly starts: ReadonlyMap<number, number>
  readonly stack: { readonly places: Places; readonly size: number }
}

function layCode(graphs: readonly CodeGraph[]): Laid[] {
  let slot = 0
  return graphs.map((graph) => {
    const first = slot
    const starts = new Map<number, number>()
    const stack = layStack(graph)
    forgetRounds(graph, stack.places.objects)
    bridgeFarJumps(graph)
    for (const block of graph.blocks) {
      starts.set(block.id, slot)
      for (const code of block.code) slot += slotsOf(code)
    }
    return { graph, slot: first, starts, stack }
  })
}

/** `next` is the slot after this instruction: what jumps count from. */
function encodeOne(
  { opcode, dst, src, offset, imm, map, mapValue, target, object, spill }: Code,
  next: number,
  starts: ReadonlyMap<number, number>,
  places: Places,
  line: number,
): Instruction {
  const base = { opcode, dst, src, offset, imm, line }
  if (target !== undefined) {
    const distance = (starts.get(target) ?? 0) - next
    if (distance < -32768 || distance > 32767) throw new Error(`a jump over ${distance} instructions was not bridged`)
    return { ...base, offset: distance }
  }
  if (map !== undefined) return { ...base, map, ...(mapValue === undefined ? {} : { mapValue }) }
  const place =
    object !== undefined ? places.objects.get(object) : spill !== undefined ? places.spills[spill] : undefined
  if (place === undefined) return base
  // The address of an object is made by an addition; loads and stores carry the place in their offset.
  return (opcode & 0x07) >= 0x04 ? { ...base, imm: place } : { ...base, offset: offset + place }
}

interface Places {
  /** Distance from the frame pointer, negative. */
  readonly objects: ReadonlyMap<StackObject, number>
  readonly spills: readonly number[]
}

/** What the verifier keeps account of together, in bytes. */
const SLOT = 8

/** What the kernel has of the stack itself, below everything else, for `may_goto`: rounds that are left, and when they began. */
const BUDGET = 16

/** Spills lie next to the frame pointer; below them objects, which share places when they are not in use together. */
function layStack(graph: CodeGraph): { places: Places; size: number } {
  const spills = Array.from({ length: graph.spills }, (_, index) => -8 * (index + 1))
  const spans = new Map<StackObject, { from: number; to: number }>()
  let at = 0
  for (const { code } of graph.blocks) {
    for (const { object, opcode } of code) {
      at++
      const isCall = opcode === 0x85
      if (isCall) for (const span of spans.values()) if (span.to === Number.POSITIVE_INFINITY) span.to = at
      if (object === undefined) continue
      const known = spans.get(object)
      // Its address, once made, is used by the next call.
      const to = (opcode & 0x07) >= 0x04 ? Number.POSITIVE_INFINITY : at
      spans.set(object, { from: known?.from ?? at, to })
    }
  }
  const objects = new Map<StackObject, number>()
  const placed: { object: StackObject; low: number; high: number; from: number; to: number }[] = []
  let size = 8 * graph.spills
  for (const [object, { from, to }] of spans) {
    let low = 8 * graph.spills
    const rivals = placed.filter((other) => other.from <= to && from <= other.to).sort((a, b) => a.low - b.low)
    for (const rival of rivals) if (rival.low < low + object.size && low < rival.high) low = alignUp(rival.high, SLOT)
    // The upper half of a slot: of the lower one, and of whole ones, the verifier remembers the number (check_stack_write_fixed_off).
    // An index that it knows it tells apart from all others (get_constant_map_key), and prunes nothing.
    const high = object.size <= SLOT / 2 ? low + SLOT / 2 : alignUp(low + object.size, SLOT)
    placed.push({ object, low, high, from, to })
    objects.set(object, -high)
    size = Math.max(size, alignUp(high, SLOT))
  }
  if (graph.blocks.some(({ code }) => code.some(({ opcode }) => opcode === MAY_GOTO))) size += BUDGET
  if (size > LIMIT.stack) throw tooMuchStack(size, graph.spills, [...spans.keys()])
  return { places: { objects, spills }, size }
}

function tooMuchStack(size: number, spills: number, objects: readonly StackObject[]): Excess {
  const largest = [...objects].sort((a, b) => b.size - a.size).slice(0, 3)
  const [worst] = largest
  const what = [
    ...largest.map((one) => `${one.what}: ${one.size} bytes`),
    `values that found no register: ${8 * spills} bytes`,
  ]
  return new Excess('stack', {
    message: `this needs ${size} bytes of stack; the kernel allows ${LIMIT.stack}`,
    place: worst && placeOf(worst.at),
    remedy: `make keys and values smaller, or keep fewer values at a time:\n${what.join('\n')}`,
  })
}

export const placeOf = ({ source, span }: Position) =>
  placeAt(source.file, source.text, span.start, Math.max(1, span.end - span.start))
