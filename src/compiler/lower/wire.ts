/** The frame as it was on the wire, for filters: a tag that is beside the packet lies behind its addresses again. */
import { FARTHEST } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import type { Passage } from './packet.ts'
import { readPacket } from './read.ts'

/** Where an outer tag is (IEEE 802.1Q), and how long it is. */
const TAG = { start: 12, end: 16, size: 4 } as const

type ReadSize = 1 | 2 | 4

export class WireFrame {
  private readonly builder: Builder
  private readonly packet: Passage
  /** The tag's 32 bits in host order, where there is one. */
  private readonly tag: Value | undefined
  /** Where reads go that end behind the frame. */
  private readonly outside: Block

  constructor(builder: Builder, packet: Passage, tag: Value | undefined, outside: Block) {
    this.builder = builder
    this.packet = packet
    this.tag = tag
    this.outside = outside
  }

  length(): Value {
    const { builder, packet, tag } = this
    const length = packet.length()
    return tag === undefined ? length : builder.emit({ op: 'alu', alu: 'add', bits: 32 }, length, builder.constant(4))
  }

  /** `size` bytes in network order, `constant` and, if given, `index` bytes from the start: 32 bits each, their sum not wrapped. */
  read(size: ReadSize, constant: number, index?: Value): Value {
    const { builder } = this
    if (constant > FARTHEST) return this.nothing()
    if (index === undefined) return this.at(size, constant)
    this.demand('ule', index, builder.constant(FARTHEST))
    const offset = builder.emit({ op: 'alu', alu: 'add', bits: 32 }, index, builder.constant(constant))
    if (this.tag === undefined) return this.load(size, offset)
    return this.around(size, constant, offset)
  }

  /** At a place that is known only now, in front of the tag, behind it, or across one of its ends. */
  private around(size: ReadSize, least: number, offset: Value): Value {
    const { builder } = this
    const result = builder.own()
    const [after, behind] = [builder.newBlock(), builder.newBlock()]
    const found = (value: Value): void => {
      builder.write(result, value)
      builder.jump(after)
    }
    const fork = (comparison: 'uge' | 'ule' | 'eq', than: number, run: () => void): void => {
      const [is, isNot] = [builder.newBlock(), builder.newBlock()]
      builder.branch(comparison, 32, offset, builder.constant(than), is, isNot)
      builder.enter(is)
      run()
      builder.enter(isNot)
    }
    fork('uge', TAG.end, () => builder.jump(behind))
    if (least + size <= TAG.start) fork('ule', TAG.start - size, () => found(this.load(size, offset)))
    for (let one = Math.max(least, TAG.start - size + 1); one < TAG.end; one++)
      fork('eq', one, () => found(this.at(size, one)))
    builder.jump(behind)
    builder.enter(behind)
    found(this.load(size, builder.emit({ op: 'alu', alu: 'sub', bits: 32 }, offset, builder.constant(TAG.size))))
    builder.enter(after)
    return builder.read(result)
  }

  private at(size: ReadSize, offset: number): Value {
    const { builder, tag } = this
    if (tag === undefined || offset + size <= TAG.start) return this.load(size, builder.constant(offset))
    if (offset >= TAG.end) return this.load(size, builder.constant(offset - TAG.size))
    if (offset >= TAG.start && offset + size <= TAG.end) {
      const lower = builder.constant(8 * (TAG.end - offset - size))
      const shifted = builder.emit({ op: 'alu', alu: 'rsh', bits: 32 }, tag, lower)
      return builder.emit({ op: 'alu', alu: 'and', bits: 32 }, shifted, builder.constant(2 ** (8 * size) - 1))
    }
    let value = builder.constant(0)
    for (let one = offset; one < offset + size; one++) {
      const upper = builder.emit({ op: 'alu', alu: 'lsh', bits: 32 }, value, builder.constant(8))
      value = builder.emit({ op: 'alu', alu: 'or', bits: 32 }, upper, this.at(1, one))
    }
    return value
  }

  private load(size: ReadSize, offset: Value): Value {
    const { builder } = this
    const { pointer, present } = readPacket(builder, this.packet, offset, size)
    for (const { comparison, bits, left, right } of present) {
      const inside = builder.newBlock()
      builder.branch(comparison, bits, left, right, inside, this.outside)
      builder.enter(inside)
    }
    const value = builder.emit({ op: 'load', size, offset: 0, from: 'packet' }, pointer)
    return size === 1 ? value : builder.emit({ op: 'swap', bits: size === 2 ? 16 : 32 }, value)
  }

  private demand(comparison: 'ule', left: Value, right: Value): void {
    const holds = this.builder.newBlock()
    this.builder.branch(comparison, 32, left, right, holds, this.outside)
    this.builder.enter(holds)
  }

  /** There is nothing so far away. */
  private nothing(): Value {
    const { builder } = this
    builder.jump(this.outside)
    builder.enter(builder.newBlock())
    return builder.constant(0)
  }
}
