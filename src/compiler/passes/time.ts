import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { Analyses } from './analyses.ts'
import type { Dominators } from './dominators.ts'
import { replaceAll } from './graph.ts'

/**
 * The time is read once a packet. Readings of which one can follow another become one, in the block that all ways to them
 * have in common, and before any loop. Ways that do not lead through there do not pay.
 */
export function readTimeOnce(graph: Graph, analyses = new Analyses(graph)): boolean {
  const all = graph.blocks.flatMap((block) =>
    block.values.filter(({ op }) => op === 'now').map((value): Reading => ({ block, value })),
  )
  if (all.length === 0) return false
  const { dominators } = analyses
  const above = (block: Block): Block => dominators.of(block) ?? graph.entry
  const homeOf = (readings: readonly Reading[]): Block => {
    const [first, ...others] = readings.map(({ block }) => block)
    let home = others.reduce((common, block) => commonDominator(dominators, common, block), first ?? graph.entry)
    while (home !== graph.entry && reachable(home).has(home)) home = above(home)
    return home
  }
  let groups =
    all.length > MOST_GROUPS
      ? [{ home: homeOf(all), readings: all }]
      : all.map((reading): Group => ({ home: homeOf([reading]), readings: [reading] }))
  for (let pair = related(groups); pair !== undefined; pair = related(groups)) {
    const readings = pair.flatMap((group) => group.readings)
    groups = [...groups.filter((group) => !pair?.includes(group)), { home: homeOf(readings), readings }]
  }
  return groups.map((group) => readAtHome(graph, group)).some((changed) => changed)
}

/** More readings than that are one: telling them apart would take long. */
const MOST_GROUPS = 16

interface Reading {
  readonly block: Block
  readonly value: Value
}

/** Readings that are to give one answer, and where it is read. */
interface Group {
  readonly home: Block
  readonly readings: readonly Reading[]
}

/** Two groups that one way through the program can meet. */
function related(groups: readonly Group[]): readonly [Group, Group] | undefined {
  for (const one of groups) {
    const after = reachable(one.home)
    const other = groups.find((group) => group !== one && (group.home === one.home || after.has(group.home)))
    if (other !== undefined) return [one, other]
  }
  return undefined
}

function readAtHome(graph: Graph, { home, readings }: Group): boolean {
  const [first, ...others] = readings
  if (first === undefined || (others.length === 0 && home === first.block)) return false
  const here = readings.find(({ block }) => block === home)
  const kept: Value = here?.value ?? { ...first.value }
  if (here === undefined) home.values.push(kept)
  replaceAll(graph, new Map(readings.filter(({ value }) => value !== kept).map(({ value }) => [value, kept])))
  return true
}

function commonDominator(dominators: Dominators, a: Block, b: Block): Block {
  let common = a
  for (let at = dominators.of(a); at !== undefined && !dominators.dominates(common, b); at = dominators.of(at))
    common = at
  return common
}

/** What can come after a block: itself too, in a loop. */
function reachable(block: Block): Set<Block> {
  const seen = new Set<Block>()
  const waiting = successors(block)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    waiting.push(...successors(next))
  }
  return seen
}
