/** How a packet comes to a data plane and leaves it: here is what makes every hook look the same. */
import { SK_BUFF, XDP_ACTION } from '../../isa/opcodes.ts'
import type { Hook } from '../../isa/program.ts'
import { ETHERTYPE, Ethernet, Vlan } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Graph, Size, Value } from '../ir.ts'
import { swapBytes } from '../passes/simplify.ts'
import { HOOKS } from './hooks.ts'
import { Pull } from './pull.ts'

/**
 * SSA variables that no source names. `room`: of how many bytes behind the Ethernet header nobody knows but the program, which has
 * made room for them; 0 if it has not. `grown`: 1 if bytes were put in front of it. `least`: bytes in front that stay, whatever is cut
 * off the end.
 */
export const OWN = {
  port: -1,
  interface: -2,
  data: -3,
  dataEnd: -4,
  tag: -5,
  verdict: -6,
  pulled: -7,
  room: -8,
  grown: -9,
  least: -10,
  trace: -11,
} as const

export interface Passage {
  /** How many bytes are there for sure: reading them takes no test. */
  readonly assured: number
  /** At the start of the program. */
  arrive(): void
  /** At the start of a called function. */
  enter(): void
  /** When the packet has been counted, and before it is read. */
  open(): void
  /** Something is read that ends here, if it is compared with the packet's end. */
  wants(past: Value): void
  /** The address of the packet's first byte, and of the one after its last. */
  data(): Value
  dataEnd(): Value
  /** Bytes without the outer VLAN tag. */
  length(): Value
  /** The identifier of the outer VLAN tag, 0 without one. */
  vlan(): Value
  /** All of that tag as on the wire, protocol and control information, in host order; 0 without one. */
  tag(): Value
  /** Payload of each packet that this one will be cut into, or 0. */
  segmentSize(): Value
  /**
   * After a helper that may have moved the packet, or made it shorter or longer: where it is now. `nearer`: what was taken away
   * lay in front, and what is read from now on may be in another part.
   */
  moved(nearer?: boolean): void
  /** Ends the program with a verdict by which the packet goes on: as it came, with the tag it had. */
  leave(verdict: Value): void
  /** Before another program goes on with the packet: as it came. */
  suspend(): void
  /** When everything else has been lowered. */
  finish(): void
  /** When it is known what can be reached: how far the packet is read, here or `elsewhere`. */
  settle(graph: Graph, elsewhere: number): number
}

export function passageOf(
  { hook, direction }: { readonly hook: Hook; readonly direction: 'ingress' | 'egress' },
  builder: Builder,
): Passage {
  if (hook === 'xdp') return new XdpPassage(builder)
  return direction === 'egress' ? new EgressPassage(builder) : new TcPassage(builder)
}

const OUTER_TAG = { identifier: 0xfff } as const

/** Where a tag lies, behind the two addresses (IEEE 802.1Q): a protocol identifier and the control information, 2 bytes each. */
const TAG = { offset: 12, size: 4 } as const
const TAG_PROTOCOLS = [ETHERTYPE.vlan, ETHERTYPE.serviceVlan] as const

/** The kernel takes the outer tag out of packets that arrive before TC sees them, and keeps it beside. */
class TcPassage implements Passage {
  readonly assured = 0
  protected readonly builder: Builder
  private readonly pull: Pull

  constructor(builder: Builder) {
    this.builder = builder
    this.pull = new Pull(builder)
    for (const variable of [OWN.room, OWN.grown]) builder.begin(variable, builder.constant(0), [])
    builder.begin(OWN.least, builder.constant(Ethernet.size), [])
  }

  arrive(): void {}

  enter(): void {
    this.pull.locate()
  }

  finish(): void {}

  open(): void {
    this.pull.begin()
  }

  wants(past: Value): void {
    this.pull.wants(past)
  }

  settle(graph: Graph, elsewhere: number): number {
    return this.pull.finish(graph, elsewhere)
  }

  moved(nearer = false): void {
    if (nearer) this.pull.begin()
    else this.pull.locate()
  }

  data(): Value {
    return this.builder.read(OWN.data)
  }

  dataEnd(): Value {
    return this.builder.read(OWN.dataEnd)
  }

  length(): Value {
    return this.field(SK_BUFF.len)
  }

  segmentSize(): Value {
    return this.field(SK_BUFF.gso_size)
  }

  /** Kernels before 6.0 leave the tag of an earlier use behind in a packet without one: only `present` tells. */
  vlan(): Value {
    const { builder } = this
    const control = this.field(SK_BUFF.vlan_tci)
    const identifier = builder.emit(
      { op: 'alu', alu: 'and', bits: 32 },
      control,
      builder.constant(OUTER_TAG.identifier),
    )
    return builder.emit({ op: 'alu', alu: 'mul', bits: 32 }, identifier, this.field(SK_BUFF.vlan_present))
  }

  tag(): Value {
    const { builder } = this
    const protocol = builder.emit({ op: 'swap', bits: 16 }, this.field(SK_BUFF.vlan_proto))
    const upper = builder.emit({ op: 'alu', alu: 'lsh', bits: 32 }, protocol, builder.constant(16))
    const tag = builder.emit({ op: 'alu', alu: 'or', bits: 32 }, upper, this.field(SK_BUFF.vlan_tci))
    return builder.emit({ op: 'alu', alu: 'mul', bits: 32 }, tag, this.field(SK_BUFF.vlan_present))
  }

  leave(verdict: Value): void {
    this.builder.return(verdict)
  }

  suspend(): void {}

  protected field(offset: number): Value {
    return this.builder.emit({ op: 'load', size: 4, offset, from: 'context' }, this.builder.emit({ op: 'context' }))
  }
}

/** What leaves has its tag beside it already, unless who sent it wrote it into the packet, as packet sockets do. */
class EgressPassage extends TcPassage {
  override arrive(): void {
    const { builder } = this
    const [tagged, inside, untagged] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const protocol = this.field(SK_BUFF.protocol)
    for (const one of TAG_PROTOCOLS) {
      const other = builder.newBlock()
      builder.branch('eq', 32, protocol, builder.constant(swapBytes(BigInt(one), 16)), tagged, other)
      builder.enter(other)
    }
    builder.jump(untagged)
    builder.enter(tagged)
    builder.branch('eq', 32, this.field(SK_BUFF.vlan_present), builder.constant(0), inside, untagged)
    builder.enter(inside)
    this.takeOut(protocol, untagged)
    builder.enter(untagged)
  }

  /** Popping forgets the tag, and pushing puts it beside the packet. */
  private takeOut(protocol: Value, untagged: Block): void {
    const { builder } = this
    const there = builder.newBlock()
    const context = builder.emit({ op: 'context' })
    const data = builder.emit({ op: 'load', size: 4, offset: SK_BUFF.data, from: 'context', start: true }, context)
    const length = builder.constant(Ethernet.size + Vlan.size)
    const end = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, data, length)
    builder.branch('ule', 64, end, this.field(SK_BUFF.data_end), there, untagged)
    builder.enter(there)
    const control = builder.emit({ op: 'load', size: 2, offset: TAG.offset + 2, from: 'packet' }, data)
    const host = builder.emit({ op: 'swap', bits: 16 }, control)
    builder.emit({ op: 'call', helper: 'skb_vlan_pop' }, context)
    builder.emit({ op: 'call', helper: 'skb_vlan_push' }, context, protocol, host)
    builder.jump(untagged)
  }
}

/** The two addresses, as loads take them. */
const ADDRESSES = [0, 4, 8] as const

/**
 * XDP sees what was on the wire. An outer tag is popped at the start (the addresses move up by its size), and pushed again
 * where the packet goes on. Meanwhile it is a value: its four bytes as a load has them, or 0, which no tag is.
 */
class XdpPassage implements Passage {
  /** Nothing shorter comes from a driver; what does is dropped at once. */
  readonly assured = Ethernet.size
  private readonly builder: Builder
  private tail: Block | undefined
  private broken: Block | undefined

  constructor(builder: Builder) {
    this.builder = builder
  }

  open(): void {}
  wants(): void {}
  settle = () => 0

  arrive(): void {
    const { builder } = this
    const [tagged, untagged] = [builder.newBlock(), builder.newBlock()]
    this.moved()
    builder.write(OWN.tag, builder.constant(0))
    const protocol = this.load(2, TAG.offset)
    for (const one of TAG_PROTOCOLS) {
      const other = builder.newBlock()
      builder.branch('eq', 32, protocol, builder.constant(swapBytes(BigInt(one), 16)), tagged, other)
      builder.enter(other)
    }
    builder.jump(untagged)
    builder.enter(tagged)
    this.pop(untagged)
    builder.enter(untagged)
  }

  /** The verifier does not know here what the program has tested. */
  enter(): void {
    this.moved()
  }

  moved(): void {
    const { builder } = this
    const { data, dataEnd } = HOOKS.xdp.context
    const context = builder.emit({ op: 'context' })
    builder.write(OWN.data, builder.emit({ op: 'load', size: 4, offset: data, from: 'context', start: true }, context))
    builder.write(OWN.dataEnd, builder.emit({ op: 'load', size: 4, offset: dataEnd, from: 'context' }, context))
    this.mustHave(Ethernet.size)
  }

  data(): Value {
    return this.builder.read(OWN.data)
  }

  dataEnd(): Value {
    return this.builder.read(OWN.dataEnd)
  }

  length(): Value {
    return this.builder.emit({ op: 'alu', alu: 'sub', bits: 32 }, this.dataEnd(), this.data())
  }

  segmentSize(): Value {
    return this.builder.constant(0)
  }

  vlan(): Value {
    const { builder } = this
    const control = builder.emit({ op: 'alu', alu: 'rsh', bits: 32 }, builder.read(OWN.tag), builder.constant(16))
    const host = builder.emit({ op: 'swap', bits: 16 }, control)
    return builder.emit({ op: 'alu', alu: 'and', bits: 32 }, host, builder.constant(OUTER_TAG.identifier))
  }

  tag(): Value {
    return this.builder.emit({ op: 'swap', bits: 32 }, this.builder.read(OWN.tag))
  }

  leave(verdict: Value): void {
    this.tail ??= this.builder.newBlock()
    this.builder.write(OWN.verdict, verdict)
    this.builder.jump(this.tail)
  }

  suspend(): void {
    const { builder } = this
    const [tagged, untagged] = [builder.newBlock(), builder.newBlock()]
    const tag = builder.read(OWN.tag)
    builder.branch('eq', 32, tag, builder.constant(0), untagged, tagged)
    builder.enter(tagged)
    this.push(tag)
    builder.jump(untagged)
    builder.enter(untagged)
  }

  finish(): void {
    const { builder, tail } = this
    if (tail !== undefined) {
      builder.enter(tail)
      const verdict = builder.read(OWN.verdict)
      this.suspend()
      builder.return(verdict)
    }
    if (this.broken === undefined) return
    builder.enter(this.broken)
    builder.return(builder.constant(XDP_ACTION.aborted))
  }

  /** A frame that ends with its tag stays as it is: there is no header behind it. */
  private pop(untagged: Block): void {
    const { builder } = this
    const whole = builder.newBlock()
    const end = builder.emit(
      { op: 'alu', alu: 'add', bits: 64 },
      this.data(),
      builder.constant(Ethernet.size + Vlan.size),
    )
    builder.branch('ugt', 64, end, this.dataEnd(), untagged, whole)
    builder.enter(whole)
    const tag = this.load(4, TAG.offset)
    const addresses = ADDRESSES.map((offset) => this.load(4, offset))
    this.moveHead(TAG.size)
    for (const [index, value] of addresses.entries()) this.store(ADDRESSES[index] ?? 0, value)
    builder.write(OWN.tag, tag)
    builder.jump(untagged)
  }

  private push(tag: Value): void {
    this.moveHead(-TAG.size)
    this.mustHave(Ethernet.size + Vlan.size)
    const addresses = ADDRESSES.map((offset) => this.load(4, offset + TAG.size))
    for (const [index, value] of addresses.entries()) this.store(ADDRESSES[index] ?? 0, value)
    this.store(TAG.offset, tag)
  }

  /** Moves the packet's first byte. The room that pushing takes is that which popping gave. */
  private moveHead(by: number): void {
    const { builder } = this
    const moved = builder.newBlock()
    const context = builder.emit({ op: 'context' })
    const result = builder.emit({ op: 'call', helper: 'xdp_adjust_head' }, context, builder.constant(by))
    builder.branch('eq', 64, result, builder.constant(0), moved, this.otherwise())
    builder.enter(moved)
    this.moved()
  }

  private mustHave(bytes: number): void {
    const { builder } = this
    const there = builder.newBlock()
    const end = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, this.data(), builder.constant(bytes))
    builder.branch('ule', 64, end, this.dataEnd(), there, this.otherwise())
    builder.enter(there)
  }

  private otherwise(): Block {
    this.broken ??= this.builder.newBlock()
    return this.broken
  }

  private load(size: Size, offset: number): Value {
    return this.builder.emit({ op: 'load', size, offset, from: 'packet' }, this.data())
  }

  private store(offset: number, value: Value): void {
    this.builder.emit({ op: 'store', size: 4, offset, to: 'packet' }, this.data(), value)
  }
}
