import type { Graph } from '../ir.ts'
import { simplifyBranches, splitCriticalEdges } from './branches.ts'
import { deadCode } from './dead.ts'
import { numberValues } from './numbering.ts'
import { trivialPhis } from './phis.ts'
import { threadJumps } from './threading.ts'
import { readTimeOnce } from './time.ts'

const PASSES = [trivialPhis, threadJumps, simplifyBranches, numberValues, readTimeOnce, deadCode]

/** Runs the passes until none finds anything, and leaves the graph ready for selection. */
export function optimise(graph: Graph): void {
  // Each pass only ever makes the graph smaller or simpler, so this ends; the bound is for the day when one does not.
  for (let round = 0; round < 20; round++) {
    const changed = PASSES.map((pass) => pass(graph)).some((one) => one)
    if (!changed) break
  }
  splitCriticalEdges(graph)
}
