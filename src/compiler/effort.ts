/**
 * What the verifier will have to do. It walks every round of every loop, and gives up at limits that are part of its
 * interface; a program over them is refused here, where a line can be named.
 */
import type { Place } from '../base/diagnostic.ts'
import { placeOf } from './emit/emit.ts'
import type { CodeBlock, CodeGraph } from './emit/machine-code.ts'
import { Excess } from './excess.ts'
import type { Graph } from './ir.ts'
import { tellingNumbers, waysByCounts } from './passes/doubt.ts'

/** BPF_COMPLEXITY_LIMIT_INSNS (include/linux/bpf.h). */
const LIMIT_INSTRUCTIONS = 1_000_000
/** Where ways differ, some are walked more than once. */
const MOST_INSTRUCTIONS = 500_000
/** BPF_COMPLEXITY_LIMIT_JMP_SEQ (kernel/bpf/verifier.c): forks on one way through the program whose other side is still to come. */
const MOST_FORKS = 8192

/**
 * The longest that one packet may take: around two milliseconds. The verifier looks at a called function once, and would let
 * it be called without end.
 */
const MOST_RUN = 4_000_000

/**
 * So often a round of a loop is walked again, once for each round at most, although nothing tells ways apart that could be hidden:
 * the verifier forgets most of the places that it has seen, and which bytes of the packet are there is not hidden.
 */
const MOST_REPEATED = 50

/** Of 300 programs, those of found.md among them, no estimate was less than 0.85 of what the verifier walked, where that was much. */
const MOST_DOUBTFUL = (LIMIT_INSTRUCTIONS * 3) / 4

/** Whether the verifier could give up, if it told ways apart by all that it may learn of numbers. */
export const isDoubtful = (graphs: readonly Graph[], code: readonly CodeGraph[]): boolean =>
  graphs.reduce((sum, graph, index) => sum + doubtOf(graph, code[index]?.blocks ?? []), 0) > MOST_DOUBTFUL

/** Instructions, as often as they may be walked. */
function doubtOf(graph: Graph, blocks: readonly CodeBlock[]): number {
  const telling = tellingNumbers(graph)
  const numbers = new Map(graph.blocks.map(({ id }, place) => [id, telling[place] ?? 0]))
  const waysByCount = waysByCounts(graph)
  let [most, sum] = [0, 0]
  for (const { id, code, rounds } of blocks) {
    const now = numbers.get(id) ?? 0
    most = Math.max(most, now)
    // In straight code, ways stay apart: by the time that the next one comes, the verifier has forgotten where they could meet.
    const ways = rounds > 1 ? Math.min(rounds, MOST_REPEATED) * waysByCount * 2 ** now : 2 ** most
    sum += code.length * rounds * ways
  }
  return sum
}

/** Instructions, every round of every loop counted. */
const walked = (blocks: readonly CodeBlock[]): number =>
  blocks.reduce((sum, { code, rounds }) => sum + code.length * rounds, 0)

/** The first of these is the program, the others are the functions that it calls: each is walked by itself. */
export function checkEffort(graphs: readonly CodeGraph[]): void {
  const blocks = graphs.flatMap((graph) => graph.blocks)
  const instructions = walked(blocks)
  if (instructions > MOST_INSTRUCTIONS)
    throw tooMuch(
      `the verifier would walk about ${instructions} instructions`,
      MOST_INSTRUCTIONS,
      blocks,
      ({ code }) => code.length,
    )
  // Neither can be more than all instructions are, where nothing is called.
  if (instructions <= MOST_FORKS && graphs.length === 1) return
  const lengths = lengthsOf(graphs)
  const run = lengths.get(undefined) ?? 0
  const lengthOf = ({ code }: CodeBlock) =>
    code.reduce((sum, { callee }) => sum + 1 + (callee === undefined ? 0 : (lengths.get(callee) ?? 0)), 0)
  if (run > MOST_RUN)
    throw tooMuch(`a packet would run ${run} instructions`, MOST_RUN, graphs[0]?.blocks ?? [], lengthOf)
  for (const graph of graphs) {
    const forks = longestWay(graph.blocks)
    if (forks > MOST_FORKS)
      throw tooMuch(`the verifier would meet ${forks} forks on one way`, MOST_FORKS, graph.blocks, (block) =>
        block.forks ? 1 : 0,
      )
  }
}

/** How many instructions each function runs at most, what it calls included, by its name; the program's is undefined. */
function lengthsOf(graphs: readonly CodeGraph[]): ReadonlyMap<string | undefined, number> {
  const byName = new Map(graphs.map((graph) => [graph.signature?.name, graph]))
  const lengths = new Map<string | undefined, number>()
  const lengthOf = (name: string | undefined): number => {
    const known = lengths.get(name)
    if (known !== undefined) return known
    const length = (byName.get(name)?.blocks ?? []).reduce(
      (sum, { code, rounds }) =>
        sum + rounds * code.reduce((all, { callee }) => all + 1 + (callee === undefined ? 0 : lengthOf(callee)), 0),
      0,
    )
    lengths.set(name, length)
    return length
  }
  lengthOf(undefined)
  return lengths
}

/** Forks on the way that has most, every round of its loops counted. Blocks are in reverse postorder. */
function longestWay(blocks: readonly CodeBlock[]): number {
  const order = new Map(blocks.map(({ id }, index) => [id, index]))
  const below: number[] = []
  for (const [index, block] of [...blocks.entries()].reverse()) {
    const onwards = block.successors.map((id) => order.get(id) ?? 0).filter((next) => next > index)
    below[index] = (block.forks ? block.rounds : 0) + Math.max(0, ...onwards.map((next) => below[next] ?? 0))
  }
  return below[0] ?? 0
}

function tooMuch(
  message: string,
  most: number,
  blocks: readonly CodeBlock[],
  cost: (block: CodeBlock) => number,
): Excess {
  const weight = (block: CodeBlock): number => cost(block) * block.rounds
  const worst = blocks.reduce((a, b) => (weight(b) > weight(a) ? b : a))
  const at = worst.code[0]?.at
  const place: Place | undefined = at && placeOf(at)
  const remedy =
    worst.rounds > 1
      ? 'let a function compute what the loop needs, run it fewer times, or do less in it'
      : 'do less for each packet, or split the cube in two'
  return new Excess('instructions', { message: `${message}; ${most} are the most`, place, remedy })
}
