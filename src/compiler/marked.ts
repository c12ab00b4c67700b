/**
 * Packets that programs send past another one, which would have them a second time: on their way out of an interface whose stack's
 * packets it has, or into the stack where it has what arrives. And copies of packets, which are marked with the program that they
 * are for.
 */
import { SK_BUFF, TC_ACT } from '../isa/opcodes.ts'
import type { Builder } from './builder.ts'

/** The `tc_index` of such packets, which has 16 bits. No copy has that one. */
export const MARKED = 0xffff
/** The `tc_index` of packets that nobody has marked is 0. */
export const FIRST_SLOT = 1

/** Of two graphs, of which one takes the other one's place: their copies have different marks. */
export type Generation = 0 | 1

export const GENERATION_BIT = 15
/** Slots of copies are below: the last one would be {@link MARKED}. */
export const MOST_SLOTS = 2 ** GENERATION_BIT - 1

/** The `tc_index` of a copy for the program in a slot. */
export const markOf = (generation: Generation, slot: number): number => generation * 2 ** GENERATION_BIT + slot
export const slotOfMark = (mark: number): number => mark % 2 ** GENERATION_BIT

/** At the start of a program: marked ones go on at once, and unmarked, because the stack may send them somewhere else. */
export function passMarked(builder: Builder): void {
  const context = builder.emit({ op: 'context' })
  const index = builder.emit({ op: 'load', size: 4, offset: SK_BUFF.tc_index, from: 'context' }, context)
  const [marked, others] = [builder.newBlock({ rare: true }), builder.newBlock()]
  builder.branch('eq', 32, index, builder.constant(MARKED), marked, others)
  builder.enter(marked)
  builder.emit({ op: 'store', size: 4, offset: SK_BUFF.tc_index }, context, builder.constant(0))
  builder.return(builder.constant(TC_ACT.ok))
  builder.enter(others)
}
