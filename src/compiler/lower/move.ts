/** What moves the packet: what both hooks do in the same way. The helpers are those of each: move-tc.ts, move-xdp.ts. */
import { Ethernet } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Comparison, Size, Value } from '../ir.ts'
import type { Pieces } from '../pieces.ts'
import type { Move, Tunnel } from '../typed.ts'
import type { Passage } from './packet.ts'

/** Two ways to a value. */
export type Join = (is: Block, isNot: Block, whenTrue: () => Pieces, whenFalse: () => Pieces) => Pieces

/** No packet has more bytes; sums with as many more do not wrap. */
const MOST_TAIL = 0xffff
const REFUSED = 1

/** An Ethernet header in loads and stores. */
export const WORDS: readonly (readonly [offset: number, size: Size])[] = [
  [0, 4],
  [4, 4],
  [8, 4],
  [12, 2],
]

/** What a comparison leads to. */
type Fork = (is: Block, isNot: Block) => void

/** All operations give 0 where they were done. */
export abstract class Mover {
  protected readonly builder: Builder
  protected readonly packet: Passage
  private readonly join: Join

  constructor(builder: Builder, packet: Passage, join: Join) {
    this.builder = builder
    this.packet = packet
    this.join = join
  }

  move(move: Move, operands: readonly Value[]): Value {
    const { builder, packet } = this
    const subtract = (a: Value, b: Value) => builder.emit({ op: 'alu', alu: 'sub', bits: 32 }, a, b)
    const [first = this.constant(0), second = this.constant(0), third = this.constant(0)] = operands
    switch (move) {
      case 'pushVlan':
        return this.pushTag(third, tagControl(builder, first, second))
      case 'popVlan':
        return this.popTag()
      case 'growHead':
        return this.growHead(first)
      case 'shrinkHead':
        return this.shrinkHead(Number(first.op === 'const' ? first.value : 0))
      case 'truncate':
        return this.either(
          this.fork('ugt', packet.length(), first),
          () =>
            this.cutTail(
              () => first,
              () => subtract(first, packet.length()),
            ),
          () => this.constant(0),
        )
      case 'growTail':
      case 'shrinkTail': {
        const change = () =>
          move === 'growTail'
            ? this.changeTail(
                () => builder.emit({ op: 'alu', alu: 'add', bits: 32 }, packet.length(), first),
                () => first,
              )
            : this.cutTail(
                () => subtract(packet.length(), first),
                () => subtract(this.constant(0), first),
              )
        if (first.op === 'const' && first.value <= MOST_TAIL) return change()
        return this.either(this.fork('ule', first, this.constant(MOST_TAIL)), change, () => this.refused())
      }
    }
  }

  abstract encapsulate(tunnel: Tunnel): Value
  abstract decapsulate(tunnel: Tunnel): Value
  /** `type` and `control` in host order. */
  protected abstract pushTag(type: Value, control: Value): Value
  protected abstract popTag(): Value
  protected abstract growHead(bytes: Value): Value
  protected abstract shrinkHead(bytes: number): Value
  /** To so many bytes, which are so many more, or less: a number of 32 bits with a sign. */
  protected abstract changeTail(length: () => Value, by: () => Value): Value
  /** The same, to less. */
  protected abstract cutTail(length: () => Value, by: () => Value): Value

  protected constant(value: number | bigint): Value {
    return this.builder.constant(value)
  }

  protected refused(): Value {
    return this.constant(REFUSED)
  }

  protected either(fork: Fork, whenTrue: () => Value, whenFalse: () => Value): Value {
    const [is, isNot] = [this.builder.newBlock(), this.builder.newBlock()]
    fork(is, isNot)
    const [result] = this.join(
      is,
      isNot,
      () => [whenTrue()],
      () => [whenFalse()],
    )
    return result ?? this.refused()
  }

  protected fork =
    (comparison: Comparison, left: Value, right: Value, bits: 32 | 64 = 32): Fork =>
    (is, isNot) =>
      this.builder.branch(comparison, bits, left, right, is, isNot)

  /** Where it is one of several constants. */
  protected forkAmong =
    (value: Value, constants: readonly bigint[]): Fork =>
    (is, isNot) => {
      for (const [index, one] of constants.entries()) {
        const next = index === constants.length - 1 ? isNot : this.builder.newBlock()
        this.builder.branch('eq', 32, value, this.constant(one), is, next)
        if (next !== isNot) this.builder.enter(next)
      }
    }

  /** Where the packet has so many bytes. `isRead`: they are not known to be in its first part. */
  protected forkByEnd =
    (bytes: number, isRead = false): Fork =>
    (there, short) => {
      const { builder, packet } = this
      const past = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, packet.data(), this.constant(bytes))
      if (isRead) packet.wants(past)
      builder.branch('ule', 64, past, packet.dataEnd(), there, short)
    }

  /** What is done where `result` is 0. */
  protected after(result: Value, work: () => void): Value {
    return this.either(
      this.fork('eq', result, this.constant(0), 64),
      () => {
        work()
        return this.constant(0)
      },
      () => this.refused(),
    )
  }

  /** What is done with bytes that are there after what was done before; only the verifier does not know. */
  protected within(bytes: number, work: () => void): void {
    const [there, after] = [this.builder.newBlock(), this.builder.newBlock()]
    this.forkByEnd(bytes)(there, after)
    this.builder.enter(there)
    work()
    this.builder.jump(after)
    this.builder.enter(after)
  }

  /** The Ethernet header at one place of the packet, to another. */
  protected copyHeader(from: number, to: number): void {
    this.within(Math.max(from, to) + Ethernet.size, () => {
      const words = WORDS.map(([offset, size]) => this.load(size, from + offset))
      for (const [index, [offset, size]] of WORDS.entries()) this.store(size, to + offset, words[index])
    })
  }

  protected load(size: Size, offset: number): Value {
    return this.builder.emit({ op: 'load', size, offset, from: 'packet' }, this.packet.data())
  }

  protected store(size: Size, offset: number, value: Value | undefined): void {
    if (value !== undefined) this.builder.emit({ op: 'store', size, offset, to: 'packet' }, this.packet.data(), value)
  }
}

/** IEEE 802.1Q: | priority 3 | drop eligible 1 | identifier 12 |. */
function tagControl(builder: Builder, identifier: Value, priority: Value): Value {
  const low = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, identifier, builder.constant(0xfff))
  const bits = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, priority, builder.constant(7))
  const high = builder.emit({ op: 'alu', alu: 'lsh', bits: 32 }, bits, builder.constant(13))
  return builder.emit({ op: 'alu', alu: 'or', bits: 32 }, low, high)
}
