import type { HelperName } from '../../isa/opcodes.ts'
import type { Block, Graph, Memory, Value } from '../ir.ts'

/** What of the packet has states. */
type Changing = Extract<Memory, 'context' | 'packet'>

/** Equal numbers, equal states: before a load or a call, and after all of a block. */
export interface States {
  before(value: Value, of: Changing): number
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
])

export const moves = (value: Value): boolean => value.op === 'call' && MOVERS.has(value.helper)

const writes = (value: Value): boolean => value.op === 'store' && value.to === 'packet'

const CHANGES: Readonly<Record<Changing, (value: Value) => boolean>> = {
  context: moves,
  packet: (value) => moves(value) || writes(value),
}

/** Whether what was once loaded would be the same if it were loaded again: nothing that the program sees changes later. */
export const isLasting = ({ blocks }: Graph, from: Memory): boolean =>
  from === 'constant' ||
  (from !== 'shared' && !blocks.some(({ values }) => values.some((value) => CHANGES[from](value) && !isEarly(value))))

const isEarly = (value: Value): boolean => value.op === 'call' && value.early === true

/**
 * Numbers the states: every change begins one, and so does every block where different ones meet. A value that dominates
 * another one in the same state therefore has seen the same packet.
 */
export function packetStates(graph: Graph): States {
  const found = { context: statesOf(graph, 'context'), packet: statesOf(graph, 'packet') }
  // What a pass has added since is in a state of its own.
  return {
    before: (value, of) => (found[of] === undefined ? 0 : (found[of].before.get(value) ?? UNKNOWN)),
    after: (block, of) => (found[of] === undefined ? 0 : (found[of].after.get(block) ?? UNKNOWN)),
  }
}

const UNKNOWN = -1

/** Undefined where there is only one state. */
function statesOf(
  graph: Graph,
  of: Changing,
): { readonly before: ReadonlyMap<Value, number>; readonly after: ReadonlyMap<Block, number> } | undefined {
  const changes = CHANGES[of]
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
  const before = new Map<Value, number>()
  for (const [index, block] of blocks.entries()) {
    let state = atStart(block) ?? 0
    for (const value of block.values) {
      // Nothing else is asked for.
      if (value.op === 'load' || value.op === 'call') before.set(value, state)
      if (changesIn[index]?.includes(value)) state = begin(value)
    }
  }
  return { before, after }
}
