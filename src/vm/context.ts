import { SK_BUFF, XDP_MD } from '../isa/opcodes.ts'
import type { Hook } from '../isa/program.ts'
import type { PacketBuffer } from './buffer.ts'
import type { Heap } from './heap.ts'
import { AT } from './layout.ts'
import { Region } from './memory.ts'
import type { Tag } from './vlan.ts'

/** Offsets in `struct __sk_buff` behind the ones that programs of this project read (linux/bpf.h). */
const MORE = { wire_len: 160, size: 192 } as const

/** What the context of a program is made from. */
export interface Arrival {
  readonly ifindex: number
  readonly ingressIfindex: number
  readonly mac: Uint8Array
  /** What was taken out of the frame: TC programs find it in the context. */
  readonly tag?: Tag | undefined
  /** `tc_index`, which programs leave on packets that they send on: 0 unless said. */
  readonly mark?: number | undefined
}

const PACKET = { host: 0, broadcast: 1, multicast: 2, otherHost: 3 } as const

/** What `eth_type_trans` finds out: whom the packet in `memory` is for (linux/if_packet.h). */
function packetType(memory: Uint8Array, mac: Uint8Array): number {
  let isHost = true
  let isBroadcast = true
  for (let i = 0; i < mac.length; i++) {
    const octet = memory[AT.packet + i]
    isHost &&= octet === mac[i]
    isBroadcast &&= octet === 0xff
  }
  if (isHost) return PACKET.host
  if (((memory[AT.packet] ?? 0) & 1) === 0) return PACKET.otherHost
  return isBroadcast ? PACKET.broadcast : PACKET.multicast
}

/** The context of one hook: a region of memory, and which of its fields are packet pointers. */
export interface Context {
  readonly region: Region
  /** The fields at the start of a run. */
  fill(packet: PacketBuffer, arrival: Arrival): void
  /** The fields that change when the packet moves. */
  update(packet: PacketBuffer): void
  /** The offset in the packet that the field at `at` points to, or -1 where it is a plain field. */
  pointer(at: number, length: number): number
}

/** How long contexts are. */
export const CONTEXT_SIZE: Readonly<Record<Hook, number>> = { tc: MORE.size, xdp: 24 }

const WRITABLE: Readonly<Record<Hook, Uint8Array>> = {
  tc: new Uint8Array(CONTEXT_SIZE.tc),
  xdp: new Uint8Array(CONTEXT_SIZE.xdp),
}
for (const field of [SK_BUFF.mark, SK_BUFF.queue_mapping, SK_BUFF.priority, SK_BUFF.tc_index, SK_BUFF.tc_classid])
  WRITABLE.tc.fill(1, field, field + 4)
WRITABLE.tc.fill(1, SK_BUFF.cb, SK_BUFF.cb + 20)

/** Whether a program may write these bytes of its context. */
export const isWritable = (hook: Hook, at: number, size: number): boolean =>
  WRITABLE[hook][at] === 1 && WRITABLE[hook][at + size - 1] === 1

function skBuff(heap: Heap): Context {
  return {
    region: new Region('context', 'context', AT.context, MORE.size, { writable: WRITABLE.tc }),
    fill(packet, { ifindex, ingressIfindex, mac, mark = 0 }) {
      const { words } = heap
      words.fill(0, AT.context >> 2, (AT.context + MORE.size) >> 2)
      words[(AT.context + MORE.wire_len) >> 2] = packet.length
      words[(AT.context + SK_BUFF.pkt_type) >> 2] = packetType(heap.bytes, mac)
      words[(AT.context + SK_BUFF.ifindex) >> 2] = ifindex
      words[(AT.context + SK_BUFF.ingress_ifindex) >> 2] = ingressIfindex
      words[(AT.context + SK_BUFF.tc_index) >> 2] = mark
      this.update(packet)
    },
    update({ length, protocol, tag }) {
      const { words } = heap
      words[(AT.context + SK_BUFF.len) >> 2] = length
      words[(AT.context + SK_BUFF.protocol) >> 2] = asOnWire(protocol)
      words[(AT.context + SK_BUFF.vlan_present) >> 2] = tag === undefined ? 0 : 1
      words[(AT.context + SK_BUFF.vlan_tci) >> 2] = tag?.control ?? 0
      words[(AT.context + SK_BUFF.vlan_proto) >> 2] = asOnWire(tag?.protocol ?? 0)
    },
    pointer(at, length) {
      if (at === SK_BUFF.data || at === SK_BUFF.data_meta) return 0
      return at === SK_BUFF.data_end ? length : -1
    },
  }
}

function xdpMd(heap: Heap): Context {
  const size = CONTEXT_SIZE.xdp
  return {
    region: new Region('context', 'context', AT.context, size, { writable: WRITABLE.xdp }),
    fill(_packet, { ifindex }) {
      const { words } = heap
      words.fill(0, AT.context >> 2, (AT.context + size) >> 2)
      words[(AT.context + XDP_MD.ingress_ifindex) >> 2] = ifindex
    },
    update() {},
    pointer(at, length) {
      if (at === XDP_MD.data || at === XDP_MD.data_meta) return 0
      return at === XDP_MD.data_end ? length : -1
    },
  }
}

/** 16 bits, big-endian in the low two bytes. */
const asOnWire = (value: number): number => ((value & 0xff) << 8) | (value >> 8)

export const contexts = (heap: Heap): Readonly<Record<Hook, Context>> => ({ tc: skBuff(heap), xdp: xdpMd(heap) })
