import type { HelperName } from '../../isa/opcodes.ts'
import type { Block, Graph, Memory, Value } from '../ir.ts'

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

export const moves = (value: Value): boolean => value.op === 'call' && MOVERS.has(value.helper)

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
  const found = { context: statesOf(graph, CHANGES.context), packet: statesOf(graph, CHANGES.packet) }
  const ofBytes = new Map<string, Found | undefined>()
  // Passes put other values in the place of some, under their numbers. What they add is in a state of its own.
  const before = (states: Found | undefined, { id }: Value): number =>
    states === undefined ? 0 : (states.before.get(id) ?? UNKNOWN)
  return {
    before: (value, of) => before(found[of], value),
    read: (load) => {
      const key = `${load.arguments[0]?.id} ${load.offset} ${load.size}`
      if (found.packet !== undefined && !ofBytes.has(key) && ofBytes.size < MOST_PLACES)
        ofBytes.set(
          key,
          statesOf(graph, (value) => moves(value) || (writes(value) && overlap(value, load))),
        )
      return before(ofBytes.has(key) ? ofBytes.get(key) : found.packet, load)
    },
    after: (block, of) => (found[of] === undefined ? 0 : (found[of].after.get(block) ?? UNKNOWN)),
  }
}

/** Telling apart more of them would take long. */
const MOST_PLACES = 100

interface Found {
  /** By the number of the value. */
  readonly before: ReadonlyMap<number, number>
  readonly after: ReadonlyMap<Block, number>
}

const UNKNOWN = -1

/** Undefined where there is only one state. */
function statesOf(graph: Graph, changes: (value: Value) => boolean): Found | undefined {
  const { entry, blocks } = graph
  const changesIn = blocks.map(({ values }) => values.filter(changes))
  if (changesIn.every(({ length }) => length === 0)) return undefined
  let last = 0
  /** What each change begins, and each block where states meet. */
  const begun = new Map<Value | Block, number>([[entry, 0]])
  const begin = (at: Value | Block): number => {
    const number = begun.get(at) ?? ++last
    begun.set(at, number)
    return number
  }
  const after = new Map<Block, number>()
  const atStart = (block: Block): number | undefined => {
    let met = begun.get(block)
    if (met !== undefined) return met
    for (const one of block.predecessors) {
      const state = after.get(one)
      if (met !== undefined && state !== undefined && state !== met) return begin(block)
      met ??= state
    }
    return met
  }
  for (let changed = true; changed; ) {
    changed = false
    for (const [index, block] of blocks.entries()) {
      const change = changesIn[index]?.at(-1)
      const end = change === undefined ? atStart(block) : begin(change)
      if (end === undefined || end === after.get(block)) continue
      after.set(block, end)
      changed = true
    }
  }
  const before = new Map<number, number>()
  for (const [index, block] of blocks.entries()) {
    let state = atStart(block) ?? 0
    for (const value of block.values) {
      // Nothing else is asked for.
      if (value.op === 'load' || value.op === 'call') before.set(value.id, state)
      if (changesIn[index]?.includes(value)) state = begin(value)
    }
  }
  return { before, after }
}
