/** Fields of headers → stores, and what they mean for checksums. */
import type { Field } from '../../isa/layout.ts'
import type { StructType } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Size, Value } from '../ir.ts'
import { type Pieces, sizesOf, swapped } from '../pieces.ts'
import type { Checksums } from './checksum.ts'
import type { PacketReference } from './reference.ts'
import type { Change } from './sum.ts'

/** Assigns to a field of a header in the packet. `pieces` are as a register holds them. */
export function writeField(
  builder: Builder,
  checksums: Checksums,
  header: PacketReference,
  struct: StructType,
  field: Field,
  pieces: Pieces,
): void {
  const load = (size: Size, offset: number): Value =>
    builder.emit({ op: 'load', size, offset, from: 'packet' }, header.pointer)
  const sizes = sizesOf(field.layout)
  let { offset } = field
  const places = sizes.map((size) => {
    const place = { size, offset }
    offset += size
    return place
  })
  const before = places.map(({ size, offset }) => load(size, offset))
  const after =
    field.bits === undefined ? swapped(builder, field.layout, pieces) : withBits(builder, field, before, pieces)
  const changes: Change[] = places.flatMap(({ size, offset }, index) => {
    const [old, now] = [before[index], after[index]]
    return old === undefined || now === undefined ? [] : [{ size, offset, before: old, after: now }]
  })
  // Where the transport header is has to be found out before anything changes.
  const settle = checksums.changing(header, struct, field, changes)
  for (const { size, offset, after: value } of changes)
    builder.emit({ op: 'store', size, offset, to: 'packet' }, header.pointer, value)
  settle()
}

/** The bytes of a bit field, with other bits in its place. */
function withBits(builder: Builder, { layout, bits: place }: Field, before: Pieces, [value]: Pieces): Pieces {
  const [old] = swapped(builder, layout, before)
  if (old === undefined || value === undefined || place === undefined) return []
  const bits = layout.size === 8 ? 64 : 32
  const ones = (1n << BigInt(place.width)) - 1n
  const all = (1n << BigInt(8 * layout.size)) - 1n
  const rest = builder.emit({ op: 'alu', alu: 'and', bits }, old, builder.constant(all ^ (ones << BigInt(place.shift))))
  const kept = builder.emit({ op: 'alu', alu: 'and', bits }, value, builder.constant(ones))
  const moved = builder.emit({ op: 'alu', alu: 'lsh', bits }, kept, builder.constant(place.shift))
  return swapped(builder, layout, [builder.emit({ op: 'alu', alu: 'or', bits }, rest, moved)])
}
