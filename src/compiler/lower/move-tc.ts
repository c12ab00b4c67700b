/**
 * What moves the packet at TC: helpers of net/core/filter.c. For tunnels bpf_skb_adjust_room, which tells the kernel where the
 * headers are, so that it cuts packets of segments right.
 */
import { ADJ_ROOM, type HelperName, SK_BUFF } from '../../isa/opcodes.ts'
import { ETHERTYPE, Ethernet, Vlan } from '../../lang/index.ts'
import type { Value } from '../ir.ts'
import { swapBytes } from '../passes/simplify.ts'
import type { Tunnel } from '../typed.ts'
import { Mover, WORDS } from './move.ts'
import { OWN } from './packet.ts'
import { MOST_ROOM } from './settle.ts'

const IP_TYPES = [ETHERTYPE.ipv4, ETHERTYPE.ipv6].map((type) => swapBytes(BigInt(type), 16))

export class TcMover extends Mover {
  protected pushTag(type: Value, control: Value): Value {
    const result = this.call('skb_vlan_push', this.builder.emit({ op: 'swap', bits: 16 }, type), control)
    this.keep(this.constant(Vlan.size))
    return result
  }

  protected popTag(): Value {
    const result = this.helper('skb_vlan_pop')
    this.packet.moved(true)
    return result
  }

  protected growHead(bytes: Value): Value {
    return this.after(this.call('skb_change_head', bytes, this.constant(0)), () => {
      this.builder.write(OWN.grown, this.constant(1))
      this.keep(bytes)
    })
  }

  /** What the kernel takes for the Ethernet header stays, and is written over. It is longer where something is in front of it. */
  protected shrinkHead(bytes: number): Value {
    const isOuter = (version: 4 | 6) =>
      this.fork(
        'eq',
        this.protocol(),
        this.constant(swapBytes(BigInt(version === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6), 16)),
      )
    const flags = (version: 4 | 6, other: number) => () =>
      this.either(
        isOuter(version),
        () => this.constant(ADJ_ROOM.fixedGso),
        () => this.constant(ADJ_ROOM.fixedGso | other),
      )
    return this.either(
      this.fork('eq', this.builder.read(OWN.grown), this.constant(0)),
      () => this.shrink(bytes, true, flags(6, ADJ_ROOM.decapL3IPv6), flags(4, ADJ_ROOM.decapL3IPv4)),
      () => this.refused(),
    )
  }

  /** Less than nothing is more than there can be: the kernel refuses that. */
  protected changeTail(length: () => Value): Value {
    return this.call('skb_change_tail', length(), this.constant(0))
  }

  /**
   * The kernel's own limit is not always the same: it is where the network header was, or the transport header if one is set, and
   * one that is not set comes to be by accident where a packet grows out of its headroom (__bpf_skb_min_len,
   * skb_headers_offset_update). For packets that have arrived, ours is never the lower one.
   */
  protected cutTail(length: () => Value): Value {
    const after = length()
    return this.either(
      this.fork('uge', after, this.builder.read(OWN.least)),
      () => this.changeTail(() => after),
      () => this.refused(),
    )
  }

  /** So many bytes more in front are not cut off. */
  private keep(bytes: Value): void {
    const { builder } = this
    builder.write(OWN.least, builder.emit({ op: 'alu', alu: 'add', bits: 32 }, builder.read(OWN.least), bytes))
  }

  encapsulate(tunnel: Tunnel): Value {
    const { size, ethernet } = tunnel
    const flags = encapsulation(tunnel)
    if (!ethernet) return this.cleared(this.growBehind(size, flags), size)
    // The kernel makes room in IP packets only; other frames get it in front, and there are none of segments.
    const result = this.either(
      this.forkAmong(this.protocol(), IP_TYPES),
      () => this.after(this.growBehind(size, flags), () => this.copyHeader(0, size)),
      () =>
        this.either(
          this.fork('eq', this.packet.segmentSize(), this.constant(0)),
          () => this.after(this.growHead(this.constant(size)), () => this.copyHeader(size, 0)),
          () => this.refused(),
        ),
    )
    return this.cleared(result, size - Ethernet.size)
  }

  /** The kernel makes room of zeros (bpf_skb_generic_push, skb_change_head): so many of them are behind the Ethernet header. */
  private cleared(result: Value, size: number): Value {
    const { builder, packet } = this
    return this.after(result, () => {
      builder.emit({ op: 'cleared', size, offset: Ethernet.size }, packet.data())
      if (size <= MOST_ROOM) builder.write(OWN.room, this.constant(size))
    })
  }

  decapsulate({ size, version, ethernet }: Tunnel): Value {
    const flags = (other: number) => () => this.constant(ADJ_ROOM.fixedGso | other)
    return this.shrink(
      size,
      ethernet,
      flags(version === 6 ? 0 : ADJ_ROOM.decapL3IPv6),
      flags(version === 4 ? 0 : ADJ_ROOM.decapL3IPv4),
    )
  }

  /** What is carried says for itself what it is: the kernel has to know. */
  private shrink(size: number, ethernet: boolean, ipv6: () => Value, other: () => Value): Value {
    const { builder } = this
    const inner = ethernet ? size : Ethernet.size + size
    const needed = inner + (ethernet ? Ethernet.size : 1)
    return this.either(
      this.forkByEnd(needed, true),
      () => {
        const words = ethernet ? WORDS.map(([offset, bytes]) => this.load(bytes, size + offset)) : []
        const carried = words.at(-1) ?? this.load(1, inner)
        const isIPv6 = ethernet
          ? this.fork('eq', carried, this.constant(swapBytes(BigInt(ETHERTYPE.ipv6), 16)))
          : this.fork(
              'eq',
              builder.emit({ op: 'alu', alu: 'rsh', bits: 32 }, carried, this.constant(4)),
              this.constant(6),
            )
        const result = this.adjust(-size, this.either(isIPv6, ipv6, other))
        this.packet.moved(true)
        if (!ethernet) return result
        return this.after(result, () =>
          this.within(Ethernet.size, () => {
            for (const [index, [offset, bytes]] of WORDS.entries()) this.store(bytes, offset, words[index])
          }),
        )
      },
      () => this.refused(),
    )
  }

  /** Segments of TCP get shorter, so that packets stay as long as they were; others (UDP) keep their size. */
  private growBehind(size: number, flags: bigint): Value {
    const first = this.adjust(size, this.constant(flags))
    const result = this.either(
      this.fork('ne', first, this.constant(0), 64),
      () => this.adjust(size, this.constant(flags | BigInt(ADJ_ROOM.fixedGso))),
      () => first,
    )
    this.packet.moved()
    return result
  }

  private adjust(difference: number, flags: Value): Value {
    return this.helper('skb_adjust_room', this.constant(difference), this.constant(ADJ_ROOM.mac), flags)
  }

  /** The EtherType that the kernel goes by, in network order. */
  private protocol(): Value {
    const context = this.builder.emit({ op: 'context' })
    return this.builder.emit({ op: 'load', size: 4, offset: SK_BUFF.protocol, from: 'context' }, context)
  }

  private call(helper: HelperName, ...given: Value[]): Value {
    const result = this.helper(helper, ...given)
    this.packet.moved()
    return result
  }

  private helper(helper: HelperName, ...given: Value[]): Value {
    return this.builder.emit({ op: 'call', helper }, this.builder.emit({ op: 'context' }), ...given)
  }
}

function encapsulation({ version, transport, ethernet }: Tunnel): bigint {
  const outer = version === 4 ? ADJ_ROOM.encapL3IPv4 : ADJ_ROOM.encapL3IPv6
  const middle = { udp: ADJ_ROOM.encapL4Udp, gre: ADJ_ROOM.encapL4Gre, none: 0 }[transport ?? 'none']
  if (!ethernet) return BigInt(outer | middle)
  return BigInt(outer | middle | ADJ_ROOM.encapL2Ethernet) | (BigInt(Ethernet.size) << BigInt(ADJ_ROOM.encapL2Shift))
}
