/** Tunnels at TC: bpf_skb_adjust_room, which tells the kernel where the headers are, so that it cuts packets of segments right. */
import { ADJ_ROOM, SK_BUFF } from '../isa/opcodes.ts'
import { ETHERTYPE, Ethernet } from '../lang/index.ts'
import type { Builder } from './builder.ts'
import type { Block, Size, Value } from './ir.ts'
import type { Join } from './lower-move.ts'
import type { Passage } from './lower-packet.ts'
import { swapBytes } from './passes/simplify.ts'
import type { Tunnel } from './typed.ts'

const REFUSED = 1
/** An Ethernet header in loads and stores. */
const WORDS: readonly (readonly [offset: number, size: Size])[] = [
  [0, 4],
  [4, 4],
  [8, 4],
  [12, 2],
]

export class Tunnels {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly join: Join

  constructor(builder: Builder, packet: Passage, join: Join) {
    this.builder = builder
    this.packet = packet
    this.join = join
  }

  /** 0 where it was done. */
  encapsulate(tunnel: Tunnel): Value {
    const { size, ethernet } = tunnel
    const flags = encapsulation(tunnel)
    if (!ethernet) return this.grow(size, flags)
    // The kernel makes room in IP packets only; other frames get it in front, and there are none of segments.
    return this.either(
      (ip, other) => this.forkByProtocol(ip, other),
      () => this.after(this.grow(size, flags), () => this.copyHeader(0, size)),
      () =>
        this.either(
          (plain, segments) =>
            this.builder.branch('eq', 32, this.packet.segmentSize(), this.constant(0), plain, segments),
          () =>
            this.after(this.call('skb_change_head', this.constant(size), this.constant(0)), () =>
              this.copyHeader(size, 0),
            ),
          () => this.constant(REFUSED),
        ),
    )
  }

  /** The same. What is carried says for itself what it is: the kernel has to know. */
  decapsulate({ size, version, ethernet }: Tunnel): Value {
    const { builder, packet } = this
    const inner = ethernet ? size : Ethernet.size + size
    const needed = inner + (ethernet ? Ethernet.size : 1)
    return this.either(
      (there, short) => this.forkByEnd(needed, there, short, true),
      () => {
        const words = ethernet ? WORDS.map(([offset, bytes]) => this.load(bytes, size + offset)) : []
        const carried = words.at(-1) ?? this.load(1, inner)
        const isIPv6 = ethernet
          ? this.test(carried, swapBytes(BigInt(ETHERTYPE.ipv6), 16))
          : this.test(builder.emit({ op: 'alu', alu: 'rsh', bits: 32 }, carried, this.constant(4)), 6n)
        const flags = this.join(
          ...isIPv6,
          () => [this.constant(ADJ_ROOM.fixedGso | (version === 6 ? 0 : ADJ_ROOM.decapL3IPv6))],
          () => [this.constant(ADJ_ROOM.fixedGso | (version === 4 ? 0 : ADJ_ROOM.decapL3IPv4))],
        )[0]
        const result = this.adjust(-size, flags ?? this.constant(ADJ_ROOM.fixedGso))
        packet.moved(true)
        if (!ethernet) return result
        return this.after(result, () =>
          this.within(Ethernet.size, () => {
            for (const [index, [offset, bytes]] of WORDS.entries()) this.store(bytes, offset, words[index])
          }),
        )
      },
      () => this.constant(REFUSED),
    )
  }

  /**
   * Segments of TCP get shorter, so that packets stay as long as they were; what cannot be cut otherwise (UDP) keeps its size.
   */
  private grow(size: number, flags: bigint): Value {
    const { builder } = this
    const first = this.adjust(size, builder.constant(flags))
    const result = this.either(
      (failed, done) => builder.branch('ne', 64, first, this.constant(0), failed, done),
      () => this.adjust(size, builder.constant(flags | BigInt(ADJ_ROOM.fixedGso))),
      () => this.constant(0),
    )
    this.packet.moved()
    return result
  }

  private adjust(difference: number, flags: Value): Value {
    const context = this.builder.emit({ op: 'context' })
    return this.builder.emit(
      { op: 'call', helper: 'skb_adjust_room' },
      context,
      this.constant(difference),
      this.constant(ADJ_ROOM.mac),
      flags,
    )
  }

  private call(helper: 'skb_change_head', ...given: Value[]): Value {
    const result = this.builder.emit({ op: 'call', helper }, this.builder.emit({ op: 'context' }), ...given)
    this.packet.moved()
    return result
  }

  /** What is done where `result` is 0. */
  private after(result: Value, work: () => void): Value {
    return this.either(
      (done, failed) => this.builder.branch('eq', 64, result, this.constant(0), done, failed),
      () => {
        work()
        return this.constant(0)
      },
      () => this.constant(REFUSED),
    )
  }

  /** The Ethernet header at one place of the packet, to another. */
  private copyHeader(from: number, to: number): void {
    this.within(Math.max(from, to) + Ethernet.size, () => {
      for (const [offset, size] of WORDS) this.store(size, to + offset, this.load(size, from + offset))
    })
  }

  /** What is done with bytes that are there after what was done before; only the verifier does not know. */
  private within(bytes: number, work: () => void): void {
    const [there, after] = [this.builder.newBlock(), this.builder.newBlock()]
    this.forkByEnd(bytes, there, after)
    this.builder.enter(there)
    work()
    this.builder.jump(after)
    this.builder.enter(after)
  }

  private forkByProtocol(ip: Block, other: Block): void {
    const { builder } = this
    const context = builder.emit({ op: 'context' })
    const protocol = builder.emit({ op: 'load', size: 4, offset: SK_BUFF.protocol, from: 'context' }, context)
    const isNot = builder.newBlock()
    builder.branch('eq', 32, protocol, builder.constant(swapBytes(BigInt(ETHERTYPE.ipv4), 16)), ip, isNot)
    builder.enter(isNot)
    builder.branch('eq', 32, protocol, builder.constant(swapBytes(BigInt(ETHERTYPE.ipv6), 16)), ip, other)
  }

  private forkByEnd(bytes: number, there: Block, short: Block, isRead = false): void {
    const { builder, packet } = this
    const past = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, packet.data(), this.constant(bytes))
    if (isRead) packet.wants(past)
    builder.branch('ule', 64, past, packet.dataEnd(), there, short)
  }

  /** Where a value is equal to a constant, and where it is not. */
  private test(value: Value, constant: bigint): [Block, Block] {
    const blocks: [Block, Block] = [this.builder.newBlock(), this.builder.newBlock()]
    this.builder.branch('eq', 32, value, this.builder.constant(constant), ...blocks)
    return blocks
  }

  private either(fork: (is: Block, isNot: Block) => void, whenTrue: () => Value, whenFalse: () => Value): Value {
    const [is, isNot] = [this.builder.newBlock(), this.builder.newBlock()]
    fork(is, isNot)
    const [result] = this.join(
      is,
      isNot,
      () => [whenTrue()],
      () => [whenFalse()],
    )
    return result ?? this.constant(REFUSED)
  }

  private load(size: Size, offset: number): Value {
    return this.builder.emit({ op: 'load', size, offset, from: 'packet' }, this.packet.data())
  }

  private store(size: Size, offset: number, value: Value | undefined): void {
    if (value !== undefined) this.builder.emit({ op: 'store', size, offset, to: 'packet' }, this.packet.data(), value)
  }

  private constant(value: number): Value {
    return this.builder.constant(value)
  }
}

function encapsulation({ version, transport, ethernet }: Tunnel): bigint {
  const outer = version === 4 ? ADJ_ROOM.encapL3IPv4 : ADJ_ROOM.encapL3IPv6
  const middle = { udp: ADJ_ROOM.encapL4Udp, gre: ADJ_ROOM.encapL4Gre, none: 0 }[transport ?? 'none']
  if (!ethernet) return BigInt(outer | middle)
  return BigInt(outer | middle | ADJ_ROOM.encapL2Ethernet) | (BigInt(Ethernet.size) << BigInt(ADJ_ROOM.encapL2Shift))
}
