/** Reads of the packet → pointers, and the tests that prove them. */
import { FARTHEST } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Value } from '../ir.ts'
import type { Passage } from './packet.ts'
import type { PacketReference, Test } from './reference.ts'

/**
 * `size` bytes, `offset` bytes into the packet, in the one form of bounds check that every verifier follows: data + constant >
 * data_end, or data + variable + constant, where it must know how large the variable can be before it is added. The mask says
 * it, whatever the offset is; a pass takes it out where it is known otherwise (passes/use-ranges.ts).
 */
export function readPacket(builder: Builder, packet: Passage, offset: Value, size: number): PacketReference {
  const { loops } = builder
  const most = builder.constant(FARTHEST)
  const near = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, offset, most)
  const pointer = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, packet.data(), near)
  const known = offset.op === 'const' && offset.value <= BigInt(FARTHEST) ? Number(offset.value) : undefined
  if (known !== undefined && known + size <= packet.assured) return { pointer, key: {}, offset, loops, present: [] }
  const past = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, pointer, builder.constant(size))
  packet.wants(past)
  const inside: Test = { comparison: 'ule', bits: 64, left: past, right: packet.dataEnd() }
  if (known !== undefined) return { pointer, key: {}, offset, loops, present: [inside] }
  return {
    pointer,
    key: {},
    offset,
    loops,
    present: [{ comparison: 'ule', bits: 32, left: offset, right: most }, inside],
  }
}
