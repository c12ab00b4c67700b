import type { Graph } from '../ir.ts'

/** The program and what it calls; functions that nobody calls any more are left out. The verifier refuses unreachable code. */
export function usedGraphs([main, ...functions]: readonly Graph[]): Graph[] {
  if (main === undefined) return []
  const used = new Set([main])
  // What is added while this runs is visited, too.
  for (const { blocks } of used)
    for (const { values } of blocks)
      for (const value of values) {
        const callee = value.op === 'invoke' && functions.find(({ signature }) => signature?.name === value.callee)
        if (callee) used.add(callee)
      }
  return [main, ...functions.filter((one) => used.has(one))]
}
