/**
 * The packet of a program with what the kernel keeps beside its bytes (`struct sk_buff`, `struct xdp_buff`), and the helpers that
 * change its size. Errors and limits are those of net/core/filter.c and net/core/skbuff.c; a packet here is never one of segments.
 */
import { ADJ_ROOM, CSUM } from '../isa/opcodes.ts'
import { ERRNO } from './errno.ts'
import { AT, ROOM } from './layout.ts'
import { type Memory, Region } from './memory.ts'
import { PROTOCOLS, type Tag } from './vlan.ts'

const PAGE = 4096
/** `struct skb_shared_info` */
const SHARED_INFO = 320
/** `struct xdp_frame` */
const XDP_FRAME = 40
/** SKB_MAX_ALLOC */
const LONGEST = 4 * PAGE - SHARED_INFO
/** No interface carries more in one frame: an IP packet of 65,535 bytes behind an Ethernet header and two VLAN tags. */
export const LONGEST_FRAME = 65_535 + 14 + 8
/** An Ethernet header alone. */
export const SHORTEST_FRAME = 14
/** XDP_PACKET_HEADROOM, less what the kernel may put there. */
const HEADROOM = 256 - XDP_FRAME
const GARBAGE = 0xdb
const ETHERNET = 14
const ADDRESSES = 12
/** linux/if_ether.h: ETH_P_802_3_MIN, ETH_P_802_3, ETH_P_802_2 */
const [LEAST_TYPE, RAW_802_3, LLC_802_2] = [0x600, 1, 4]
const TAG = 4
const IPV4 = { type: 0x0800, header: 20 } as const
const IPV6 = { type: 0x86dd, header: 40 } as const

export class PacketBuffer {
  readonly region = new Region('packet', 'packet', AT.packet, 0)
  readonly #memory: Memory
  #length = 0
  tag: Tag | undefined
  /** The EtherType that the kernel goes by, whatever the bytes say by now. */
  protocol = 0
  /** Where the kernel takes the network header to be. */
  #network = ETHERNET
  #encapsulated = false
  /** Bytes in front of the packet that an XDP program may still take. */
  #headroom = HEADROOM

  constructor(memory: Memory) {
    this.#memory = memory
  }

  /** `linear`: the most that is in the first part of the packet, which alone programs see. */
  fill(frame: Uint8Array, tag: Tag | undefined, linear: number): void {
    this.#length = frame.length
    this.#memory.heap.bytes.set(frame, AT.packet)
    this.#setLinear(Math.min(frame.length, Math.max(linear, ETHERNET)))
    this.tag = tag
    this.#network = ETHERNET
    this.#encapsulated = false
    this.#headroom = HEADROOM
    this.protocol = this.#protocolAt(ADDRESSES)
  }

  /** Bytes in all parts. */
  get length(): number {
    return this.#length
  }

  get linear(): number {
    return this.region.length
  }

  /** A copy. */
  get bytes(): Uint8Array {
    return this.#memory.heap.bytes.slice(AT.packet, AT.packet + this.#length)
  }

  /** Big-endian, as numbers in packets are. */
  #read16(at: number): number {
    return this.#memory.heap.view.getUint16(AT.packet + at)
  }

  #write16(at: number, value: number): void {
    this.#memory.heap.view.setUint16(AT.packet + at, value)
  }

  #setLinear(length: number): void {
    this.region.length = length
    this.#memory.measurePacket(length)
  }

  /** bpf_skb_vlan_push: an outer tag that there is goes into the packet. */
  pushTag(protocol: number, control: number): number {
    if (this.tag !== undefined) {
      if (this.length + TAG > ROOM.packet) return -ERRNO.ENOMEM
      this.#splice(ADDRESSES, 0, TAG)
      this.#write16(ADDRESSES, this.tag.protocol)
      this.#write16(ADDRESSES + 2, this.tag.control)
      this.protocol = this.tag.protocol
    }
    this.tag = { protocol: PROTOCOLS.includes(protocol) ? protocol : PROTOCOLS[0], control }
    return 0
  }

  /** bpf_skb_vlan_pop: and the next tag, if there is one, comes out of the packet. */
  popTag(): number {
    if (this.tag === undefined && PROTOCOLS.includes(this.protocol)) {
      if (this.#takeTag() === undefined) return -ERRNO.ENOMEM
    } else this.tag = undefined
    if (!PROTOCOLS.includes(this.protocol)) return 0
    const { protocol } = this
    const control = this.#takeTag()
    if (control === undefined) return -ERRNO.ENOMEM
    this.tag = { protocol, control }
    return 0
  }

  /** bpf_skb_change_tail */
  changeTail(length: number, flags: number): number {
    if (flags !== 0 || length > LONGEST || length < this.#network) return -ERRNO.EINVAL
    if (this.#encapsulated) return -ERRNO.ENOTSUPP
    this.pull(this.length)
    this.#splice(Math.min(length, this.length), Math.max(0, this.length - length), Math.max(0, length - this.length))
    return 0
  }

  /** bpf_skb_change_head */
  changeHead(room: number, flags: number): number {
    if (flags !== 0 || this.length + room > LONGEST) return -ERRNO.EINVAL
    this.#splice(0, 0, room)
    this.#network += room
    return 0
  }

  /** bpf_skb_pull_data: at least so many bytes in the first part. */
  pull(length: number): number {
    if (length > this.length) return -ERRNO.ENOMEM
    this.#setLinear(Math.max(length, this.linear))
    return 0
  }

  /** bpf_l4_csum_replace, by a difference (nothing is taken off then): all checksums here are whole (CHECKSUM_NONE). */
  replaceChecksum(at: number, isDifference: boolean, difference: number, flags: number): number {
    if ((flags & ~(CSUM.pseudo | CSUM.mangled0 | CSUM.ipv6)) !== 0) return -ERRNO.EINVAL
    if (at > 0xffff || at % 2 !== 0 || at + 2 > this.length) return -ERRNO.EFAULT
    const { view } = this.#memory.heap
    const before = view.getUint16(AT.packet + at, true)
    const isOptional = (flags & CSUM.mangled0) !== 0
    if (isOptional && before === 0) return 0
    if (!isDifference) return -ERRNO.EINVAL
    // Of 32 bits, never 0: as in the kernel, a sum that comes to nothing is 0xffff.
    let sum = difference + (~before >>> 0)
    while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
    const after = sum ^ 0xffff
    view.setUint16(AT.packet + at, isOptional && after === 0 ? 0xffff : after, true)
    return 0
  }

  /**
   * bpf_skb_adjust_room: behind the Ethernet header, or behind the fixed part of the IP header. `innerMac` is the part of the
   * flags that says how long the inner link layer's header is.
   */
  adjustRoom(difference: number, mode: number, flags: number, innerMac: number): number {
    const size = Math.abs(difference)
    const shrinks = difference < 0
    const known = ADJ_ROOM.fixedGso | ADJ_ROOM.noChecksumReset | ENCAPSULATES | DECAPSULATES
    if ((flags & ~known) !== 0) return -ERRNO.EINVAL
    if (size > 0xfff) return -ERRNO.EFAULT
    if (this.protocol !== IPV4.type && this.protocol !== IPV6.type) return -ERRNO.ENOTSUPP
    if (mode !== ADJ_ROOM.net && mode !== ADJ_ROOM.mac) return -ERRNO.ENOTSUPP
    const base = this.protocol === IPV4.type ? IPV4.header : IPV6.header
    const decapsulates = flags & DECAPSULATES
    if (decapsulates !== 0 && (!shrinks || decapsulates === DECAPSULATES)) return -ERRNO.EINVAL
    const least = decapsulates === 0 ? base : decapsulates === ADJ_ROOM.decapL3IPv4 ? IPV4.header : IPV6.header
    const behind = this.length - this.#network
    if (shrinks ? behind - size < least : this.length + size > LONGEST) return -ERRNO.ENOTSUPP
    const at = this.#network + (mode === ADJ_ROOM.net ? base : 0)
    const error = shrinks ? this.#shrink(flags, innerMac) : this.#grow(size, flags, innerMac)
    if (error !== 0) return error
    if (shrinks) this.pull(at + size)
    this.#splice(at, shrinks ? size : 0, shrinks ? 0 : size)
    return 0
  }

  /** bpf_xdp_adjust_head. What the packet gets in front is what happens to be there. */
  adjustHead(by: number): number {
    const after = this.length - by
    if (this.#headroom + by < 0 || after < ETHERNET || after > LONGEST_FRAME) return -ERRNO.EINVAL
    this.#headroom += by
    this.#splice(0, Math.max(0, by), Math.max(0, -by))
    if (by < 0) this.#memory.heap.bytes.fill(GARBAGE, AT.packet, AT.packet - by)
    return 0
  }

  /** bpf_xdp_adjust_tail. The buffer is a page. */
  adjustTail(by: number): number {
    const after = this.length + by
    const inFront = this.#headroom + XDP_FRAME
    if (after < ETHERNET || (by > 0 && inFront + after > PAGE - SHARED_INFO)) return -ERRNO.EINVAL
    this.#splice(Math.min(after, this.length), Math.max(0, -by), Math.max(0, by))
    return 0
  }

  #grow(size: number, flags: number, innerMac: number): number {
    const [version, transport] = [flags & ENCAPSULATES_L3, flags & ENCAPSULATES_L4]
    if (version === 0) return 0
    if (version === ENCAPSULATES_L3 || transport === ENCAPSULATES_L4) return -ERRNO.EINVAL
    if ((flags & ADJ_ROOM.encapL2Ethernet) !== 0 && innerMac < ETHERNET) return -ERRNO.EINVAL
    if (this.#encapsulated) return -ERRNO.EALREADY
    if (innerMac > size) return -ERRNO.EINVAL
    this.#encapsulated = true
    this.protocol = version === ADJ_ROOM.encapL3IPv4 ? IPV4.type : IPV6.type
    return 0
  }

  #shrink(flags: number, innerMac: number): number {
    if ((flags & ENCAPSULATES) !== 0 || innerMac !== 0) return -ERRNO.EINVAL
    const decapsulates = flags & DECAPSULATES
    if (decapsulates !== 0) this.protocol = decapsulates === ADJ_ROOM.decapL3IPv4 ? IPV4.type : IPV6.type
    return 0
  }

  /** Takes the tag out that is in the packet; its control information, or undefined where there is no whole one. */
  #takeTag(): number | undefined {
    if (this.pull(ETHERNET + TAG) !== 0) return undefined
    const control = this.#read16(ADDRESSES + 2)
    this.#splice(ADDRESSES, TAG, 0)
    this.protocol = this.#protocolAt(ADDRESSES)
    return control
  }

  /** What the kernel takes the packet for: a length is the sign of other kinds of frames (net/ethernet/eth.c, eth_type_trans). */
  #protocolAt(at: number): number {
    const type = this.#read16(at)
    if (type >= LEAST_TYPE) return type
    return this.length >= at + 4 && this.#read16(at + 2) === 0xffff ? RAW_802_3 : LLC_802_2
  }

  /** Takes `removed` bytes out, and puts `added` zeros in, all in the first part. */
  #splice(at: number, removed: number, added: number): void {
    const { length } = this
    const { bytes } = this.#memory.heap
    const start = AT.packet + at
    bytes.copyWithin(start + added, start + removed, AT.packet + length)
    bytes.fill(0, start, start + added)
    this.#length = length - removed + added
    this.#setLinear(this.linear + added - removed)
  }
}

const ENCAPSULATES_L3 = ADJ_ROOM.encapL3IPv4 | ADJ_ROOM.encapL3IPv6
const ENCAPSULATES_L4 = ADJ_ROOM.encapL4Gre | ADJ_ROOM.encapL4Udp
const ENCAPSULATES = ENCAPSULATES_L3 | ENCAPSULATES_L4 | ADJ_ROOM.encapL2Ethernet
const DECAPSULATES = ADJ_ROOM.decapL3IPv4 | ADJ_ROOM.decapL3IPv6
