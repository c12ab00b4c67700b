import type { Graph, Value } from '../ir.ts'
import type { Dominators } from './dominators.ts'
import { type Numbers, replaceInside } from './graph.ts'
import type { Loop } from './loops.ts'
import { stash } from './stash.ts'
import { isNumber, Needs, testedBy } from './tested.ts'

/**
 * What ways before a long loop have left different numbers in, and what is looked at behind it, goes by way of the stack where the
 * loop begins: the verifier would walk the whole loop for each of them, to know behind it which way to go.
 */
export function hideBefore(graph: Graph, { header, body }: Loop, dominators: Dominators, numbers: Numbers): void {
  const [entry, ...others] = header.predecessors.filter((one) => !body.has(one))
  if (entry === undefined || others.length > 0) return
  const behind = graph.blocks.filter((block) => dominators.dominates(header, block))
  const later = new Set(behind)
  const before = new Set(graph.blocks.filter((block) => !later.has(block)).flatMap(({ values }) => values))
  const tested = new Set(behind.filter((block) => !body.has(block)).flatMap(({ end }) => testedBy(end)))
  const testedBefore = new Set(graph.blocks.filter((block) => !later.has(block)).flatMap(({ end }) => testedBy(end)))
  const needs = new Needs(graph, (block) => !later.has(block))
  for (const value of tested) {
    if (!before.has(value) || needs.has(value) || !isNumber(value)) continue
    if (!testedBefore.has(value) && !meets(value)) continue
    const { stores, loads, value: hidden } = stash(value, numbers)
    entry.values.push(...stores, ...loads)
    for (const block of behind) replaceInside(block, value, hidden, (from) => from === entry || later.has(from))
  }
}

/** Whether a value can be one number on one way, and another one on another. */
const meets = (value: Value): boolean =>
  value.op === 'phi' || (value.op === 'alu' && value.arguments.every((one) => one.op === 'const' || meets(one)))
