/** What moves the packet → helpers of the TC hook (net/core/filter.c). */
import type { HelperName } from '../isa/opcodes.ts'
import type { Builder } from './builder.ts'
import type { Block, Value } from './ir.ts'
import type { Passage } from './lower-packet.ts'
import type { Pieces } from './pieces.ts'
import type { Move } from './typed.ts'

/** Two ways to a value. */
export type Join = (is: Block, isNot: Block, whenTrue: () => Pieces, whenFalse: () => Pieces) => Pieces

/** No packet has more bytes; sums with as many more do not wrap. */
const MOST_TAIL = 0xffff
const REFUSED = 1

/** 0 where it was done. */
export function lowerMove(
  builder: Builder,
  packet: Passage,
  join: Join,
  move: Move,
  operands: readonly Value[],
): Value {
  const context = builder.emit({ op: 'context' })
  const [first = builder.constant(0), second = first, third = first] = operands
  const none = builder.constant(0)
  const either = (is: Block, isNot: Block, whenTrue: () => Value, otherwise: number): Value =>
    join(
      is,
      isNot,
      () => [whenTrue()],
      () => [builder.constant(otherwise)],
    )[0] ?? none
  const call = (helper: HelperName, ...given: Value[]): Value => {
    const result = builder.emit({ op: 'call', helper }, context, ...given)
    packet.moved()
    return result
  }
  const changeTail = (to: Value) => call('skb_change_tail', to, none)
  switch (move) {
    case 'pushVlan': {
      const type = builder.emit({ op: 'swap', bits: 16 }, third)
      return call('skb_vlan_push', type, tagControl(builder, first, second))
    }
    case 'popVlan':
      return call('skb_vlan_pop')
    case 'growHead':
      return call('skb_change_head', first, none)
    case 'truncate': {
      const [longer, short] = [builder.newBlock(), builder.newBlock()]
      builder.branch('ugt', 32, packet.length(), first, longer, short)
      return either(longer, short, () => changeTail(first), 0)
    }
    case 'growTail':
    case 'shrinkTail': {
      const alu = move === 'growTail' ? 'add' : 'sub'
      const change = () => changeTail(builder.emit({ op: 'alu', alu, bits: 32 }, packet.length(), first))
      // Less than nothing is more than there can be: the kernel refuses that.
      if (first.op === 'const' && first.value <= MOST_TAIL) return change()
      const [possible, impossible] = [builder.newBlock(), builder.newBlock()]
      builder.branch('ule', 32, first, builder.constant(MOST_TAIL), possible, impossible)
      return either(possible, impossible, change, REFUSED)
    }
  }
}

/** IEEE 802.1Q: | priority 3 | drop eligible 1 | identifier 12 |. */
function tagControl(builder: Builder, identifier: Value, priority: Value): Value {
  const low = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, identifier, builder.constant(0xfff))
  const bits = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, priority, builder.constant(7))
  const high = builder.emit({ op: 'alu', alu: 'lsh', bits: 32 }, bits, builder.constant(13))
  return builder.emit({ op: 'alu', alu: 'or', bits: 32 }, low, high)
}
