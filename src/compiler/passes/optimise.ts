import type { Graph } from '../ir.ts'
import { Analyses } from './analyses.ts'
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
import { packetStores } from './stores.ts'
import { shortenSums } from './sums.ts'
import { shareReturns } from './tails.ts'
import { threadJumps } from './threading.ts'
import { readTimeOnce } from './time.ts'
import { useRanges } from './use-ranges.ts'

/** Changes a graph. Whether anything was found. */
type Pass = (graph: Graph, analyses: Analyses) => boolean

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

/**
 * Afterwards, one after the other: a reading of the time that stands where ways meet would keep jumps from being threaded through
 * there, and sums are folded when all of them are known.
 */
const LATER: readonly Pass[] = [useFacts, knownProofs, readTimeOnce, useRanges, expandFolds]

const MOST_ROUNDS = 20

/** What these change are values: the ways between blocks stay as they are. */
const OF_VALUES: ReadonlySet<Pass> = new Set([
  trivialPhis,
  numberValues,
  repeatedLoads,
  packetStores,
  shortenSums,
  keysInPackets,
  deadCode,
  readTimeOnce,
  expandFolds,
])

/** Runs the passes until none finds anything, and leaves the graph ready for selection. */
export function optimise(graph: Graph): void {
  const analyses = new Analyses(graph)
  const run = (pass: Pass): boolean => {
    const found = pass(graph, analyses)
    if (found) analyses.forget(!OF_VALUES.has(pass))
    return found
  }
  repeat(PASSES, run)
  for (const pass of LATER) if (run(pass)) repeat(PASSES, run)
  splitCriticalEdges(graph)
  hideCarried(graph)
  rareLast(graph)
}

/** Until every pass, one after the other, has found nothing. */
function repeat(passes: readonly Pass[], run: (pass: Pass) => boolean): void {
  // Each pass only ever makes the graph smaller or simpler, so this ends; the bound is for the day when one does not.
  let left = MOST_ROUNDS * passes.length
  for (let idle = 0; idle < passes.length; )
    for (const pass of passes) {
      if (idle === passes.length || left-- === 0) return
      idle = run(pass) ? 0 : idle + 1
    }
}
