/** Blocks of the newer format, written (draft-ietf-opsawg-pcapng): little endian, with times in nanoseconds. */
import { alignUp, concat, viewOf } from '../base/bytes.ts'
import type { CapturedFrame } from './frame.ts'
import { LINKTYPE_ETHERNET } from './linktype.ts'
import { BLOCK, BYTE_ORDER_MAGIC, HEAD, OPTION, TAIL } from './pcapng.ts'

const SNAPSHOT = 262_144
/** As an exponent of ten. */
const NANOSECONDS = 9

const COMMENT = 1
const SECTION_OPTION = { application: 4 } as const
const INTERFACE_OPTION = { name: OPTION.name, description: 3, resolution: OPTION.resolution } as const
const PACKET_OPTION = { flags: 2 } as const
const STATISTICS_OPTION = { received: 4, dropped: 5 } as const
/** Of a packet's flags. */
const DIRECTION = { in: 1, out: 2 } as const
const STATISTICS = 5

const utf8 = new TextEncoder()

type Option = readonly [code: number, value: Uint8Array]

/** Whoever wrote it, and that a section of unknown length begins. */
export function sectionBlock(application?: string): Uint8Array {
  const fixed = new Uint8Array(16)
  const view = viewOf(fixed)
  view.setUint32(0, BYTE_ORDER_MAGIC, true)
  view.setUint16(4, 1, true)
  view.setBigInt64(8, -1n, true)
  return block(BLOCK.section, fixed, application === undefined ? [] : [text(SECTION_OPTION.application, application)])
}

/** Packets name interfaces by the order of their blocks, from 0. */
export function interfaceBlock(name: string, description?: string): Uint8Array {
  const fixed = new Uint8Array(8)
  viewOf(fixed).setUint16(0, LINKTYPE_ETHERNET, true)
  viewOf(fixed).setUint32(4, SNAPSHOT, true)
  return block(BLOCK.interface, fixed, [
    text(INTERFACE_OPTION.name, name),
    ...(description === undefined ? [] : [text(INTERFACE_OPTION.description, description)]),
    [INTERFACE_OPTION.resolution, Uint8Array.of(NANOSECONDS)],
  ])
}

/** What a packet may have besides its bytes. */
export interface PacketRemarks {
  readonly comment?: string | undefined
  readonly direction?: keyof typeof DIRECTION | undefined
}

export function packetBlock(
  { time, bytes, length }: CapturedFrame,
  number: number,
  { comment, direction }: PacketRemarks = {},
): Uint8Array {
  const fixed = new Uint8Array(20)
  const view = viewOf(fixed)
  view.setUint32(0, number, true)
  setTime(fixed, 4, time)
  view.setUint32(12, bytes.length, true)
  view.setUint32(16, length, true)
  return block(BLOCK.enhancedPacket, concat(fixed, padded(bytes)), [
    ...(direction === undefined ? [] : [[PACKET_OPTION.flags, word(DIRECTION[direction])] as const]),
    ...(comment === undefined ? [] : [text(COMMENT, comment)]),
  ])
}

/** Of an interface up to a time: packets that were seen, and that were lost because nobody took them in time. */
export function statisticsBlock(number: number, time: bigint, received: bigint, dropped: bigint): Uint8Array {
  const fixed = new Uint8Array(12)
  viewOf(fixed).setUint32(0, number, true)
  setTime(fixed, 4, time)
  return block(STATISTICS, fixed, [
    [STATISTICS_OPTION.received, long(received)],
    [STATISTICS_OPTION.dropped, long(dropped)],
  ])
}

/** 64 bits, the upper half first in either byte order. The format cannot tell of times before 1970. */
function setTime(bytes: Uint8Array, at: number, time: bigint): void {
  const since = time < 0n ? 0n : time
  viewOf(bytes).setUint32(at, Number(since >> 32n), true)
  viewOf(bytes).setUint32(at + 4, Number(since & 0xffff_ffffn), true)
}

function block(type: number, fixed: Uint8Array, options: readonly Option[]): Uint8Array {
  const body =
    options.length === 0 ? fixed : concat(fixed, ...options.map(option), option([OPTION.end, utf8.encode('')]))
  const length = HEAD + body.length + TAIL
  const head = new Uint8Array(HEAD)
  viewOf(head).setUint32(0, type, true)
  viewOf(head).setUint32(4, length, true)
  return concat(head, body, word(length))
}

function option([code, value]: Option): Uint8Array {
  const head = new Uint8Array(4)
  viewOf(head).setUint16(0, code, true)
  viewOf(head).setUint16(2, value.length, true)
  return concat(head, padded(value))
}

const text = (code: number, value: string): Option => [code, utf8.encode(value)]
const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(alignUp(bytes.length, 4) - bytes.length))
const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
const long = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer)
