/** A packet that changes its size and shape, as the language says it does, and at TC as the kernel knows it. */
import type { Move, Tunnel } from '../../src/compiler/typed.ts'

export const ETHERNET = 14
export const TAGS = [0x8100, 0x88a8]
/** Bytes of a tag in the packet. */
export const TAG = 4
/** What the kernel's helpers make no packet longer than: four pages without `struct skb_shared_info`. */
const LONGEST = 16_064

/**
 * A packet grew in front so often that the kernel may have no memory left for it: pskb_expand_head rounds each new buffer up to a power
 * of two, so that the next one is twice as long. When that is, depends on the packet's first buffer.
 */
export class Unforeseeable extends Error {}

/** From 60 bytes on, 13 times 400 in front were more than there is, and from 1,500 on 15 times 50 (Linux 6.18). */
const FORESEEABLE = 10

export interface Packet {
  readonly bytes: Uint8Array
  /** Type and control information of the outer tag, which is beside the packet. */
  readonly tag: readonly [number, number] | undefined
  /** Before it goes on. False where it is lost. */
  leave(): boolean
  move(move: Move, operands: readonly number[]): boolean
  encapsulate(tunnel: Tunnel): boolean
  decapsulate(tunnel: Tunnel): boolean
}

export class TcPacket implements Packet {
  bytes: Uint8Array
  tag: readonly [number, number] | undefined
  /** What the packet was when it came; writing to it changes nothing here. */
  private type: number
  /** Bytes up to the network header. */
  private head = ETHERNET
  /** Bytes in front that are never cut off. */
  private least = ETHERNET
  private encapsulated = false
  private times = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.type = this.word(12)
  }

  leave = (): boolean => true

  move(move: Move, [first = 0, second = 0, third = 0]: readonly number[]): boolean {
    const { length } = this.bytes
    switch (move) {
      case 'pushVlan':
        this.least += TAG
        if (this.tag !== undefined) {
          this.bytes = joined(this.bytes.subarray(0, 12), words(...this.tag), this.bytes.subarray(12))
          this.type = this.tag[0]
        }
        this.tag = [TAGS.includes(third) ? third : 0x8100, ((second & 7) << 13) | (first & 0xfff)]
        return true
      case 'popVlan':
        if (this.tag === undefined && TAGS.includes(this.type) && this.takeTag() === undefined) return false
        this.tag = undefined
        if (TAGS.includes(this.type)) this.tag = this.takeTag()
        return !TAGS.includes(this.type) || this.tag !== undefined
      case 'truncate':
        return length <= first || (first >= this.least && this.resize(first))
      case 'growTail':
        return first <= 0xffff && this.resize(length + first)
      case 'shrinkTail':
        return length - first >= this.least && this.resize(length - first)
      case 'growHead':
        if (length + first > LONGEST) return false
        this.bytes = joined(new Uint8Array(first), this.bytes)
        this.grown(first)
        return true
      case 'shrinkHead': {
        const outer = ([4, 6] as const).find((one) => IP[one].type === this.type)
        if (outer === undefined || this.head !== ETHERNET) return false
        return this.decapsulate({ size: first, version: outer, ethernet: true })
      }
    }
  }

  /** The Ethernet header is twice there afterwards, if a frame is carried. */
  encapsulate({ size, version, ethernet }: Tunnel): boolean {
    const isIP = this.type === IP[4].type || this.type === IP[6].type
    if (this.bytes.length + size > LONGEST || (isIP ? this.encapsulated : !ethernet)) return false
    const header = this.bytes.slice(0, 14)
    const at = isIP ? this.head : 0
    this.bytes = joined(this.bytes.subarray(0, at), new Uint8Array(size), this.bytes.subarray(at))
    if (ethernet) this.bytes.set(header, isIP ? size : 0)
    if (isIP) [this.encapsulated, this.type] = [true, IP[version].type]
    else this.grown(size)
    return true
  }

  decapsulate({ size, version, ethernet }: Pick<Tunnel, 'size' | 'version' | 'ethernet'>): boolean {
    const { length } = this.bytes
    const needed = ethernet ? size + 14 : 14 + size + 1
    if (needed > length) return false
    const header = this.bytes.slice(size, size + 14)
    const isIPv6 = ethernet ? this.word(size + 12) === IP[6].type : (this.bytes[14 + size] ?? 0) >> 4 === 6
    const inner = isIPv6 ? 6 : 4
    const outer = ([4, 6] as const).find((one) => IP[one].type === this.type)
    if (outer === undefined) return false
    const least = IP[inner === version ? outer : inner].size
    if (length - this.head - size < least) return false
    this.bytes = joined(this.bytes.subarray(0, this.head), this.bytes.subarray(this.head + size))
    if (ethernet) this.bytes.set(header)
    if (inner !== version) this.type = IP[inner].type
    return true
  }

  private grown(bytes: number): void {
    if (++this.times > FORESEEABLE) throw new Unforeseeable()
    this.head += bytes
    this.least += bytes
  }

  private resize(length: number): boolean {
    if (this.encapsulated || length > LONGEST) return false
    this.bytes = joined(this.bytes.subarray(0, length), new Uint8Array(Math.max(0, length - this.bytes.length)))
    return true
  }

  /** Takes the tag out that is in the packet. */
  private takeTag(): readonly [number, number] | undefined {
    if (this.bytes.length < 18) return undefined
    const tag = [this.type, this.word(14)] as const
    this.bytes = joined(this.bytes.subarray(0, 12), this.bytes.subarray(16))
    this.type = this.word(12)
    return tag
  }

  private word = (at: number): number => ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0)
}

export const IP = { 4: { type: 0x0800, size: 20 }, 6: { type: 0x86dd, size: 40 } } as const
export const words = (...values: number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((one) => [one >> 8, one & 0xff]))
export const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
