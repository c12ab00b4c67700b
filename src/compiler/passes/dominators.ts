import type { Block, Graph } from '../ir.ts'
import { hasLoops } from './loops.ts'

const UNKNOWN = -1

/**
 * Which block is passed on every way to another (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", 2001). Holds
 * as long as the ways between blocks stay as they are.
 */
export class Dominators {
  private readonly blocks: readonly Block[]
  // By the places of blocks: that of the immediate dominator, the place in `downwards`, and how many it dominates, itself included.
  private readonly idom: Int32Array
  private readonly first: Int32Array
  private readonly size: Int32Array

  constructor({ blocks }: Graph) {
    this.blocks = blocks
    this.idom = immediate(blocks)
    const { length } = blocks
    this.size = new Int32Array(length).fill(1)
    // A block comes after its dominators.
    for (let at = length - 1; at > 0; at--) this.size[this.above(at)] = this.sizeOf(this.above(at)) + this.sizeOf(at)
    this.first = new Int32Array(length)
    const next = new Int32Array(length).fill(1)
    for (let at = 1; at < length; at++) {
      const above = this.above(at)
      const place = next[above] ?? 0
      this.first[at] = place
      next[at] = place + 1
      next[above] = place + this.sizeOf(at)
    }
  }

  /** The nearest block that is passed on every way to this one. Undefined for the entry. */
  of(block: Block): Block | undefined {
    return block.place === 0 ? undefined : this.blocks[this.above(block.place)]
  }

  /** Whether `outer` is passed on every way to `inner`. A block dominates itself. */
  dominates(outer: Block, inner: Block): boolean {
    const distance = (this.first[inner.place] ?? 0) - (this.first[outer.place] ?? 0)
    return distance >= 0 && distance < this.sizeOf(outer.place)
  }

  /** Every block, then all that it dominates. */
  downwards(): readonly Block[] {
    const order = [...this.blocks]
    for (const block of this.blocks) order[this.first[block.place] ?? 0] = block
    return order
  }

  private above(place: number): number {
    return this.idom[place] ?? 0
  }

  private sizeOf(place: number): number {
    return this.size[place] ?? 0
  }
}

/** The place of each block's immediate dominator, by its own. The entry's is its own. */
function immediate(blocks: readonly Block[]): Int32Array {
  const idom = new Int32Array(blocks.length).fill(UNKNOWN, 1)
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b]
    while (x !== y)
      if (x > y) x = idom[x] ?? 0
      else y = idom[y] ?? 0
    return x
  }
  const isRound = hasLoops(blocks)
  for (let changed = true; changed; ) {
    changed = false
    for (let at = 1; at < blocks.length; at++) {
      let next = UNKNOWN
      for (const { place } of blocks[at]?.predecessors ?? [])
        if (idom[place] !== UNKNOWN) next = next === UNKNOWN ? place : meet(next, place)
      if (idom[at] === next) continue
      idom[at] = next
      changed = isRound
    }
  }
  return idom
}
