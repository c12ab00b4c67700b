/**
 * Which nodes of a graph are in which programs, and where one program goes over to another by a tail call.
 *
 * Cost model. What goes over costs about 2 ns and is parsed again; what is repeated in several programs costs time and memory when
 * it is compiled, loaded and verified, about 10 µs an instruction. So a node is in every program that reaches it, as long as
 *
 * - all programs together have at most twice what they would have if each node was there once, and of a large graph no more than a
 *   second's worth on top of that ({@link mostOf});
 * - none has more than {@link LARGEST_PROGRAM} instructions, far from the verifier's million steps, which grow with branches.
 *
 * Of what is too much, those nodes that repetition makes largest get programs of their own, with a slot in an array. So does each
 * node that a way leads back to: the kernel's bound of 33 tail calls for each packet bounds all loops. Programs that turn out to be
 * too much for the kernel nevertheless, by their stack or their branches, are cut once more where they are told to be ({@link
 * CutOptions.apart}).
 *
 * What is sent out of the port that it came in by goes over as well, for that is rare; and so does what is copied, when it is
 * flooded to several cubes. A program for a slot is made when another one is found to go over to it, which most never do: then it
 * has one node, and goes over from there.
 *
 * Those that others go over to are the same wherever that is, unless some interface is in another network namespace: who has arrived
 * may go into it at once (bpf_redirect_peer), and who leaves may not, as copies do.
 */
import { FIRST_SLOT } from '../../compiler/marked.ts'
import type { AttachPoint } from '../../isa/program.ts'
import { type GraphEntry, type NodeName, nextNodes, type Topology } from '../graph/nodes.ts'

/** Instructions that may be there again: what is no trouble in any case, and what takes a second. */
const FEW_REPEATED = 1000
const MOST_REPEATED = 100_000
const LARGEST_PROGRAM = 3000

/** Where a program runs. Copies are what leaves a device. */
export type Side = 'leaving' | 'arriving'

export interface PlannedProgram {
  /** Where packets come to it: at an interface, or from another program by its slot. */
  readonly from: GraphEntry | { readonly slot: number }
  readonly side: Side
  /** Its own nodes, the first one first, each before those that it leads to. */
  readonly nodes: readonly NodeName[]
}

export interface Cuts {
  /** Of each entry. */
  readonly entries: readonly PlannedProgram[]
  readonly numbers: NodeNumbers
  /** Slots that there can be. */
  readonly size: number
  /** The slot of a node. */
  slotOf(side: Side, node: NodeName): number
  /** What a slot is for. */
  at(slot: number): PlannedProgram | undefined
}

/** Of `one`, programs for slots are the same on both sides. */
export type Sides = 'one' | 'both'

/** Nodes keep their numbers while a graph changes, and so their slots. */
export type NodeNumbers = ReadonlyMap<NodeName, number>

export interface CutOptions {
  /** Instructions, about, of a node by itself. */
  readonly sizeOf: (node: NodeName) => number
  /** Nodes that are in no program but their own. */
  readonly apart?: ReadonlySet<NodeName>
  /** Numbers that nodes have already. */
  readonly numbers?: NodeNumbers | undefined
  readonly sides: Sides
}

/** Where copies go comes first: what marks them is short. */
const SIDES: Readonly<Record<Sides, readonly Side[]>> = { one: ['leaving'], both: ['leaving', 'arriving'] }

export const sideOf = (point: AttachPoint): Side => (point === 'tc egress' ? 'leaving' : 'arriving')

/** An array has room for so many nodes at least; then for twice as many, and so on, so that it seldom has to be another one. */
const SMALLEST_CAPACITY = 64

const capacityFor = (numbers: Iterable<number>): number => {
  let most = SMALLEST_CAPACITY - 1
  for (const number of numbers) most = Math.max(most, number)
  return 2 ** Math.ceil(Math.log2(most + 1))
}

/** Where the programs of nodes are, by side and number. */
export function slotting(
  numbers: Iterable<number>,
  sides: Sides,
): {
  readonly size: number
  readonly slotOf: (side: Side, number: number) => number
  readonly at: (slot: number) => { readonly side: Side | undefined; readonly number: number }
} {
  const capacity = capacityFor(numbers)
  const all = SIDES[sides]
  return {
    size: all.length * capacity + FIRST_SLOT,
    slotOf: (side, number) => Math.max(0, all.indexOf(side)) * capacity + number + FIRST_SLOT,
    at: (slot) => {
      const place = slot - FIRST_SLOT
      return { side: all[Math.floor(place / capacity)], number: place % capacity }
    },
  }
}

/** Known nodes keep their numbers; new ones get others than those had that went just now. */
function numberNodes(nodes: Iterable<NodeName>, before: NodeNumbers = new Map()): NodeNumbers {
  const taken = new Set(before.values())
  let next = 0
  const fresh = (): number => {
    while (taken.has(next)) next++
    return next++
  }
  return new Map([...nodes].map((node) => [node, before.get(node) ?? fresh()]))
}

export function cut(graph: Topology, options: CutOptions): Cuts {
  const numbers = numberNodes(graph.nodes.keys(), options.numbers)
  const { size, slotOf, at } = slotting(numbers.values(), options.sides)
  const nodeOf = new Map([...numbers].map(([node, number]) => [number, node]))
  const all = SIDES[options.sides]
  const sides = all.map((side) => {
    const entries = graph.entries.filter(({ point }) => all.length === 1 || sideOf(point) === side)
    return { entries, ...cutSide(graph, entries, options) }
  })
  return {
    entries: sides
      .toReversed()
      .flatMap(({ entries, members }) =>
        entries.map((from, index) => ({ from, side: sideOf(from.point), nodes: members[index] ?? [] })),
      ),
    numbers,
    size,
    slotOf: (side, node) => slotOf(side, numbers.get(node) ?? 0),
    at: (slot) => {
      const { side, number } = at(slot)
      const node = nodeOf.get(number)
      if (side === undefined || node === undefined) return undefined
      return { from: { slot }, side, nodes: sides[all.indexOf(side)]?.own.get(node) ?? [node] }
    },
  }
}

interface CutSide {
  /** The nodes of each entry's program. */
  readonly members: readonly (readonly NodeName[])[]
  /** Those of programs of their own, by the first one. */
  readonly own: ReadonlyMap<NodeName, readonly NodeName[]>
}

/** Instructions of all programs, by those of all nodes. */
const mostOf = (once: number): number => once + Math.min(once, MOST_REPEATED) + FEW_REPEATED

/** Finds the largest repetition of a node that keeps all within bounds. */
function cutSide(graph: Topology, entries: readonly GraphEntry[], { sizeOf, apart = new Set() }: CutOptions): CutSide {
  const start = startOf(graph, entries, sizeOf, apart)
  const once = start.sizes.reduce((sum, size) => sum + size, 0)
  const most = mostOf(once)
  for (let repeated = most; ; ) {
    const found = assign(start, repeated, repeated < 1 ? Number.POSITIVE_INFINITY : most)
    if (typeof found !== 'number') return found
    // Whatever is more than all that was repeated would have been the same.
    do repeated /= 2
    while (repeated >= 1 && repeated >= found)
  }
}

/** Nodes by their places in an order in which those that lead to a node come before it. */
interface Start {
  readonly order: readonly NodeName[]
  readonly sizes: readonly number[]
  /** Places before its own that lead to each. */
  readonly before: readonly (readonly number[])[]
  /** Entries that each is the first node of. */
  readonly entries: readonly (readonly number[])[]
  /** Nodes that a way leads back to. */
  readonly looped: readonly boolean[]
  readonly apart: readonly boolean[]
  /** How many entries there are. */
  readonly count: number
}

function startOf(
  graph: Topology,
  entries: readonly GraphEntry[],
  sizeOf: CutOptions['sizeOf'],
  apart: ReadonlySet<NodeName>,
): Start {
  const { order, looped } = orderOf(
    graph,
    entries.map(({ node }) => node),
  )
  const placeOf = new Map(order.map((node, place) => [node, place]))
  const before: number[][] = order.map(() => [])
  for (const [place, node] of order.entries()) {
    const met = graph.nodes.get(node)
    for (const next of met === undefined ? [] : nextNodes(met)) {
      const to = placeOf.get(next) ?? 0
      if (to > place) before[to]?.push(place)
    }
  }
  const starting: number[][] = order.map(() => [])
  for (const [index, { node }] of entries.entries()) starting[placeOf.get(node) ?? -1]?.push(index)
  return {
    order,
    sizes: order.map(sizeOf),
    before,
    entries: starting,
    looped: order.map((node) => looped.has(node)),
    apart: order.map((node) => apart.has(node)),
    count: entries.length,
  }
}

/**
 * Gives nodes to programs. Where that makes more than `most` instructions, how much was repeated of one node at most: with a
 * `mostRepeated` between that and this one, all would be the same.
 */
function assign(
  { order, sizes, before, entries, looped, apart, count }: Start,
  mostRepeated: number,
  most: number,
): CutSide | number {
  const members: NodeName[][] = Array.from({ length: count }, () => [])
  const totals: number[] = members.map(() => 0)
  const own = new Map<NodeName, readonly NodeName[]>()
  /** Programs that have each node. */
  const having: (readonly number[])[] = []
  /** The last place at which each program was found. */
  const foundAt: number[] = []
  let total = 0
  let largest = 0
  for (const [place, node] of order.entries()) {
    const size = sizes[place] ?? 0
    const roots = entries[place] ?? []
    const from = [...roots]
    let longest = 0
    for (const program of roots) foundAt[program] = place
    for (const one of before[place] ?? [])
      for (const program of having[one] ?? []) {
        if (foundAt[program] === place) continue
        foundAt[program] = place
        from.push(program)
        longest = Math.max(longest, totals[program] ?? 0)
      }
    const needsOwn = looped[place] === true
    const repeated = size * (from.length - (needsOwn ? 0 : 1))
    const isTooMuch = repeated > mostRepeated || longest + size > LARGEST_PROGRAM
    const isApart = roots.length === 0 && (apart[place] === true || isTooMuch)
    if (!isApart) largest = Math.max(largest, repeated)
    const programs = isApart ? [] : from
    if (isApart || needsOwn) {
      programs.push(members.length)
      const nodes: NodeName[] = []
      own.set(node, nodes)
      members.push(nodes)
      totals.push(0)
    }
    total += programs.length * size
    if (total > most) return largest
    for (const program of programs) {
      members[program]?.push(node)
      totals[program] = (totals[program] ?? 0) + size
    }
    having.push(programs)
  }
  return { members: members.slice(0, count), own }
}

/** All nodes that are reached, each before those that it leads to but for ways that lead back; and where those lead to. */
function orderOf(
  { nodes }: Topology,
  roots: readonly NodeName[],
): { readonly order: readonly NodeName[]; readonly looped: ReadonlySet<NodeName> } {
  const order: NodeName[] = []
  const looped = new Set<NodeName>()
  const state = new Map<NodeName, 'open' | 'done'>()
  const open: { readonly node: NodeName; readonly next: readonly NodeName[]; at: number }[] = []
  const visit = (node: NodeName): void => {
    const met = nodes.get(node)
    if (met === undefined || state.get(node) === 'done') return
    if (state.get(node) === 'open') {
      looped.add(node)
      return
    }
    state.set(node, 'open')
    open.push({ node, next: nextNodes(met), at: 0 })
  }
  // The last root is visited first, so that the first one comes first.
  for (const root of roots.toReversed()) {
    if (!state.has(root)) visit(root)
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.next[top.at++]
      if (next !== undefined) visit(next)
      else {
        state.set(top.node, 'done')
        order.push(top.node)
        open.pop()
      }
    }
  }
  return { order: order.toReversed(), looped }
}
