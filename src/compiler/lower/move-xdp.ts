/**
 * What moves the packet at XDP: its first and its last byte move, and the rest is done here. What is found in front then is
 * what happens to be there, and is written over.
 */
import type { HelperName } from '../../isa/opcodes.ts'
import { ETHERTYPE, Ethernet, Vlan } from '../../lang/index.ts'
import type { Size, Value } from '../ir.ts'
import { swapBytes } from '../passes/simplify.ts'
import type { Tunnel } from '../typed.ts'
import { Mover, WORDS } from './move.ts'
import { OWN } from './packet.ts'

const inNetworkOrder = (type: number): bigint => swapBytes(BigInt(type), 16)
const TAG_TYPES = [ETHERTYPE.vlan, ETHERTYPE.serviceVlan].map(inNetworkOrder)
const IP_TYPES = [ETHERTYPE.ipv4, ETHERTYPE.ipv6].map(inNetworkOrder)
const TYPE = 12
/** The two addresses, as loads take them. */
const ADDRESSES = [0, 4, 8] as const
/** XDP_PACKET_HEADROOM: no driver has to leave more in front. */
const HEADROOM = 256
/** What carried packets have at least: a whole IP header. */
const LEAST = { ipv6: 40, other: 20 } as const

export class XdpMover extends Mover {
  /** The outer tag is a value; the one before goes into the packet. */
  protected pushTag(type: Value, control: Value): Value {
    const { builder } = this
    const serviceVlan = this.constant(ETHERTYPE.serviceVlan)
    const known = this.either(
      this.fork('eq', type, serviceVlan),
      () => serviceVlan,
      () => this.constant(ETHERTYPE.vlan),
    )
    const [first, second] = [known, control].map((half) => builder.emit({ op: 'swap', bits: 16 }, half))
    if (first === undefined || second === undefined) return this.refused()
    const high = builder.emit({ op: 'alu', alu: 'lsh', bits: 32 }, second, this.constant(16))
    const tag = builder.emit({ op: 'alu', alu: 'or', bits: 32 }, high, first)
    const before = builder.read(OWN.tag)
    const result = this.either(
      this.fork('eq', before, this.constant(0)),
      () => this.constant(0),
      () =>
        this.after(this.adjustHead(-Vlan.size), () =>
          this.within(Ethernet.size + Vlan.size, () => {
            const addresses = ADDRESSES.map((offset) => this.load(4, offset + Vlan.size))
            for (const [index, offset] of ADDRESSES.entries()) this.store(4, offset, addresses[index])
            this.store(4, TYPE, before)
          }),
        ),
    )
    return this.after(result, () => builder.write(OWN.tag, tag))
  }

  /** An inner tag becomes the value. */
  protected popTag(): Value {
    const { builder } = this
    const none = () => this.constant(0)
    return this.either(this.fork('eq', builder.read(OWN.tag), this.constant(0)), none, () => {
      builder.write(OWN.tag, this.constant(0))
      return this.either(
        this.forkAmong(this.load(2, TYPE), TAG_TYPES),
        () =>
          this.either(
            this.forkByEnd(Ethernet.size + Vlan.size),
            () => {
              const inner = this.load(4, TYPE)
              const addresses = ADDRESSES.map((offset) => this.load(4, offset))
              return this.after(this.adjustHead(Vlan.size), () => {
                for (const [index, offset] of ADDRESSES.entries()) this.store(4, offset, addresses[index])
                builder.write(OWN.tag, inner)
              })
            },
            () => this.refused(),
          ),
        none,
      )
    })
  }

  protected growHead(bytes: Value): Value {
    const room = bytes.op === 'const' ? Number(bytes.value) : HEADROOM + 1
    if (room > HEADROOM) return this.refused()
    return this.after(this.adjustHead(-room), () => this.clear(0, room))
  }

  protected shrinkHead(bytes: number): Value {
    return this.adjustHead(bytes)
  }

  protected changeTail(_length: () => Value, by: () => Value): Value {
    return this.call('xdp_adjust_tail', by())
  }

  protected cutTail(length: () => Value, by: () => Value): Value {
    return this.changeTail(length, by)
  }

  encapsulate({ size, ethernet }: Tunnel): Value {
    if (size > HEADROOM) return this.refused()
    const grow = () =>
      this.after(this.adjustHead(-size), () => {
        this.copyHeader(size, 0)
        this.clear(Ethernet.size, ethernet ? size : size + Ethernet.size)
      })
    return ethernet ? grow() : this.either(this.forkAmong(this.load(2, TYPE), IP_TYPES), grow, () => this.refused())
  }

  decapsulate({ size, version, ethernet }: Tunnel): Value {
    const { builder } = this
    const inner = ethernet ? size : Ethernet.size + size
    const shrink = (least: number) => () =>
      this.either(
        this.forkByEnd(Ethernet.size + size + least),
        () => {
          const words = WORDS.map(([offset, bytes]) => this.load(bytes, offset))
          const result = this.adjustHead(size)
          if (ethernet) return result
          return this.after(result, () => {
            for (const [index, [offset, bytes]] of WORDS.entries()) this.store(bytes, offset, words[index])
          })
        },
        () => this.refused(),
      )
    const outer = version === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6
    return this.either(
      this.fork('eq', this.load(2, TYPE), this.constant(inNetworkOrder(outer))),
      () =>
        this.either(
          this.forkByEnd(inner + (ethernet ? Ethernet.size : 1)),
          () => {
            const carried = this.load(ethernet ? 2 : 1, ethernet ? inner + TYPE : inner)
            const isIPv6 = ethernet
              ? this.fork('eq', carried, this.constant(inNetworkOrder(ETHERTYPE.ipv6)))
              : this.fork(
                  'eq',
                  builder.emit({ op: 'alu', alu: 'rsh', bits: 32 }, carried, this.constant(4)),
                  this.constant(6),
                )
            return this.either(isIPv6, shrink(LEAST.ipv6), shrink(LEAST.other))
          },
          () => this.refused(),
        ),
      () => this.refused(),
    )
  }

  /** Zeros from one place to another. */
  private clear(from: number, to: number): void {
    this.within(to, () => {
      for (let at = from; at < to; ) {
        const size = ([8, 4, 2, 1] as const).find((one) => at % one === 0 && at + one <= to) ?? (1 satisfies Size)
        this.store(size, at, this.constant(0))
        at += size
      }
    })
  }

  private adjustHead(by: number): Value {
    return this.call('xdp_adjust_head', this.constant(by))
  }

  private call(helper: HelperName, by: Value): Value {
    const result = this.builder.emit({ op: 'call', helper }, this.builder.emit({ op: 'context' }), by)
    this.packet.moved()
    return result
  }
}
