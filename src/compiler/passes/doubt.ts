import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { canBeKnown } from './hide.ts'
import { seenBy } from './hide-tests.ts'
import { hasLoops, loopsOf } from './loops.ts'
import { newSources } from './sources.ts'
import { testedBy } from './tested.ts'

/**
 * By how many numbers the verifier may tell ways apart in each block, in the order of blocks: each is a constant on some way, or was
 * compared before, and is compared later. With each of them there may be twice as many ways.
 */
export function tellingNumbers(graph: Graph): readonly number[] {
  const { blocks } = graph
  const seen = seenBy(graph)
  const tested = blocks.map(({ end }) => testedBy(end))
  /** Where it begins to tell ways apart, by the blocks' places. */
  const since = new Map<Value, number>()
  const begin = (value: Value, place: number): void => {
    if (since.has(value) || seen.has(value)) return
    if (value.op !== 'phi' || canBeKnown(value, new Set())) since.set(value, place)
  }
  // What is computed from it and never compared, the verifier does not look at.
  const compared = new Set<Value>()
  for (const [place, values] of tested.entries()) {
    for (const value of values) begin(value, place)
    for (const value of newSources(values, compared)) if (value.op === 'phi') begin(value, place)
  }
  const last = new Map(since)
  const used = (value: Value, place: number): unknown => (last.get(value) ?? place) < place && last.set(value, place)
  for (const [place, { values, predecessors }] of blocks.entries()) {
    for (const value of values) {
      if (value.op === 'phi' && since.has(value)) since.set(value, place)
      if (!compared.has(value)) continue
      for (const [index, one] of value.arguments.entries())
        used(one, value.op === 'phi' ? (predecessors[index]?.place ?? place) : place)
    }
    for (const one of tested[place] ?? []) used(one, place)
  }
  const changes = new Array<number>(blocks.length + 1).fill(0)
  for (const [value, from] of since) {
    const to = last.get(value) ?? from
    if (to <= from) continue
    changes[from + 1] = (changes[from + 1] ?? 0) + 1
    changes[to + 1] = (changes[to + 1] ?? 0) - 1
  }
  let now = 0
  return blocks.map((_, place) => {
    now += changes[place] ?? 0
    return now
  })
}

/**
 * How many ways a loop may have by what is from before it and is compared with what it counts: each round tells more of these
 * numbers apart, and what one round has told, the next ones are walked with.
 */
export function waysByCounts(graph: Graph): number {
  const { blocks } = graph
  if (!hasLoops(blocks)) return 1
  const loops = loopsOf(blocks)
  const seen = seenBy(graph)
  const homes = new Map<Value, Block>(blocks.flatMap((block) => block.values.map((value) => [value, block] as const)))
  const isCount = (value: Value): boolean => value.op !== 'const' && seen.has(value)
  const waysOf = ({ body }: (typeof loops)[number]): number => {
    const ways = new Map<Value, number>()
    for (const block of body) {
      const [left, right] = testedBy(block.end)
      // What leaves the loop on one side tells nothing apart on the other.
      if (left === undefined || right === undefined || !successors(block).every((next) => body.has(next))) continue
      const value = isCount(right) ? left : isCount(left) ? right : undefined
      const home = value && homes.get(value)
      if (value === undefined || home === undefined || isCount(value) || body.has(home)) continue
      ways.set(value, Math.max(ways.get(value) ?? 1, block.rounds / home.rounds + 1))
    }
    return [...ways.values()].reduce((product, one) => product * one, 1)
  }
  return Math.max(...loops.map(waysOf))
}
