import type { Graph } from '../ir.ts'
import { combineTests } from './bit-tests.ts'
import { knownBounds } from './bounds.ts'
import { simplifyBranches, splitCriticalEdges } from './branches.ts'
import { deadCode } from './dead.ts'
import { useFacts } from './facts.ts'
import { expandFolds } from './folds.ts'
import { hideCarried } from './hide.ts'
import { keysInPackets } from './keys.ts'
import { rareLast } from './layout.ts'
import { repeatedLoads } from './loads.ts'
import { numberValues } from './numbering.ts'
import { trivialPhis } from './phis.ts'
import { knownProofs } from './proofs.ts'
import { useRanges } from './ranges.ts'
import { packetStores } from './stores.ts'
import { shortenSums } from './sums.ts'
import { shareReturns } from './tails.ts'
import { threadJumps } from './threading.ts'
import { readTimeOnce } from './time.ts'

type Pass = (graph: Graph) => boolean

const PASSES: readonly Pass[] = [
  trivialPhis,
  threadJumps,
  simplifyBranches,
  numberValues,
  repeatedLoads,
  packetStores,
  shortenSums,
  shareReturns,
  combineTests,
  knownBounds,
  keysInPackets,
  deadCode,
]

const MOST_ROUNDS = 20

/** Runs the passes until none finds anything, and leaves the graph ready for selection. */
export function optimise(graph: Graph): void {
  repeat(graph, PASSES)
  if (useFacts(graph)) repeat(graph, PASSES)
  if (knownProofs(graph)) repeat(graph, PASSES)
  // Afterwards: a reading of the time that stands where ways meet would keep jumps from being threaded through there.
  if (readTimeOnce(graph)) repeat(graph, PASSES)
  if (useRanges(graph)) repeat(graph, PASSES)
  if (expandFolds(graph)) repeat(graph, PASSES)
  splitCriticalEdges(graph)
  hideCarried(graph)
  rareLast(graph)
}

/** Until every pass, one after the other, has found nothing. */
function repeat(graph: Graph, passes: readonly Pass[]): void {
  // Each pass only ever makes the graph smaller or simpler, so this ends; the bound is for the day when one does not.
  const most = MOST_ROUNDS * passes.length
  let idle = 0
  for (let turn = 0; turn < most && idle < passes.length; turn++)
    idle = passes[turn % passes.length]?.(graph) ? 0 : idle + 1
}
