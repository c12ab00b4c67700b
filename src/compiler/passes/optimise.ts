import type { Comparisons } from '../assembly.ts'
import type { Graph } from '../ir.ts'
import { Analyses, type Change } from './analyses.ts'
import { combineTests } from './bit-tests.ts'
import { boundLoops } from './bound-loops.ts'
import { knownBounds } from './bounds.ts'
import { simplifyBranches, splitCriticalEdges } from './branches.ts'
import { deadCode } from './dead.ts'
import { useFacts } from './facts.ts'
import { expandFolds } from './folds.ts'
import { hideCarried } from './hide.ts'
import { hideTests } from './hide-tests.ts'
import { joinStores } from './join-stores.ts'
import { joinedLoads } from './joined.ts'
import { keysInPackets } from './keys.ts'
import { computeSizesLate } from './late-sizes.ts'
import { rareLast } from './layout.ts'
import { repeatedLoads } from './loads.ts'
import { numberValues } from './numbering.ts'
import { joinedOctets } from './octets.ts'
import { trivialPhis } from './phis.ts'
import { knownProofs } from './proofs.ts'
import { packetStores } from './stores.ts'
import { shortenSums } from './sums.ts'
import { swapLate } from './swaps.ts'
import { shareReturns } from './tails.ts'
import { threadJumps } from './threading.ts'
import { readTimeOnce } from './time.ts'
import { unrollShort } from './unroll.ts'
import { useRanges } from './use-ranges.ts'
import { wordSums } from './words.ts'

interface Pass {
  /** Changes a graph. Whether anything was found. */
  run(graph: Graph, analyses: Analyses): boolean
  readonly changes: Change
  /** What others change and gives this one nothing to find. */
  readonly ignores?: Change
}

/** Who counts uses comes behind `deadCode`, and need not be run again for what that takes away. */
const PASSES: readonly Pass[] = [
  { run: trivialPhis, changes: 'values', ignores: 'fewer' },
  { run: threadJumps, changes: 'ways' },
  { run: simplifyBranches, changes: 'ways' },
  { run: numberValues, changes: 'values', ignores: 'fewer' },
  { run: deadCode, changes: 'fewer', ignores: 'fewer' },
  { run: repeatedLoads, changes: 'values', ignores: 'fewer' },
  { run: packetStores, changes: 'values' },
  { run: joinedOctets, changes: 'values' },
  { run: wordSums, changes: 'values' },
  { run: joinedLoads, changes: 'values' },
  { run: swapLate, changes: 'values' },
  { run: shortenSums, changes: 'values' },
  { run: shareReturns, changes: 'ways' },
  { run: combineTests, changes: 'ways' },
  { run: knownBounds, changes: 'ways', ignores: 'fewer' },
  { run: keysInPackets, changes: 'values' },
]

/**
 * Afterwards, one after the other: a reading of the time that stands where ways meet would keep jumps from being threaded through
 * there, and sums are folded when all of them are known.
 */
const LATER: readonly Pass[] = [
  { run: useFacts, changes: 'ways' },
  { run: knownProofs, changes: 'ways' },
  { run: unrollShort, changes: 'ways' },
  { run: readTimeOnce, changes: 'values' },
  { run: useRanges, changes: 'ways' },
  { run: expandFolds, changes: 'values' },
]

/** Each pass only ever makes the graph smaller or simpler, so this ends; the bound is for the day when one does not. */
const MOST_ROUNDS = 20

/**
 * Runs the passes until none finds anything, and leaves the graph ready for selection. `comparisons`: other ones for a program of
 * which the verifier would see no end otherwise.
 */
export function optimise(graph: Graph, comparisons: Comparisons = 'planned'): void {
  const hidesTests = comparisons !== 'planned'
  if (comparisons === 'bounded') graph.bounded = true
  const analyses = new Analyses(graph)
  /** Those that may find something. */
  const waiting = new Set(PASSES)
  const run = (pass: Pass): void => {
    waiting.delete(pass)
    if (!pass.run(graph, analyses)) return
    analyses.forget(pass.changes)
    for (const other of PASSES) if (other.ignores !== pass.changes) waiting.add(other)
  }
  for (const later of [undefined, ...LATER]) {
    if (later !== undefined) run(later)
    for (let round = 0; round < MOST_ROUNDS && waiting.size > 0; round++)
      for (const pass of PASSES) if (waiting.has(pass)) run(pass)
  }
  joinStores(graph)
  splitCriticalEdges(graph)
  computeSizesLate(graph)
  if (hidesTests) hideTests(graph)
  hideCarried(graph, hidesTests)
  boundLoops(graph)
  rareLast(graph)
}
