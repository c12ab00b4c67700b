import { type Block, type Graph, successors, type Value } from '../ir.ts'
import { Dominators } from './dominators.ts'
import { endsOf } from './ends.ts'
import { Numbers, replaceAll } from './graph.ts'
import { hideOffsets } from './hide-offsets.ts'
import { hideTested } from './hide-tested.ts'
import { type Loop, loopsOf } from './loops.ts'
import { sourcesOf } from './sources.ts'
import { stash } from './stash.ts'
import { Needs } from './tested.ts'

/**
 * What a long loop carries from round to round goes by way of the stack, so that the verifier does not know what it is. Else it
 * would follow what the branches of each round make of it, each combination for itself, and come to no end (E2BIG); what it does
 * not know looks alike on all of them, and all but one are pruned. Left alone is what counts, in a `for` and in a `while`: the
 * verifier has to see its bounds. (Of anything else that goes round a loop ranges.ts takes no bounds for granted.)
 */
export function hideCarried(graph: Graph, testsHidden = false): void {
  const loops = loopsOf(graph.blocks).filter(isEndless)
  if (loops.length === 0) return
  const { tested, counting } = rolesOf(graph)
  const numbers = new Numbers(graph)
  const dominators = new Dominators(graph)
  const needs = new Needs(graph, () => false)
  for (const loop of loops) {
    const { header, body } = loop
    header.loop = new Set([...body].map(({ id }) => id))
    hideOffsets(graph, loop, numbers)
    if (testsHidden) continue
    hideTested(graph, loop, numbers)
    const ends = endsOf(loop, dominators)
    for (const phi of header.values.filter(({ op }) => op === 'phi')) {
      const carried = phi.arguments.filter((_, index) => body.has(header.predecessors[index] ?? header))
      const isKnown = carried.some((one) => canBeKnown(one, new Set([phi])))
      if (isKnown && tested.has(phi) && !counting.has(phi) && isNumber(phi) && !ends.has(phi) && !needs.has(phi))
        hide(graph, header, phi, numbers)
    }
  }
}

/**
 * Whether a value can be one that the verifier knows on some way, if those in `assumed` can; as is taken of what was met before.
 * Chains of values may be as long as programs, so this does not go deep.
 */
export function canBeKnown(value: Value, assumed: Set<Value>): boolean {
  /** What is being looked at, each with the next of what it is made of. */
  const open: { readonly made: Value; next: number }[] = []
  const enter = (one: Value): boolean | undefined => {
    if (one.op === 'const' || one.op === 'wired' || assumed.has(one)) return true
    assumed.add(one)
    if (one.op !== 'phi' && !isComputed(one)) return false
    open.push({ made: one, next: 0 })
    return undefined
  }
  let found = enter(value)
  for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
    // One arm is enough for a phi; whatever else is made of something needs all of it.
    const decides = inner.made.op === 'phi'
    const next = inner.made.arguments[inner.next++]
    if (found !== decides && next !== undefined) found = enter(next)
    else {
      if (found !== decides) found = !decides
      open.pop()
    }
  }
  return found === true
}

/** Of numbers that are known, a known one. */
export const isComputed = ({ op }: Value): boolean => op === 'alu' || op === 'low32' || op === 'sext32' || op === 'swap'

/** Ways through a loop, times instructions, that the verifier walks in no time. */
const FEW = 20_000

/** Whether a verifier that follows every combination of its branches comes to an end too late. */
function isEndless({ header, body }: Loop): boolean {
  const blocks = [...body]
  const forks = blocks.filter(({ end }) => end?.op === 'branch' && end.counts !== true)
  const inside = forks.filter((block) => successors(block).every((next) => body.has(next))).length
  const length = blocks.reduce((sum, { values }) => sum + values.length + 1, 0)

  return length * 2 ** (inside * header.rounds) > FEW
}

/** Values that branches look at, and those that say how often loops run. */
function rolesOf({ blocks }: Graph) {
  const tested: Value[] = []
  const counting: Value[] = []
  for (const { end } of blocks) if (end?.op === 'branch') (end.counts ? counting : tested).push(end.left, end.right)
  return { tested: sourcesOf(tested), counting: sourcesOf(counting) }
}

/** No address, nor made of one. */
const isNumber = (phi: Value): boolean =>
  [...sourcesOf([phi])].every(
    (one) =>
      ['const', 'phi', 'alu', 'low32', 'sext32', 'swap'].includes(one.op) ||
      (one.op === 'load' && one.from !== 'context'),
  )

function hide(graph: Graph, header: Block, phi: Value, numbers: Numbers): void {
  const { stores, loads, value } = stash(phi, numbers)
  replaceUses(graph, phi, value)
  behindPhis(header, [...stores, ...loads])
}

export const behindPhis = ({ values }: Block, made: readonly Value[]): unknown =>
  values.splice(values.findLastIndex(({ op }) => op === 'phi') + 1, 0, ...made)

/** Puts another value in the place of one that stays. */
export function replaceUses(graph: Graph, value: Value, other: Value): void {
  const home = graph.blocks.find(({ values }) => values.includes(value))
  const index = home?.values.indexOf(value) ?? 0
  replaceAll(graph, new Map([[value, other]]))
  home?.values.splice(index, 0, value)
}
