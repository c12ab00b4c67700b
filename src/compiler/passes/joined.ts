import type { ByValue } from '../by-value.ts'
import type { Block, Graph, Size, Value } from '../ir.ts'
import { newValue } from '../value.ts'
import { Analyses } from './analyses.ts'
import { Numbers, replaceAll } from './graph.ts'

/**
 * `(a << 16) | b`, with both read from next to each other in the packet, is one load: with the octets in the other order if `a`
 * lies first, as the network has it.
 */
export function joinedLoads(graph: Graph, analyses = new Analyses(graph)): boolean {
  const numbers = new Numbers(graph)
  const replacements = new Map<Value, Value>()
  for (const block of graph.blocks) {
    if (!block.values.some(isSum)) continue
    for (const value of [...block.values]) {
      const joined = joinedBy(value, block, analyses)
      if (joined === undefined) continue
      const { first, bits, isTurned } = joined
      const load = newValue({ ...first, size: (bits / 8) as Size }, numbers.next(), first.arguments, first.at)
      const result = isTurned ? newValue({ op: 'swap', bits }, value.id, [load], value.at) : load
      block.values.splice(block.values.indexOf(value), 1, ...(isTurned ? [load, result] : [load]))
      replacements.set(value, result)
    }
  }
  replaceAll(graph, replacements)
  return replacements.size > 0
}

type Load = Extract<Value, { op: 'load' }>
type Sum = Extract<Value, { op: 'alu' }>

const isSum = (value: Value): value is Sum => value.op === 'alu' && (value.alu === 'or' || value.alu === 'add')

/** A half of a number: where it is loaded, and whether its octets are in the other order afterwards. */
interface Half {
  readonly load: Load
  readonly isTurned: boolean
}

function joinedBy(value: Value, block: Block, analyses: Analyses) {
  if (!isSum(value)) return undefined
  const { uses } = analyses
  const [left, right] = value.arguments
  const shifted = [left, right].find((one) => one?.op === 'alu' && one.alu === 'lsh' && uses.get(one) === 1)
  const [upper, by] = shifted?.arguments ?? []
  const [high, low] = [halfOf(upper, uses), halfOf(shifted === left ? right : left, uses)]
  if (high === undefined || low === undefined || by?.op !== 'const' || left === right) return undefined
  const { size } = low.load
  const bits = (16 * size) as 16 | 32 | 64
  if (high.load.size !== size || bits > value.bits || by.value !== BigInt(8 * size)) return undefined
  if (shifted?.op !== 'alu' || shifted.bits < bits) return undefined
  // One octet has no order.
  const isTurned = size === 1 ? high.load.offset < low.load.offset : low.isTurned
  if (size > 1 && high.isTurned !== low.isTurned) return undefined
  const [first, second] = isTurned ? [high.load, low.load] : [low.load, high.load]
  const isNext = first.arguments[0] === second.arguments[0] && first.offset + size === second.offset
  if (!isNext || !block.values.includes(first) || !block.values.includes(second)) return undefined
  const { states } = analyses
  const isUnchanged = states.before(first, 'packet') === states.before(second, 'packet')
  return isUnchanged && isSeen(block, [first, second], value) ? { first, bits, isTurned } : undefined
}

/** Whether nothing is written to the packet between the loads and where they are joined. */
function isSeen({ values }: Block, loads: readonly Value[], join: Value): boolean {
  const from = Math.min(...loads.map((one) => values.indexOf(one)))
  const isChange = ({ op }: Value) =>
    op === 'store' || op === 'call' || op === 'invoke' || op === 'atomic' || op === 'cleared'
  return !values.slice(from, values.indexOf(join)).some(isChange)
}

/** What is loaded for this number alone. */
function halfOf(value: Value | undefined, uses: ByValue<number>): Half | undefined {
  if (value === undefined || uses.get(value) !== 1) return undefined
  const [inner] = value.arguments
  const load = value.op === 'swap' ? inner : value
  if (load?.op !== 'load' || load.from !== 'packet' || uses.get(load) !== 1 || load.size === 8) return undefined
  return value.op === 'swap' && value.bits !== 8 * load.size ? undefined : { load, isTurned: value.op === 'swap' }
}
