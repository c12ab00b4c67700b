import type { Block, Graph, Size, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'
import { nameOf, type Open, Wired } from '../wired.ts'
import { addOpen, Numbers } from './graph.ts'

/** Constants that are stored next to each other, padding for one, are stored as one. */
export function joinStores(graph: Graph): boolean {
  const numbers = new Numbers(graph)
  const made: Value[] = []
  const changed = graph.blocks.map((block) => joinIn(block, numbers, made)).includes(true)
  addOpen(graph, made)
  return changed
}

type Store = Extract<Value, { op: 'store' }>
type Access = Extract<Value, { op: 'store' | 'load' }>

/** Open numbers that are joined come to `made`. */
function joinIn(block: Block, numbers: Numbers, made: Value[]): boolean {
  /** Those that could as well come now. */
  let waiting: Store[] = []
  const gone = new Set<Value>()
  const values = block.values.map((value) => {
    if (value.op === 'load' || value.op === 'store') waiting = waiting.filter((one) => areApart(one, value))
    else if (value.op === 'call' || value.op === 'invoke' || value.op === 'atomic') waiting = []
    if (value.op !== 'store' || !isKnown(value.arguments[1])) return value
    let joined = value
    for (let next = neighbour(joined, waiting); next !== undefined; next = neighbour(joined, waiting)) {
      gone.add(next)
      waiting = waiting.filter((one) => one !== next)
      joined = join(joined, next, numbers, made)
    }
    waiting.push(joined)
    return joined
  })
  // What was joined twice is in no block yet.
  block.values = values.filter((value) => !gone.has(value))
  return gone.size > 0
}

const isKnown = (value: Value | undefined): boolean => numberOf(value) !== undefined

/** Whether a later access has nothing to do with what was stored. */
function areApart(store: Store, later: Access): boolean {
  const [base, other] = [store.arguments[0], later.arguments[0]]
  if (later.op === 'load' && (later.from === 'context' || later.from === 'constant')) return true
  if (base === other) return store.offset + store.size <= later.offset || later.offset + later.size <= store.offset
  return base?.op === 'stack' ? other?.op !== 'stack' || other.object !== base.object : other?.op === 'stack'
}

function neighbour(store: Store, waiting: readonly Store[]): Store | undefined {
  const size = 2 * store.size
  return waiting.find((one) => {
    if (one.arguments[0] !== store.arguments[0] || one.size !== store.size || one.to !== store.to) return false
    const start = Math.min(one.offset, store.offset)
    if (Math.abs(one.offset - store.offset) !== store.size || size > 8 || !isAligned(one, start, size)) return false
    const joined = joinedNumber(store, one)
    // Eight bytes take an immediate of four, with its sign.
    if (typeof joined !== 'bigint' || size < 8) return joined !== undefined
    return BigInt.asIntN(64, joined) === BigInt.asIntN(32, joined)
  })
}

/** Only what is in the packet may lie anywhere, as it does there. */
function isAligned({ to, arguments: [base] }: Store, offset: number, size: number): boolean {
  return to === 'packet' || (offset % size === 0 && (base?.op !== 'stack' || base.object.align % size === 0))
}

function joinedNumber(a: Store, b: Store): bigint | Wired | undefined {
  const [low, high] = a.offset < b.offset ? [a, b] : [b, a]
  const [first, second] = [numberOf(low.arguments[1]), numberOf(high.arguments[1])]
  if (first === undefined || second === undefined) return undefined
  const bits = 8 * low.size
  if (typeof first === 'bigint' && typeof second === 'bigint')
    return BigInt.asUintN(bits, first) | (BigInt.asUintN(bits, second) << BigInt(bits))
  // With zeros behind it, an open number stays what it is.
  if (second === 0n && first instanceof Wired && first.bits < 32) return first
  return bits > 16 ? undefined : besides(first, second, bits)
}

const numberOf = (value: Value | undefined): bigint | Wired | undefined =>
  value?.op === 'const' ? value.value : value?.op === 'wired' && !value.wired.isLong ? value.wired : undefined

/** Of at most 32 bits together. */
function besides(first: bigint | Wired, second: bigint | Wired, bits: number): Wired {
  const [low, high] = [first, second].map(
    (one): Open => (typeof one === 'bigint' ? Number(BigInt.asUintN(bits, one)) : one),
  )
  const wired = [low, high].filter((one) => one instanceof Wired)
  const known = (one: Open = 0, numbers: readonly number[]): number => (typeof one === 'number' ? one : one.of(numbers))
  return new Wired({
    name: `${nameOf(low ?? 0)} and ${nameOf(high ?? 0)} in ${2 * bits} bits`,
    bits: 2 * bits,
    places: [...new Set(wired.flatMap(({ places }) => places))],
    of: (numbers) => (known(low, numbers) % 2 ** bits) | (known(high, numbers) << bits),
  })
}

function join(a: Store, b: Store, numbers: Numbers, made: Value[]): Store {
  const [base = a] = a.arguments
  const size = (2 * a.size) as Size
  const operation = { ...a, size, offset: Math.min(a.offset, b.offset) }
  const number = joinedNumber(a, b) ?? 0n
  const value = number instanceof Wired ? openValue(number, a, b, numbers, made) : newConstant(number, a.at)
  return newValue(operation, a.id, [base, value], a.at) as Store
}

function openValue(wired: Wired, a: Store, b: Store, numbers: Numbers, made: Value[]): Value {
  const known = [a.arguments[1], b.arguments[1], ...made].find(
    (one) => one?.op === 'wired' && one.wired.name === wired.name,
  )
  if (known !== undefined) return known
  const value = newValue({ op: 'wired', wired }, numbers.next(), [], a.at)
  made.push(value)
  return value
}
