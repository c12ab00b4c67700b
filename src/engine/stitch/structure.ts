/**
 * Which programs packets go through one after the other: what has to be known of a graph so that some of its programs can be exchanged
 * where they are, in the array that others go over to them by.
 *
 * That is possible where no packet, and no copy of it, meets two of those that change. Then it makes no difference which of them is
 * exchanged first: each packet meets at most one of them, as it was or as it will be, and all else is the same for both.
 */
import type { Hook } from '../../isa/program.ts'
import type { NodeName, Topology } from '../graph/nodes.ts'
import type { OwnProgram } from './assemblies.ts'
import { type NodeNumbers, type Side, type Sides, slotting } from './cuts.ts'
import { fingerprint } from './fingerprint.ts'

/** Plain data, for the record. */
export interface Structure {
  readonly sides: Sides
  readonly numbers: Readonly<Record<NodeName, number>>
  /** By the paths of attachments and, of those that others go over to, by slots. */
  readonly programs: Readonly<Record<string, Part>>
}

export interface Part {
  /** Equal for programs that do the same. */
  readonly print: string
  readonly side: Side
  /** Numbers of the data planes in it, each before those that it leads to. */
  readonly nodes: readonly number[]
  /** Slots that it goes over to. */
  readonly slots: readonly number[]
  /** Those that it makes copies for. */
  readonly copies?: readonly number[]
}

/** A structure, and where its nodes lead. */
export interface Met {
  /** Programs of one hook do not go over to those of another: the kernel lets an array have those of the first that it was loaded with. */
  readonly hook: Hook
  readonly structure: Structure
  readonly topology: Topology
}

export const partOf = ({ program, side, nodes }: OwnProgram, numbers: NodeNumbers): Part => ({
  print: fingerprint(program).slice(0, PRINTED),
  side,
  nodes: nodes.map((node) => numbers.get(node) ?? 0),
  slots: program.slots ?? [],
  ...(program.copies === undefined ? {} : { copies: program.copies }),
})

/** Letters: there are thousands of them in a record. */
const PRINTED = 16

export const isSlot = (key: string): boolean => /^\d+$/.test(key)

/** Whether programs can be exchanged one by one: those that come and go at interfaces, and those for which `isChanged`. */
export function canExchange(before: Met, now: Met, isChanged: (key: string) => boolean): boolean {
  if (before.hook !== now.hook) return false
  const sizes = [before, now].map(({ structure: { numbers, sides } }) => slotting(Object.values(numbers), sides).size)
  if (sizes[0] !== sizes[1]) return false
  const [old, fresh] = [new Ways(before), new Ways(now)]
  const [oldParts, parts] = [before.structure.programs, now.structure.programs]
  /** By slots, how many that change a packet meets from there on: 2 stands for more. */
  const meets = new Map<number, number>()
  const programs = inOrder({ ...oldParts, ...parts }, oldParts).map((key): Exchanged => {
    const [was, is] = [oldParts[key], parts[key]]
    const slot = isSlot(key) ? Number(key) : undefined
    // A slot that nobody goes over to yet, or nobody any more, is filled before, or emptied after.
    const own = was !== undefined && is !== undefined ? isChanged(key) : slot === undefined
    return { slot, was: was && old.through(was), is: is && fresh.through(is), own: own ? 1 : 0 }
  })
  const count = ({ was, is, own }: Exchanged): number =>
    Math.max(was === undefined ? 0 : old.from(was, meets), is === undefined ? 0 : fresh.from(is, meets)) + own
  for (let again = true; again; ) {
    again = false
    for (const program of programs) {
      const found = count(program)
      if (found > 1) return false
      const { slot } = program
      if (slot === undefined || found === (meets.get(slot) ?? 0)) continue
      meets.set(slot, found)
      again = true
    }
  }
  return true
}

/** A program that may be exchanged. */
interface Exchanged {
  /** Of one that others go over to. */
  readonly slot: number | undefined
  readonly was: Through | undefined
  readonly is: Through | undefined
  /** 1 where it changes itself. */
  readonly own: number
}

/** Those that others go over to before these, as far as they do not go over to one another: so that one look at each will mostly do. */
function inOrder(parts: Structure['programs'], others: Structure['programs']): readonly string[] {
  const seen = new Set<string>()
  const order: string[] = []
  const open: { readonly key: string; readonly next: readonly number[]; at: number }[] = []
  const visit = (key: string): void => {
    if (seen.has(key)) return
    seen.add(key)
    open.push({ key, next: [...reached(parts[key]), ...reached(others[key])], at: 0 })
  }
  for (const root of Object.keys(parts)) {
    visit(root)
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.next[top.at++]
      if (next !== undefined) visit(`${next}`)
      else {
        order.push(top.key)
        open.pop()
      }
    }
  }
  return order
}

const reached = ({ slots, copies = [] }: Pick<Part, 'slots' | 'copies'> = { slots: [] }): readonly number[] => [
  ...slots,
  ...copies,
]

interface Leads {
  readonly to: number
  /** Where packets come from that meet the node. */
  readonly back: boolean
}

/** A program by its nodes, each behind those that it leads to. */
type Through = readonly { readonly node: number; readonly ways: readonly Onwards[] }[]

interface Onwards {
  /** A node, which may be in the program; else what follows in the array does. */
  readonly to: number
  /** Slots that the program uses for it, and for copies to it. */
  readonly slot: number | undefined
  readonly copy: number | undefined
  readonly back: boolean
}

/** Where nodes lead, by their numbers. */
class Ways {
  private readonly ways = new Map<number, readonly Leads[]>()
  private readonly slotOf: (side: Side, number: number) => number

  constructor({ structure: { numbers, sides }, topology }: Met) {
    this.slotOf = slotting(Object.values(numbers), sides).slotOf
    for (const { name, port, ways } of topology.nodes.values()) {
      const leads = ways.flatMap((way): Leads[] =>
        way.leads.to === 'node' ? [{ to: numbers[way.leads.node] ?? -1, back: way.port === port?.name }] : [],
      )
      this.ways.set(numbers[name] ?? -1, leads)
    }
  }

  through({ side, nodes, slots, copies }: Part): Through {
    const [next, copied] = [new Set(slots), new Set(copies)]
    const among = (all: ReadonlySet<number>, slot: number) => (all.has(slot) ? slot : undefined)
    return nodes.toReversed().map((node) => ({
      node,
      ways: (this.ways.get(node) ?? []).map(({ to, back }) => ({
        to,
        slot: among(next, this.slotOf(side, to)),
        copy: back ? undefined : among(copied, this.slotOf('leaving', to)),
        back,
      })),
    }))
  }

  /** How many a packet meets behind the first node of a program, by how many it meets from a slot on. */
  from(through: Through, met: ReadonlyMap<number, number>): number {
    const behind = new Map<number, number>()
    let last = 0
    for (const { node, ways } of through) {
      let one = 0
      let all = 0
      let isCopied = false
      for (const { to, slot, copy, back } of ways) {
        // Those behind it in the program are known already; to others, it goes over.
        const on = behind.get(to) ?? (slot === undefined ? 0 : (met.get(slot) ?? 0))
        one = Math.max(one, on)
        if (back) continue
        isCopied ||= copy !== undefined
        // Of a packet that is flooded, one goes on, and the others are copies.
        all += Math.max(on, copy === undefined ? 0 : (met.get(copy) ?? 0))
      }
      last = isCopied ? Math.max(one, all) : one
      behind.set(node, last)
    }
    return last
  }
}
