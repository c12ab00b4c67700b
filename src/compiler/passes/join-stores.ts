import type { Block, Graph, Size, Value } from '../ir.ts'
import { newConstant, newValue } from '../value.ts'

/** Constants that are stored next to each other, padding for one, are stored as one. */
export function joinStores({ blocks }: Graph): boolean {
  return blocks.map(joinIn).includes(true)
}

type Store = Extract<Value, { op: 'store' }>
type Known = Extract<Value, { op: 'const' | 'wired' }>
type Access = Extract<Value, { op: 'store' | 'load' }>

function joinIn(block: Block): boolean {
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
      joined = join(joined, next)
    }
    waiting.push(joined)
    return joined
  })
  // What was joined twice is in no block yet.
  block.values = values.filter((value) => !gone.has(value))
  return gone.size > 0
}

const isKnown = (value: Value | undefined): boolean => value?.op === 'const' || value?.op === 'wired'

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
    const joined = joinedConstant(store, one)
    if (joined?.op !== 'const') return joined !== undefined
    // Eight bytes take an immediate of four, with its sign.
    return size < 8 || BigInt.asIntN(64, joined.value) === BigInt.asIntN(32, joined.value)
  })
}

/** Only what is in the packet may lie anywhere, as it does there. */
function isAligned({ to, arguments: [base] }: Store, offset: number, size: number): boolean {
  return to === 'packet' || (offset % size === 0 && (base?.op !== 'stack' || base.object.align % size === 0))
}

function joinedConstant(a: Store, b: Store): Known | undefined {
  const [low, high] = a.offset < b.offset ? [a, b] : [b, a]
  const [first, second] = [low.arguments[1], high.arguments[1]]
  // With zeros behind it, an open number stays what it is.
  if (first?.op === 'wired' && second?.op === 'const' && second.value === 0n) return first
  if (first?.op !== 'const' || second?.op !== 'const') return undefined
  const bits = 8 * low.size
  const value = BigInt.asUintN(bits, first.value) | (BigInt.asUintN(bits, second.value) << BigInt(bits))
  return newConstant(value, a.at) as Known
}

function join(a: Store, b: Store): Store {
  const [base = a] = a.arguments
  const size = (2 * a.size) as Size
  const operation = { ...a, size, offset: Math.min(a.offset, b.offset) }
  return newValue(operation, a.id, [base, joinedConstant(a, b) ?? a], a.at) as Store
}
