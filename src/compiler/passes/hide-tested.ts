import type { Graph } from '../ir.ts'
import { type Numbers, replaceInside } from './graph.ts'
import type { Loop } from './loops.ts'
import { stash } from './stash.ts'
import { isNumber, Needs, testedBy } from './tested.ts'

/**
 * What comes from before a long loop and is compared in each of its rounds with something else, the count for instance, goes by
 * way of the stack at the start of each: the verifier learns from every comparison, and would have as many numbers for it as there
 * are rounds, and walk the rest of them for each.
 */
export function hideTested(graph: Graph, { header, body }: Loop, numbers: Numbers): void {
  const { blocks } = graph
  const outside = new Set(blocks.filter((block) => !body.has(block)).flatMap(({ values }) => values))
  const tested = new Set([...body].flatMap(({ end }) => testedBy(end)).filter((one) => outside.has(one)))
  if (tested.size === 0) return
  const needs = new Needs(graph, (block) => !body.has(block))
  for (const value of tested) {
    if (needs.has(value) || !isNumber(value)) continue
    const { stores, loads, value: hidden } = stash(value, numbers)
    for (const block of body) replaceInside(block, value, hidden, (from) => block !== header || body.has(from))
    header.values.splice(header.values.findLastIndex(({ op }) => op === 'phi') + 1, 0, ...stores, ...loads)
  }
}
