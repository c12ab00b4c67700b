/**
 * Packets that programs send past another one, which would have them a second time: on their way out of an interface whose stack's
 * packets it has, or into the stack where it has what arrives.
 */
import { SK_BUFF, TC_ACT } from '../isa/opcodes.ts'
import type { Builder } from './builder.ts'

/** The `tc_index` of such packets. No slot has that number. */
export const MARKED = 0xffff
/** The `tc_index` of packets that nobody has marked is 0. */
export const FIRST_SLOT = 1

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
