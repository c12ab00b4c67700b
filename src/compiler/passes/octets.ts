import type { Graph, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { Numbers, replaceAll } from './graph.ts'

/** An octet of a result: one that is known, or the one of another value at this place, counted from the lowest. */
type Octet = number | { readonly of: Value; readonly at: number }

/** What a result is made of, lowest octet first, and of how many additions of octets. */
interface Made {
  readonly octets: readonly Octet[]
  readonly joints: readonly Value[]
}

const WIDTH = 8
/** Operations, one of the result of another: what is further away is not looked at. Eight octets take seven additions. */
const DEEPEST = 24

/**
 * Numbers that a program puts together of the octets of one value: `u64(a[0]) << 56 | u64(a[1]) << 48 | …`, or an IPv4 address in
 * one of IPv6. They are the value, or half of it, as it is or with its octets turned round.
 */
export function joinedOctets(graph: Graph): boolean {
  const [made, numbers] = [new Map<Value, Made>(), new Numbers(graph)]
  const [replacements, inside] = [new Map<Value, Value>(), new Set<Value>()]
  for (const block of [...graph.blocks].reverse())
    for (let index = block.values.length - 1; index >= 0; index--) {
      const value = block.values[index]
      if (value === undefined || !isJoint(value) || inside.has(value)) continue
      const { octets, joints } = madeOf(value, made)
      // One addition is what is left of those that were shortened.
      const run = joints.length > 1 ? runOf(octets) : undefined
      if (run === undefined) continue
      for (const one of joints) inside.add(one)
      const steps = stepsOf(run, octets, value, numbers)
      const last = steps.pop() ?? run.of
      if (last === run.of) block.values.splice(index, 1)
      else block.values.splice(index, 1, ...steps, last)
      replacements.set(value, last)
    }
  replaceAll(graph, replacements)
  return replacements.size > 0
}

const isJoint = (value: Value): boolean =>
  value.op === 'alu' &&
  (value.alu === 'or' || value.alu === 'add' || value.alu === 'xor') &&
  value.arguments.every(({ op }) => op !== 'const')

function madeOf(value: Value, known: Map<Value, Made>, depth = 0): Made {
  const before = known.get(value)
  if (before !== undefined) return before
  if (depth === DEEPEST) return leaf(value)
  const found = partsOf(value, known, depth + 1) ?? leaf(value)
  known.set(value, found)
  return found
}

const leaf = (of: Value): Made => ({ octets: Array.from({ length: WIDTH }, (_, at) => ({ of, at })), joints: [] })

function partsOf(value: Value, known: Map<Value, Made>, depth: number): Made | undefined {
  const [a, b] = value.arguments
  if (value.op === 'const') return { octets: octetsOf(value.value), joints: [] }
  if (value.op === 'low32' && a !== undefined) return cut(madeOf(a, known, depth), 32)
  if (value.op !== 'alu' || a === undefined || b === undefined) return undefined
  const { alu, bits } = value
  const left = cut(madeOf(a, known, depth), bits)
  if (b.op !== 'const') {
    const right = isJoint(value) ? cut(madeOf(b, known, depth), bits) : undefined
    return right && joined(left, right, value)
  }
  if (alu === 'and') return masked(left, b.value)
  if (alu === 'or' || alu === 'add' || alu === 'xor') {
    const right = cut({ octets: octetsOf(b.value), joints: [] }, bits)
    return joined(left, right, value)
  }
  const by = Number(b.value) / 8
  if (!Number.isInteger(by) || by < 0 || by >= bits / 8) return undefined
  const zeros = new Array<Octet>(by).fill(0)
  if (alu === 'lsh') return cut({ ...left, octets: [...zeros, ...left.octets.slice(0, WIDTH - by)] }, bits)
  return alu === 'rsh' ? { ...left, octets: [...left.octets.slice(by), ...zeros] } : undefined
}

const octetsOf = (value: bigint): number[] =>
  Array.from({ length: WIDTH }, (_, at) => Number((BigInt.asUintN(64, value) >> BigInt(8 * at)) & 0xffn))

const cut = ({ octets, joints }: Made, bits: number): Made => ({
  octets: octets.map((one, at) => (8 * at < bits ? one : 0)),
  joints,
})

function masked({ octets, joints }: Made, mask: bigint): Made | undefined {
  const kept = octetsOf(mask)
  if (kept.some((one, at) => one !== 0 && one !== 0xff && octets[at] !== 0)) return undefined
  return { octets: octets.map((one, at) => (kept[at] === 0 ? 0 : one)), joints }
}

/** Where one has something, the other must have nothing: no octet carries into the next one. */
function joined(a: Made, b: Made, joint: Value): Made | undefined {
  if (a.joints.length + b.joints.length > DEEPEST) return undefined
  const octets = a.octets.map((one, at) => (one === 0 ? b.octets[at] : b.octets[at] === 0 ? one : undefined))
  if (!octets.every((one) => one !== undefined)) return undefined
  return { octets, joints: [...a.joints, ...b.joints, joint] }
}

/** Octets of one value that lie together, four or all, in its order or the other way round, and all that are not known. */
interface Run {
  readonly of: Value
  /** The lowest of them, in the value and in the result. */
  readonly from: number
  readonly to: number
  readonly length: 4 | 8
  readonly isTurned: boolean
}

function runOf(octets: readonly Octet[]): Run | undefined {
  const places = [...octets.keys()].filter((at) => typeof octets[at] !== 'number')
  const [to, length] = [places[0] ?? 0, places.length]
  const run = octets.slice(to, to + length)
  const [first, last] = [run[0], run.at(-1)]
  if ((length !== 4 && length !== 8) || typeof first !== 'object' || typeof last !== 'object') return undefined
  const isTurned = last.at < first.at
  const from = Math.min(first.at, last.at)
  const isRun = run.every((one, at) => {
    const wanted = isTurned ? from + length - 1 - at : from + at
    return typeof one === 'object' && one.of === first.of && one.at === wanted
  })
  return isRun && (from === 0 || from === 4) ? { of: first.of, from, to, length, isTurned } : undefined
}

/** What is computed instead, the result last; nothing where that is the value itself. */
function stepsOf(
  { of, from, to, length, isTurned }: Run,
  octets: readonly Octet[],
  old: Value,
  numbers: Numbers,
): Value[] {
  const rest = octets.reduceRight<bigint>((sum, one) => (sum << 8n) | (typeof one === 'number' ? BigInt(one) : 0n), 0n)
  const steps: Value[] = []
  const step = (operation: Parameters<typeof newValue>[0], ...given: Value[]): void => {
    steps.push(newValue(operation, numbers.next(), given, old.at))
  }
  const last = (): Value => steps.at(-1) ?? of
  const by = (count: number): Value => newConstant(BigInt(8 * count), old.at)
  if (from > 0) step({ op: 'alu', alu: 'rsh', bits: 64 }, of, by(from))
  if (isTurned) step({ op: 'swap', bits: length === 8 ? 64 : 32 }, last())
  else if (length === 4 && from === 0) step({ op: 'low32' }, of)
  if (to > 0) step({ op: 'alu', alu: 'lsh', bits: 64 }, last(), by(to))
  if (rest !== 0n) step({ op: 'alu', alu: 'or', bits: 64 }, last(), newConstant(rest, old.at))
  return steps
}
