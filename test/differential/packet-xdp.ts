/** A packet at XDP: its first and its last byte move, and nothing is known of it but what its bytes say. */
import type { Move, Tunnel } from '../../src/compiler/typed.ts'
import { ETHERNET, IP, joined, type Packet, TAG, TAGS, words } from './packet.ts'

/** A page, without `struct skb_shared_info`. */
const ROOM = 4096 - 320
/** XDP_PACKET_HEADROOM, and how much of it `struct xdp_frame` may take. */
const [HEADROOM, FRAME] = [256, 40]

export class XdpPacket implements Packet {
  bytes: Uint8Array
  tag: readonly [number, number] | undefined
  /** Bytes that may be put in front. */
  private headroom = HEADROOM - FRAME

  /** The outer tag is taken out while the program runs. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    if (TAGS.includes(this.type)) this.tag = this.takeTag()
  }

  /** Puts the outer tag back; false where there is no room for it. */
  leave(): boolean {
    const { tag } = this
    return tag === undefined || this.inserted(words(...tag))
  }

  move(move: Move, [first = 0, second = 0, third = 0]: readonly number[]): boolean {
    const { length } = this.bytes
    switch (move) {
      case 'pushVlan':
        if (this.tag !== undefined && !this.inserted(words(...this.tag))) return false
        this.tag = [TAGS.includes(third) ? third : 0x8100, ((second & 7) << 13) | (first & 0xfff)]
        return true
      case 'popVlan': {
        const isDouble = this.tag !== undefined && TAGS.includes(this.type)
        this.tag = isDouble ? this.takeTag() : undefined
        return !isDouble || this.tag !== undefined
      }
      case 'truncate':
        return length <= first || this.resized(first)
      case 'growTail':
        return first <= 0xffff && this.resized(length + first)
      case 'shrinkTail':
        return first <= 0xffff && this.resized(length - first)
      case 'growHead':
        return this.grown(first, () => joined(new Uint8Array(first), this.bytes))
      case 'shrinkHead':
        return length - first >= ETHERNET && this.shrunk(first)
    }
  }

  encapsulate({ size, ethernet }: Tunnel): boolean {
    const isIP = this.type === IP[4].type || this.type === IP[6].type
    const [header, rest] = [this.bytes.slice(0, ETHERNET), this.bytes.subarray(ethernet ? 0 : ETHERNET)]
    const room = new Uint8Array(ethernet ? size - ETHERNET : size)
    return (ethernet || isIP) && this.grown(size, () => joined(header, room, rest))
  }

  decapsulate({ size, version, ethernet }: Tunnel): boolean {
    const { length } = this.bytes
    if (this.type !== IP[version].type || length < ETHERNET + size + 1) return false
    const isIPv6 = ethernet ? this.word(size + 12) === IP[6].type : (this.bytes[ETHERNET + size] ?? 0) >> 4 === 6
    if (length < ETHERNET + size + IP[isIPv6 ? 6 : 4].size) return false
    const header = this.bytes.slice(0, ETHERNET)
    this.shrunk(size)
    if (!ethernet) this.bytes.set(header)
    return true
  }

  private get type(): number {
    return this.word(12)
  }

  private grown(by: number, work: () => Uint8Array): boolean {
    if (by > this.headroom) return false
    this.headroom -= by
    this.bytes = work()
    return true
  }

  private shrunk(by: number): true {
    this.headroom += by
    this.bytes = this.bytes.slice(by)
    return true
  }

  private resized(length: number): boolean {
    const { bytes } = this
    if (length < ETHERNET || (length > bytes.length && this.headroom + FRAME + length > ROOM)) return false
    this.bytes = joined(bytes.subarray(0, length), new Uint8Array(Math.max(0, length - bytes.length)))
    return true
  }

  /** Behind the addresses. */
  private inserted(tag: Uint8Array): boolean {
    return this.grown(TAG, () => joined(this.bytes.subarray(0, 12), tag, this.bytes.subarray(12)))
  }

  private takeTag(): readonly [number, number] | undefined {
    if (this.bytes.length < ETHERNET + TAG) return undefined
    const tag = [this.type, this.word(14)] as const
    const addresses = this.bytes.slice(0, 12)
    this.shrunk(TAG)
    this.bytes.set(addresses)
    return tag
  }

  private word = (at: number): number => ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0)
}
