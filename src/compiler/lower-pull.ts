/**
 * At TC, programs see the first part of a packet; the rest may be in fragments (GRO, GSO, what is forwarded). Where that part ends
 * before the farthest byte that the program reads, as much as that is pulled into it, once, before anything is known of the
 * packet: so that no reference ever becomes stale. All other packets pay one comparison, and programs that read no more than
 * the Ethernet header, which is always there, nothing.
 */
import { SK_BUFF } from '../isa/opcodes.ts'
import { Ethernet, FARTHEST, LONGEST_HEADER } from '../lang/index.ts'
import type { Builder } from './builder.ts'
import type { Block, Graph, Value } from './ir.ts'
import { OWN } from './lower-packet.ts'
import { replaceAll } from './passes/graph.ts'
import { trivialPhis } from './passes/phis.ts'
import { Ranges } from './passes/ranges.ts'

/** More than any program can read: what is pulled as long as nobody knows better. */
const ALL = FARTHEST + LONGEST_HEADER

export class Pull {
  private readonly builder: Builder
  /** How far the farthest read goes: a constant in three places, until it is known. */
  private readonly farthest: Value
  /** Where reads end: what is compared with the end of the packet. */
  private readonly reads = new Set<Value>()
  private readonly forks: Block[] = []

  constructor(builder: Builder) {
    this.builder = builder
    this.farthest = builder.constant(ALL)
  }

  /** Something is read that ends here. */
  wants(past: Value): void {
    this.reads.add(past)
  }

  /** Pulls as much as will be read. The first time, nothing is known of the packet yet. */
  begin(): void {
    const { builder, farthest } = this
    const [rest, short, parts, pull] = [builder.newBlock(), builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const [whole, some] = [builder.newBlock(), builder.newBlock()]
    this.locate()
    const [start, end] = [builder.read(OWN.data), builder.read(OWN.dataEnd)]
    const past = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, start, farthest)
    const early = this.forks.length === 0
    this.forks.push(builder.block)
    builder.branch('ule', 64, past, end, rest, short)

    // What is no longer than its first part has no other.
    builder.enter(short)
    const length = this.field(SK_BUFF.len)
    const first = builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, end, start)
    builder.branch('eq', 64, first, length, rest, parts)

    builder.enter(parts)
    builder.branch('ule', 64, length, farthest, whole, some)
    builder.enter(whole)
    builder.write(OWN.pulled, length)
    builder.jump(pull)
    builder.enter(some)
    builder.write(OWN.pulled, farthest)
    builder.jump(pull)

    builder.enter(pull)
    const context = builder.emit({ op: 'context' })
    // Where memory is short, what is there is all there is.
    const edge = early ? ({ edge: 'before' } as const) : {}
    builder.emit({ op: 'call', helper: 'skb_pull_data', ...edge }, context, builder.read(OWN.pulled))
    this.locate()
    builder.jump(rest)
    builder.enter(rest)
  }

  /** When all reads here are known: how far the farthest goes, here or `elsewhere`. */
  finish(graph: Graph, elsewhere: number): number {
    const { builder, forks, farthest } = this
    // The start of the packet goes round loops unchanged.
    trivialPhis(graph)
    const ranges = new Ranges(graph, 'distances')
    const ends = graph.blocks.flatMap(({ end }) => (end?.op === 'branch' && this.reads.has(end.left) ? [end.left] : []))
    const most = ends
      .map((past) => Math.min(Number(ranges.most(past)), ALL))
      .reduce((a, b) => Math.max(a, b), elsewhere)
    replaceAll(graph, new Map([[farthest, builder.constant(most)]]))
    const zero = builder.constant(0)
    if (most <= Ethernet.size)
      for (const fork of forks) if (fork.end?.op === 'branch') fork.end = { ...fork.end, left: zero, right: zero }
    return most
  }

  /** Where the packet is now. */
  locate(): void {
    const { builder } = this
    builder.write(OWN.data, this.field(SK_BUFF.data, true))
    builder.write(OWN.dataEnd, this.field(SK_BUFF.data_end))
  }

  private field(offset: number, isStart = false): Value {
    const context = this.builder.emit({ op: 'context' })
    return this.builder.emit(
      { op: 'load', size: 4, offset, from: 'context', ...(isStart ? { start: true } : {}) },
      context,
    )
  }
}
