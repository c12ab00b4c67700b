import { lazy } from '../../base/lazy.ts'
import type { HelperName } from '../../isa/opcodes.ts'
import type { Block, Graph, Memory, Value } from '../ir.ts'
import { hasLoops } from './loops.ts'

/** What of the packet has states. */
type Changing = Extract<Memory, 'context' | 'packet'>

/** Equal numbers, equal states: before a load or a call, and after all of a block. */
export interface States {
  before(value: Value, of: Changing): number
  /** Before a load from the packet: of the bytes that it reads. */
  read(load: Load): number
  after(block: Block, of: Changing): number
}

/** Helpers after which the packet is elsewhere, of another length, or both. The verifier forgets all pointers into it. */
const MOVERS: ReadonlySet<HelperName> = new Set<HelperName>([
  'skb_vlan_push',
  'skb_vlan_pop',
  'skb_change_tail',
  'skb_pull_data',
  'skb_change_head',
  'skb_adjust_room',
  'xdp_adjust_head',
  'xdp_adjust_tail',
  'l4_csum_replace',
])

/** Of copies, only those behind which the packet goes on in the program. */
export const moves = (value: Value): boolean =>
  value.op === 'call' && (MOVERS.has(value.helper) || (value.helper === 'clone_redirect' && value.edge === undefined))

type Load = Extract<Value, { op: 'load' }>
type Store = Extract<Value, { op: 'store' }>

const writes = (value: Value): value is Store => value.op === 'store' && value.to === 'packet'

const CHANGES: Readonly<Record<Changing, (value: Value) => boolean>> = {
  context: moves,
  packet: (value) => moves(value) || writes(value),
}

/** Whether a store may write what a load reads: not if both are so many bytes from the same pointer. */
const overlap = (store: Store, load: Load): boolean =>
  store.arguments[0] !== load.arguments[0] ||
  (store.offset < load.offset + load.size && load.offset < store.offset + store.size)

/** Whether what was once loaded would be the same if it were loaded again: nothing that the program sees changes later. */
export const isLasting = ({ blocks }: Graph, from: Memory): boolean =>
  from === 'constant' ||
  (from !== 'shared' && !blocks.some(({ values }) => values.some((value) => CHANGES[from](value) && !isAtEdge(value))))

const isAtEdge = (value: Value): boolean => value.op === 'call' && value.edge !== undefined

/**
 * Numbers the states: every change begins one, and so does every block where different ones meet. A value that dominates
 * another one in the same state therefore has seen the same packet.
 */
export function packetStates(graph: Graph): States {
  const all = new Changes(graph)
  if (all.changes.length === 0) return { before: () => 0, read: () => 0, after: () => 0 }
  const seen: Readonly<Record<Changing, () => Int32Array>> = {
    context: lazy(() => all.seenBy(CHANGES.context)),
    packet: lazy(() => all.seenBy(CHANGES.packet)),
  }
  const ofBytes = new Map<string, Int32Array>()
  const seenByLoad = (load: Load): Int32Array => {
    const key = `${load.arguments[0]?.id} ${load.offset} ${load.size}`
    const known = ofBytes.get(key)
    if (known !== undefined || ofBytes.size >= MOST_PLACES) return known ?? seen.packet()
    const found = all.seenBy((value) => moves(value) || (writes(value) && overlap(value, load)))
    ofBytes.set(key, found)
    return found
  }
  return {
    before: (value, of) => seen[of]()[all.before(value)] ?? UNKNOWN,
    read: (load) => seenByLoad(load)[all.before(load)] ?? UNKNOWN,
    after: (block, of) => seen[of]()[all.after(block)] ?? UNKNOWN,
  }
}

/** Telling apart more of them would take long. */
const MOST_PLACES = 100

const UNKNOWN = -1

/**
 * All that changes the packet, numbered from 1 on in the order of the blocks. What a block begins with has a number behind those, by
 * its place.
 */
class Changes {
  readonly changes: readonly Value[]
  private readonly blocks: readonly Block[]
  private readonly hasLoops: boolean
  /** By block: the number of the last change in it or in those before it. */
  private readonly last: number[] = []
  /** By the numbers of values: what was there before, the last change or the start of the block. */
  private readonly beforeValue = new Map<number, number>()

  constructor({ blocks }: Graph) {
    this.blocks = blocks
    this.hasLoops = hasLoops(blocks)
    const changes: Value[] = []
    for (const { values } of blocks) for (const value of values) if (CHANGES.packet(value)) changes.push(value)
    this.changes = changes
    if (changes.length === 0) return
    let change = 0
    for (const block of blocks) {
      let before = this.startOf(block)
      for (const value of block.values) {
        // Nothing else is asked for.
        if (value.op === 'load' || value.op === 'call') this.beforeValue.set(value.id, before)
        if (value === changes[change]) before = ++change
      }
      this.last.push(change)
    }
  }

  /** Passes put other values in the place of some, under their numbers. What they add is in a state of its own. */
  before({ id }: Value): number {
    return this.beforeValue.get(id) ?? UNKNOWN
  }

  after(block: Block): number {
    const last = this.lastIn(block.place)
    return last > this.lastIn(block.place - 1) ? last : this.startOf(block)
  }

  /** For each number the state that follows, to somebody who sees only some of the changes. */
  seenBy(sees: (change: Value) => boolean): Int32Array {
    const { changes, blocks } = this
    const states = new Int32Array(1 + changes.length + blocks.length).fill(UNKNOWN)
    const isSeen = changes.map(sees)
    const stateOf = (number: number): number => states[number] ?? UNKNOWN
    /** What all ways bring, as far as is known; else a state of its own. */
    const met = (block: Block): number => {
      let state = block.place === 0 ? 0 : UNKNOWN
      for (const one of block.predecessors) {
        const other = stateOf(this.after(one))
        if (state === UNKNOWN) state = other
        else if (other !== UNKNOWN && other !== state) return this.startOf(block)
      }
      return state
    }
    // Without loops, what leads to a block has been seen before it.
    for (let again = true; again; ) {
      again = false
      for (const block of blocks) {
        const start = this.startOf(block)
        const before = stateOf(start)
        let state = before === start ? start : met(block)
        states[start] = state
        again ||= state !== before && this.hasLoops
        for (let change = this.lastIn(block.place - 1) + 1; change <= this.lastIn(block.place); change++) {
          if (isSeen[change - 1]) state = change
          states[change] = state
        }
      }
    }
    return states
  }

  private lastIn(place: number): number {
    return this.last[place] ?? 0
  }

  private startOf({ place }: Block): number {
    return 1 + this.changes.length + place
  }
}
