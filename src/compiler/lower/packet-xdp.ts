/** Packets at XDP: there is nothing but their bytes. */
import { XDP_ACTION } from '../../isa/opcodes.ts'
import { Ethernet, Vlan } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Size, Value } from '../ir.ts'
import { HOOKS } from './hooks.ts'
import { forkOnTag, OUTER_TAG, OWN, type Passage, TAG } from './packet.ts'

/** The two addresses, as loads take them. */
const ADDRESSES = [0, 4, 8] as const

/**
 * XDP sees what was on the wire. An outer tag is popped at the start (the addresses move up by its size), and pushed again
 * where the packet goes on. Meanwhile it is a value: its four bytes as a load has them, or 0, which no tag is.
 */
export class XdpPassage implements Passage {
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
    forkOnTag(builder, protocol, tagged, untagged)
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
