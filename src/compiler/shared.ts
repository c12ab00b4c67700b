/**
 * Programs that differ only in some numbers are compiled once, with those numbers left open: which port packets come in by, which
 * interfaces and programs others lead to, numbers of the configuration. Each is an immediate of some instructions, and is put there
 * afterwards; so are the names of instances.
 *
 * That is possible where such a number decides nothing but itself. Nothing computes with it while it is open: where the
 * program would be another one if it were known, it is {@link Decisive}.
 */
import type { Instruction, MapDescription, Program } from '../isa/program.ts'
import type { Block, Graph, Value } from './ir.ts'
import { countUses } from './passes/graph.ts'
import { holds } from './passes/sources.ts'
import { isNumber } from './passes/tested.ts'
import type { UsedSlots } from './used-slots.ts'
import type { Open, Wired } from './wired.ts'

/** Thrown where open numbers have to be known: these, or if it cannot be said which, all of them. */
export class Decisive extends Error {
  readonly wired: readonly Wired[]

  constructor(why: string, wired: readonly Wired[] = []) {
    super(why)
    this.wired = wired
  }
}

/** A program with its open numbers. */
export interface SharedProgram {
  readonly program: Program
  /** Of each instruction, what its immediate is. */
  readonly open: readonly (Wired | undefined)[]
  readonly used: UsedSlots
}

/** What makes one of those that share it. */
export interface Binding {
  readonly name: string
  readonly numbers: readonly number[]
  /** The maps that it refers to, in place of the shared program's. */
  readonly maps: (name: string, description: MapDescription) => readonly [name: string, description: MapDescription]
}

export function bind(shared: SharedProgram, { name, numbers, maps }: Binding): Program {
  const { program, used } = shared
  const { own, described } = differentIn(shared)
  const bound = described.map(([map, description]) => maps(map, description))
  const instructions = program.instructions.slice()
  for (const { index, one, wired, map } of own) {
    const imm = wired?.of(numbers)
    const other = map === undefined ? undefined : bound[map]?.[0]
    if (other === undefined) instructions[index] = imm === undefined ? one : { ...one, imm: ofKind(one.imm, imm) }
    else instructions[index] = imm === undefined ? { ...one, map: other } : { ...one, map: other, mapValue: imm }
  }
  const whole = { ...program, name, instructions, maps: Object.fromEntries(bound), open: placesOf(shared) }
  return using(whole, used, numbers)
}

/** Wide immediates are big. */
const ofKind = (before: number | bigint, imm: number): number | bigint =>
  typeof before === 'bigint' ? BigInt(imm) : imm

/** What is another in each of those that share a program. */
interface Different {
  /** Few instructions; `map`: which of the maps. */
  readonly own: readonly {
    readonly index: number
    readonly one: Instruction
    readonly wired: Wired | undefined
    readonly map: number | undefined
  }[]
  readonly described: readonly (readonly [name: string, description: MapDescription])[]
}

function differentIn({ program, open }: SharedProgram): Different {
  const known = different.get(open)
  if (known !== undefined) return known
  const described = Object.entries(program.maps)
  const numbers = new Map(described.map(([name], index) => [name, index]))
  const own = program.instructions.flatMap((one, index) => {
    const [map, wired] = [one.map === undefined ? undefined : numbers.get(one.map), open[index]]
    return map === undefined && wired === undefined ? [] : [{ index, one, wired, map }]
  })
  const made = { own, described }
  different.set(open, made)
  return made
}

const different = new WeakMap<SharedProgram['open'], Different>()

/** What {@link Program.open} is of all that share it. */
function placesOf({ open }: SharedProgram): readonly (number | undefined)[] {
  const known = places.get(open)
  if (known !== undefined) return known
  const numbers = new Map<string, number>()
  const made = open.map((wired) => {
    if (wired === undefined) return undefined
    const number = numbers.get(wired.name) ?? numbers.size
    numbers.set(wired.name, number)
    return number
  })
  places.set(open, made)
  return made
}

const places = new WeakMap<SharedProgram['open'], readonly (number | undefined)[]>()

/** The same program, with the slots that it uses. */
export function using(program: Program, { slots, copies }: UsedSlots, numbers: readonly number[] = []): Program {
  const whole = slots.length === 0 ? program : { ...program, slots: inOrder(slots, numbers) }
  return copies.length === 0 ? whole : { ...whole, copies: inOrder(copies, numbers) }
}

/** Each once. */
const inOrder = (slots: readonly Open[], numbers: readonly number[]): readonly number[] =>
  [...new Set(slots.map((one) => (typeof one === 'number' ? one : one.of(numbers))))].sort((a, b) => a - b)

/** Refuses open numbers that the passes would have looked at: only where they are copied, or added, does knowing them gain nothing. */
export function checkCopied(graph: Graph): void {
  const { blocks } = graph
  const open = openValues(blocks)
  if (open.size === 0) return
  const uses = [...open.keys()].some(isLong) ? countUses(graph) : undefined
  const openIn = (values: readonly (Value | undefined)[]): readonly Wired[] =>
    values.flatMap((value) => (value === undefined ? [] : [...(open.get(value) ?? [])]))
  const refuse = (why: string, values: readonly (Value | undefined)[]): void => {
    const wired = openIn(values)
    if (wired.length > 0) throw new Decisive(why, wired)
  }
  for (const { values, end } of blocks) {
    for (const value of values) {
      const { op, arguments: given } = value
      refuse('a long open number is copied', given.filter(isLong))
      if (op === 'phi' || op === 'call' || op === 'invoke') continue
      const isCopied = op === 'store' || (op === 'alu' && value.alu === 'add' && isTerm(given))
      refuse(`${op} of an open number`, isCopied ? given.filter((_, index) => index !== 1) : given)
    }
    if (end?.op === 'return') refuse('an open number is returned', [end.value])
    if (end?.op !== 'branch') continue
    const { left, right } = end
    const isCopied = isLong(right)
      ? end.bits === 64 && end.comparison.startsWith('u') && isAge(left) && uses?.get(left) === 1
      : right.op !== 'phi' && openIn([right]).every((one) => one.isCompared) && isLoaded(left)
    refuse('a test of an open number', isCopied ? [left] : [left, right])
  }
}

/** Of a sum of 16-bit words: see passes/sums.ts. */
const isTerm = ([sum, value]: readonly Value[]): boolean =>
  sum !== undefined && isNumber(sum) && value?.op === 'wired' && value.wired.bits < 32

const isLong = (value: Value): boolean => value.op === 'wired' && value.wired.isLong

/** How long ago something was: it could be any, and where nothing else looks at it, nothing is learned from a comparison. */
const isAge = (value: Value): boolean =>
  value.op === 'alu' &&
  value.alu === 'sub' &&
  value.bits === 64 &&
  value.arguments.every(({ op }) => op === 'now' || op === 'load')

/** Whether a value could be any: nothing is known of it that would decide a comparison. */
const isLoaded = (value: Value): boolean =>
  holds(value, (one) => (one.op === 'phi' ? one.arguments : one.op === 'load' ? [] : undefined))

/** Open numbers, and phis that may be one: which. */
function openValues(blocks: readonly Block[]): ReadonlyMap<Value, ReadonlySet<Wired>> {
  const open = new Map<Value, Set<Wired>>()
  const phis: Value[] = []
  for (const { values } of blocks)
    for (const value of values)
      if (value.op === 'wired') open.set(value, new Set([value.wired]))
      else if (value.op === 'phi') phis.push(value)
  for (let again = open.size > 0; again; ) {
    again = false
    for (const phi of phis) {
      const brought = phi.arguments.flatMap((one) => [...(open.get(one) ?? [])])
      const known = open.get(phi) ?? new Set()
      if (brought.every((one) => known.has(one))) continue
      open.set(phi, new Set([...known, ...brought]))
      again = true
    }
  }
  return open
}
