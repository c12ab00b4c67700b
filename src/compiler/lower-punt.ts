/** Events with packets: written where they will be read, because no stack holds a packet. */
import type { Hook } from '../isa/program.ts'
import { packetRecord } from '../lang/index.ts'
import type { Block } from './ir.ts'
import type { Passage } from './lower-packet.ts'
import { padding, storePieces } from './pieces.ts'
import type { Values } from './reference.ts'
import type { Typed } from './typed.ts'

const LOAD = { tc: 'skb_load_bytes', xdp: 'xdp_load_bytes' } as const satisfies Record<Hook, string>

/** Goes on at `told`, or where there was no room, at `full`. */
export function emitWithPacket(
  values: Values,
  packet: Passage,
  hook: Hook,
  node: Extract<Typed, { op: 'emit' }>,
  told: Block,
  full: Block,
): void {
  const { builder } = values
  const { name, table } = node.table
  const most = table.packet ?? 0
  const layout = packetRecord(table)
  const [length, bytes] = layout.fields.slice(-2)
  if (length === undefined || bytes === undefined) throw new Error(`no place for packets in ${name}`)
  const given = node.value.map(({ field, value }) => ({ field, pieces: values.value(value) }))
  builder.at = node.at
  const map = builder.emit({ op: 'map', name })
  const size = builder.constant(layout.size)
  const record = builder.emit({ op: 'call', helper: 'ringbuf_reserve' }, map, size, builder.constant(0))
  const room = builder.newBlock()
  builder.branch('ne', 64, record, builder.constant(0), room, full)
  builder.enter(room)
  for (const { offset, size } of padding(table.value))
    builder.emit({ op: 'store', size, offset }, record, builder.constant(0))
  for (const { field, pieces } of given) storePieces(builder, record, field, pieces)
  // The verifier wants to see at least 1, and all packets are longer: the one less is compared, and so an empty one is long.
  const [long, short] = [builder.newBlock(), builder.newBlock()]
  const less = builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, packet.length(), builder.constant(1))
  builder.branch('uge', 64, less, builder.constant(most), long, short)
  const [last = less] = values.join(
    long,
    short,
    () => [builder.constant(most - 1)],
    () => [less],
  )
  const captured = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, last, builder.constant(1))
  builder.emit({ op: 'store', size: 4, offset: length.offset }, record, captured)
  const to = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, record, builder.constant(bytes.offset))
  const context = builder.emit({ op: 'context' })
  builder.emit({ op: 'call', helper: LOAD[hook] }, context, builder.constant(0), to, captured)
  builder.emit({ op: 'call', helper: 'ringbuf_submit' }, record, builder.constant(0))
  builder.jump(told)
}
