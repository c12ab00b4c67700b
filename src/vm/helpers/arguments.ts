/** What registers mean to the helpers that are called with them. A Trap where they are not what a helper takes. */
import { isDevmap, isKeyless, isProgramArray } from '../../isa/program.ts'
import type { Registers } from '../engine.ts'
import { Trap } from '../fault.ts'
import type { VirtualMap } from '../map.ts'
import { type Memory, REGION } from '../memory.ts'
import type { Ring } from '../ring.ts'
import type { Sequence } from '../sequence.ts'

/** The map that r1, or another register, refers to. */
export function mapIn(memory: Memory, { lo, hi }: Registers, register = 1): VirtualMap {
  const region = memory.regions[hi[register] ?? 0]
  if (region?.kind !== 'map' || region.map === undefined || lo[register] !== 0)
    throw new Trap(`r${register} is not a map`)
  return region.map
}

/** A map whose entries have keys. */
export function keyedMap(memory: Memory, code: Registers): VirtualMap {
  const map = mapIn(memory, code)
  const { kind } = map.description
  if (isKeyless(kind)) throw new Trap(`r1 is a ${kind}: its values have no keys`)
  if (isDevmap(kind)) throw new Trap('r1 is a devmap: programs can only redirect by it')
  if (isProgramArray(kind)) throw new Trap('r1 is an array of programs: there are only tail calls to them')
  return map
}

/** A map whose entries programs may add and remove. */
export function changeableMap(memory: Memory, code: Registers): VirtualMap {
  const map = keyedMap(memory, code)
  if (map.inner !== undefined) throw new Trap('r1 is a map of maps: programs can only look into it')
  return map
}

export function sequenceIn(memory: Memory, code: Registers): Sequence {
  const { sequence } = mapIn(memory, code)
  if (sequence === undefined) throw new Trap('r1 is neither a queue nor a stack')
  return sequence
}

export function ringIn(memory: Memory, code: Registers): Ring {
  const { ring } = mapIn(memory, code)
  if (ring === undefined) throw new Trap('r1 is no ring')
  return ring
}

/** Where in linear memory the `size` bytes are that a register points to. */
export const bytesIn = (memory: Memory, code: Registers, register: number, size: number, verb: string): number =>
  memory.argument(code.hi[register] ?? 0, unsigned(code, register), size, verb)

/** The context, which is where helpers for packets have it. */
export const isContext = ({ lo, hi }: Registers): boolean => hi[1] === REGION.context && lo[1] === 0

export const unsigned = ({ lo }: Registers, register: number): number => (lo[register] ?? 0) >>> 0

/** Flags of which none that exists has a bit above the 31st: -1 where one of those is set. */
export const flags = (code: Registers, register: number): number =>
  code.hi[register] === 0 ? unsigned(code, register) : -1
