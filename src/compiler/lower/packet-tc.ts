/** Packets at TC: most of what is asked of them is in the context. */
import { SK_BUFF } from '../../isa/opcodes.ts'
import { Ethernet, Vlan } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Graph, Value } from '../ir.ts'
import { forkOnTag, OUTER_TAG, OWN, type Passage, TAG } from './packet.ts'
import { Pull } from './pull.ts'

/** The kernel takes the outer tag out of packets that arrive before TC sees them, and keeps it beside. */
export class TcPassage implements Passage {
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
export class EgressPassage extends TcPassage {
  override arrive(): void {
    const { builder } = this
    const [tagged, inside, untagged] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const protocol = this.field(SK_BUFF.protocol)
    forkOnTag(builder, protocol, tagged, untagged)
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
