/** Fields of headers and entries → loads. */
import type { Field } from '../../isa/layout.ts'
import type { StructType } from '../../lang/index.ts'
import type { Value } from '../ir.ts'
import { loadPieces, type Pieces, swapped } from '../pieces.ts'
import type { Position } from '../typed.ts'
import type { Reference, Values } from './reference.ts'

export function loadField(
  values: Values,
  { pointer, copy }: Reference,
  field: Field,
  struct: StructType,
  at: Position,
): Pieces {
  const { builder } = values
  const copied = copy?.parts.get(copy.offset + field.offset)
  if (copied !== undefined) return copied
  builder.at = at
  const network = struct.order === 'network'
  const pieces = loadPieces(builder, pointer, field, network ? 'packet' : 'shared')
  if (field.layout.kind === 'list') return network ? swapped(builder, field.layout, pieces) : pieces
  const [first] = pieces
  if (first === undefined || field.layout.kind !== 'scalar') return pieces
  const { size } = field.layout
  const host = network && size > 1 ? builder.emit({ op: 'swap', bits: (size * 8) as 16 | 32 | 64 }, first) : first
  // A truth value in a packet may be any octet; everywhere else it is 0 or 1.
  if (network && struct.fields[field.name]?.kind === 'bool') return truth(values, host)
  if (field.bits === undefined) return [host]
  const bits = size === 8 ? 64 : 32
  const shifted = builder.emit({ op: 'alu', alu: 'rsh', bits }, host, builder.constant(field.bits.shift))
  const mask = builder.constant(2n ** BigInt(field.bits.width) - 1n)
  return [builder.emit({ op: 'alu', alu: 'and', bits }, shifted, mask)]
}

/** 0 or 1, for a value that may be more. */
function truth(values: Values, value: Value): Pieces {
  const { builder } = values
  const [is, isNot] = [builder.newBlock(), builder.newBlock()]
  builder.branch('ne', 32, value, builder.constant(0), is, isNot)
  return values.join(
    is,
    isNot,
    () => [builder.constant(1)],
    () => [builder.constant(0)],
  )
}
