/**
 * How many copies for cubes a packet may be made of. They are made within one another, and where floods lead in a ring, each copy
 * makes more of them: so all that come of one packet share a number, which is enough for any graph without rings. It is each CPU's
 * own, because nothing else is done until all copies have been dealt with.
 */
import { SK_BUFF } from '../../isa/opcodes.ts'
import type { Copy } from '../assembly.ts'
import type { Block } from '../ir.ts'
import type { Open } from '../wired.ts'
import { cellOf } from './cell.ts'
import type { Frame } from './frame.ts'

/** The map of those numbers. No cube can have such a name. */
export const COPIES = '+graph/copies'

export class Copying {
  private readonly frame: Frame

  constructor(frame: Frame) {
    this.frame = frame
  }

  /** Of a packet that is no copy itself: so many. Copies are where they leave by the engine's device. */
  begin({ ifindex, most }: Copy<Open>, mayBeCopy: boolean): void {
    const { builder } = this.frame
    const [first, counted] = [builder.newBlock(), builder.newBlock()]
    if (mayBeCopy) {
      const context = builder.emit({ op: 'context' })
      const at = builder.emit({ op: 'load', size: 4, offset: SK_BUFF.ifindex, from: 'context' }, context)
      builder.branch('eq', 32, at, builder.constant(ifindex), counted, first)
    } else builder.jump(first)
    builder.enter(first)
    builder.emit({ op: 'store', size: 8, offset: 0 }, cellOf(this.frame, COPIES), builder.constant(most))
    builder.jump(counted)
    builder.enter(counted)
  }

  /** One more. */
  take(allowed: Block, refused: Block): void {
    const { builder } = this.frame
    const place = cellOf(this.frame, COPIES)
    const left = builder.emit({ op: 'load', size: 8, offset: 0, from: 'shared' }, place)
    const some = builder.newBlock()
    builder.branch('eq', 64, left, builder.constant(0), refused, some)
    builder.enter(some)
    const rest = builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, left, builder.constant(1))
    builder.emit({ op: 'store', size: 8, offset: 0 }, place, rest)
    builder.jump(allowed)
  }
}
