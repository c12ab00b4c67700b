/**
 * At TC, programs see the first part of a packet; the rest may be in fragments (GRO, GSO, what is forwarded). Where that part ends
 * before the farthest byte that the program reads, as much as that is pulled into it, once, before anything is known of the
 * packet: so that no reference ever becomes stale. All other packets pay one comparison, and programs that read no more than
 * the Ethernet header, which is always there, nothing.
 *
 * That comparison is of numbers, not of pointers: the verifier would know more of the packet where it holds, and follow the rest of
 * the program once with that and once without.
 */
import { SK_BUFF } from '../../isa/opcodes.ts'
import { Ethernet, FARTHEST, LONGEST_HEADER } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Graph, Value } from '../ir.ts'
import { replaceAll } from '../passes/graph.ts'
import { trivialPhis } from '../passes/phis.ts'
import { Ranges } from '../passes/ranges.ts'
import { OWN } from './packet.ts'

/** Few frames are shorter (ETH_ZLEN, linux/if_ether.h): if all that is read lies before, nothing else need be looked at. */
const SHORTEST = 60

/** More than any program can read: what is pulled as long as nobody knows better. */
const ALL = FARTHEST + LONGEST_HEADER

export class Pull {
  private readonly builder: Builder
  /** How far the farthest read goes: a constant in three places, until it is known. */
  private readonly farthest: Value
  /** Where reads end: what is compared with the end of the packet. */
  private readonly reads = new Set<Value>()
  /** For each time that is looked: whether the first part is long enough, and whether it is the only one. */
  private readonly forks: { readonly first: Block; readonly second: Block }[] = []

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
    const rare = { rare: true }
    const [rest, second, parts, pull] = [
      builder.newBlock(),
      builder.newBlock(rare),
      builder.newBlock(rare),
      builder.newBlock(rare),
    ]
    const [whole, some] = [builder.newBlock(rare), builder.newBlock(rare)]
    this.locate()
    const size = builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, builder.read(OWN.dataEnd), builder.read(OWN.data))
    const early = this.forks.length === 0
    this.forks.push({ first: builder.block, second })
    builder.branch('uge', 64, size, farthest, rest, second)
    builder.enter(second)
    const length = this.field(SK_BUFF.len)
    builder.branch('eq', 64, size, length, rest, parts)

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
    for (const { first, second } of forks) {
      if (first.end?.op !== 'branch' || second.end?.op !== 'branch') continue
      const zero = builder.constant(0)
      if (most <= Ethernet.size) first.end.left = first.end.right = zero
      else if (most > SHORTEST) {
        // Short packets, of which there are most, have one part: that is looked at first.
        first.values.push(...second.values)
        second.values = []
        const [one, other] = [first.end, second.end]
        ;[one.comparison, other.comparison] = [other.comparison, one.comparison]
        ;[one.left, other.left] = [other.left, one.left]
        ;[one.right, other.right] = [other.right, one.right]
      }
    }
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
