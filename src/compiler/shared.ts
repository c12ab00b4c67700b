/**
 * Programs that differ only in numbers of their wiring are compiled once, with those numbers left open: which port packets come
 * in by, which interfaces others lead to. Each is an immediate of some instructions, and is put there afterwards.
 *
 * That is possible where such a number decides nothing but itself. Nothing computes with it while it is open: where the
 * program would be another one if it were known, it is {@link Decisive}.
 */
import type { Program } from '../isa/program.ts'
import type { Block, Graph, Value } from './ir.ts'
import type { Wired } from './wired.ts'

/** Thrown where an open number has to be known. */
export class Decisive extends Error {}

/** A program with its open numbers. */
export interface SharedProgram {
  readonly program: Program
  /** Of each instruction, what its immediate is. */
  readonly open: readonly (Wired | undefined)[]
}

/** The program of one port, by the numbers of its wiring. */
export function bind({ program, open }: SharedProgram, name: string, numbers: readonly number[]): Program {
  const instructions = program.instructions.map((one, index) => {
    const wired = open[index]
    if (wired === undefined) return one
    return { ...one, [one.mapValue === undefined ? 'imm' : 'mapValue']: wired.of(numbers) }
  })
  return { ...program, name, instructions }
}

/** Refuses open numbers that the passes would have looked at: only where they are copied does knowing them gain nothing. */
export function checkCopied({ blocks }: Graph): void {
  const open = openValues(blocks)
  const isOpen = (value: Value | undefined): boolean => value !== undefined && open.has(value)
  for (const { values, end } of blocks) {
    for (const value of values) {
      const [first, ...others] = value.arguments
      const isCopied = COPIES.has(value.op) ? value.op !== 'store' || !isOpen(first) : value.op === 'phi'
      if (!isCopied && (isOpen(first) || others.some(isOpen))) throw new Decisive(`${value.op} of an open number`)
    }
    if (end?.op === 'return' && isOpen(end.value)) throw new Decisive('an open number is returned')
    if (end?.op !== 'branch') continue
    const { left, right } = end
    if (isOpen(left) || (isOpen(right) && (right.op === 'phi' || !isLoaded(left, new Set()))))
      throw new Decisive('a test of an open number')
  }
}

const COPIES: ReadonlySet<Value['op']> = new Set(['store', 'call', 'invoke'])

/** Whether a value could be any: nothing is known of it that would decide a comparison. */
function isLoaded(value: Value, seen: Set<Value>): boolean {
  if (value.op !== 'phi') return value.op === 'load'
  if (seen.has(value)) return true
  seen.add(value)
  return value.arguments.every((one) => isLoaded(one, seen))
}

/** Open numbers, and phis that may be one. */
function openValues(blocks: readonly Block[]): ReadonlySet<Value> {
  const open = new Set<Value>()
  const phis: Value[] = []
  for (const { values } of blocks)
    for (const value of values)
      if (value.op === 'wired') open.add(value)
      else if (value.op === 'phi') phis.push(value)
  for (let before = -1; before < open.size; ) {
    before = open.size
    for (const phi of phis) if (phi.arguments.some((one) => open.has(one))) open.add(phi)
  }
  return open
}
