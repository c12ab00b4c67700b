/** Numbers that each CPU has for itself: of what is done with a packet before anything else is done there. */
import type { Value } from '../ir.ts'
import type { Frame } from './frame.ts'

/** Where the CPU's own is, in a map that {@link cellsMap} describes. */
export function cellOf({ builder, cpu }: Frame, map: string): Value {
  const start = builder.emit({ op: 'mapValue', name: map, offset: 0 })
  const distance = builder.emit({ op: 'alu', alu: 'mul', bits: 64 }, cpu(), builder.constant(8))
  return builder.emit({ op: 'alu', alu: 'add', bits: 64 }, start, distance)
}
