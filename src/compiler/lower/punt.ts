/** Records with packets: written where they will be read, because no stack holds a packet. */
import type { Hook } from '../../isa/program.ts'
import { type PuntReason, packetRecord, puntHeader, SHORT_PUNT, type StructType } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import { type Given, padding, storePieces } from '../pieces.ts'
import type { Typed } from '../typed.ts'
import { derived, type Open } from '../wired.ts'
import type { Passage } from './packet.ts'
import type { Values } from './reference.ts'

const LOAD = { tc: 'skb_load_bytes', xdp: 'xdp_load_bytes' } as const satisfies Record<Hook, string>

/** An event with the packet. Goes on at `told`, or where there was no room, at `full`. */
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
  const [length, bytes] = packetRecord(table).fields.slice(-2)
  if (length === undefined || bytes === undefined) throw new Error(`no place for packets in ${name}`)
  const given = node.value.map(({ field, value }) => ({ field, pieces: values.value(value) }))
  builder.at = node.at
  const most = table.packet ?? 0
  const captured = atMost(builder, lessOne(builder, packet), most)
  const record = reserve(builder, values.nameOf(name), bytes.offset + most, full)
  fill(builder, record, 0, table.value, given)
  builder.emit({ op: 'store', size: 4, offset: length.offset }, record, captured)
  submit(builder, hook, record, bytes.offset, captured)
  builder.jump(told)
}

export interface PuntParts {
  /** Where it is put. */
  readonly ring: string
  /** The number of {@link why}. */
  readonly reason: number
  readonly why: PuntReason
  readonly metadata: readonly Given[]
  readonly port: Open
  readonly direction: 'ingress' | 'egress'
}

/** A packet for the control plane. Goes on at `told`, or where there was no room, at `full`. */
export function emitPunt(
  builder: Builder,
  packet: Passage,
  hook: Hook,
  { ring, reason, why, metadata, port, direction }: PuntParts,
  told: Block,
  full: Block,
): void {
  const [first, length, tag] = [firstWord(reason, direction, port), packet.length(), packet.tag()]
  const put = (captured: Value, most: number): void => {
    const record = reserve(builder, ring, why.at + most, full)
    for (const [index, word] of [builder.constant(first), length, captured, tag].entries())
      builder.emit({ op: 'store', size: 4, offset: 4 * index }, record, word)
    fill(builder, record, puntHeader.size, why.metadata, metadata)
    submit(builder, hook, record, why.at, captured)
    builder.jump(told)
  }
  const less = lessOne(builder, packet)
  if (why.most <= SHORT_PUNT) return put(atMost(builder, less, why.most), why.most)
  // The ring holds more of those that are short, and most are.
  const [long, short] = [builder.newBlock({ rare: true }), builder.newBlock({ rare: true })]
  builder.branch('uge', 64, less, builder.constant(SHORT_PUNT), long, short)
  builder.enter(short)
  put(plusOne(builder, less), SHORT_PUNT)
  builder.enter(long)
  put(atMost(builder, less, why.most), why.most)
}

/** The first three fields of the header in one. */
const firstWord = (reason: number, direction: 'ingress' | 'egress', port: Open): Open =>
  derived(port, `${direction} for ${reason}`, (port) => reason | (direction === 'egress' ? 1 << 8 : 0) | (port << 16))

/** The verifier wants to see at least 1, and all packets are longer: the one less is compared, and so an empty one is long. */
export const lessOne = (builder: Builder, packet: Passage): Value =>
  builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, packet.length(), builder.constant(1))

export const plusOne = (builder: Builder, less: Value): Value =>
  builder.emit({ op: 'alu', alu: 'add', bits: 64 }, less, builder.constant(1))

/** How many bytes of the packet there is room for. */
export function atMost(builder: Builder, less: Value, most: number): Value {
  const [long, after, last] = [builder.newBlock(), builder.newBlock(), builder.own()]
  builder.write(last, less)
  builder.branch('uge', 64, less, builder.constant(most), long, after)
  builder.enter(long)
  builder.write(last, builder.constant(most - 1))
  builder.jump(after)
  builder.enter(after)
  return plusOne(builder, builder.read(last))
}

export function reserve(builder: Builder, ring: string, bytes: number, full: Block): Value {
  const map = builder.emit({ op: 'map', name: ring })
  const record = builder.emit(
    { op: 'call', helper: 'ringbuf_reserve' },
    map,
    builder.constant(bytes),
    builder.constant(0),
  )
  const room = builder.newBlock()
  builder.branch('ne', 64, record, builder.constant(0), room, full)
  builder.enter(room)
  return record
}

/** The fields of a struct that begins so many bytes into the record. */
function fill(builder: Builder, record: Value, start: number, struct: StructType, given: readonly Given[]): void {
  for (const { offset, size } of padding(struct))
    builder.emit({ op: 'store', size, offset: start + offset }, record, builder.constant(0))
  for (const { field, pieces } of given)
    storePieces(builder, record, { ...field, offset: start + field.offset }, pieces)
}

export function submit(builder: Builder, hook: Hook, record: Value, at: number, captured: Value): void {
  const to = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, record, builder.constant(at))
  const context = builder.emit({ op: 'context' })
  builder.emit({ op: 'call', helper: LOAD[hook] }, context, builder.constant(0), to, captured)
  builder.emit({ op: 'call', helper: 'ringbuf_submit' }, record, builder.constant(0))
}
