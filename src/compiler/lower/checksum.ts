/**
 * Checksums of what is written. That of a header is changed with its fields (RFC 1624). One of the transport layer may be half
 * done where the packet comes from this host (CHECKSUM_PARTIAL), or known to the hardware (CHECKSUM_COMPLETE), so that at TC the
 * kernel has to change it; its helper moves the packet. What is owed is therefore added up, and settled once, before the
 * packet leaves or is moved. XDP packets have no such state: there it is settled in the packet.
 */
import type { Field } from '../../isa/layout.ts'
import { CSUM } from '../../isa/opcodes.ts'
import type { Hook } from '../../isa/program.ts'
import { Ethernet, type StructType } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import { type Account, Accounts } from './account.ts'
import { Covering } from './covering.ts'
import type { Passage } from './packet.ts'
import type { PacketReference } from './reference.ts'
import { Settling } from './settle.ts'
import { type Change, Sums } from './sum.ts'
import { FLAGS_SHIFT } from './transport.ts'

/** What a header says of its own checksum, with its place. */
function checksumOf({ checksums, layout }: StructType) {
  const { checksum } = checksums ?? {}
  const field = layout.fields.find(({ name }) => name === checksum?.field)
  return checksum && field && { ...checksum, field }
}

const WHOLE = { start: 0, more: undefined } as const

export class Checksums {
  private readonly builder: Builder
  private readonly hook: Hook
  private readonly sums: Sums
  /** Those of transport headers, and those that addresses of network headers are in. */
  private readonly accounts: Accounts
  private readonly covering: Covering
  private readonly settling: Settling
  /** What no checksum in the packet makes up for, and the hardware's sum over the packet (skb->csum) has to be told. */
  private uncovered: Account | undefined

  constructor(builder: Builder, packet: Passage, hook: Hook, early: Set<number>) {
    this.builder = builder
    this.hook = hook
    this.sums = new Sums(builder)
    this.accounts = new Accounts(builder, this.sums, early)
    this.covering = new Covering(builder, packet, this.accounts)
    this.settling = new Settling(builder, packet, hook, this.sums, this.accounts)
  }

  /** Called before the bytes are stored; what it gives is called afterwards. */
  changing(reference: PacketReference, given: StructType, assigned: Field, changes: readonly Change[]): () => void {
    const { header, struct, field, start, more } = reference.part ?? {
      ...WHOLE,
      header: reference,
      struct: given,
      field: assigned,
    }
    const { sums } = this
    const own = checksumOf(struct)
    if (header.within === undefined && field === own?.field) {
      if (own.covers === 'message') this.accounts.cancel(header, sums.alu('add', header.offset, own.field.offset, 32))
      this.covering.writing(header, field)
      return () => {}
    }
    const difference = sums.difference(changes.map((one) => ({ ...one, offset: one.offset + start })))
    const done = this.changed(header, struct, field, more === undefined ? difference : sums.shifted(difference, more))
    this.covering.writing(header, field)
    return done
  }

  /** The same for a difference of the sum of a header's words. */
  private changed(header: PacketReference, struct: StructType, field: Field, whole: Value): () => void {
    const own = checksumOf(struct)
    if (header.within !== undefined) {
      // For a header that is quoted, its own checksum makes up. The packet behind it need not be whole: it stays as it is.
      if (own?.covers === 'header' && field !== own.field) return this.changingHeader(header, own.field, whole)
      this.changingPart(header, header.within.header, header.within.struct, whole)
      return () => {}
    }
    const covering = this.covering.of(header, struct, field)
    // Two checksums take it.
    const difference = covering?.version === 4 ? this.sums.fold(whole, 32) : whole
    if (covering !== undefined) {
      this.accounts.owe(covering.header, covering.place, difference)
      // Of an IPv4 address the header's own checksum makes up for the change.
      if (covering.version === 6) this.unless(covering.place, () => this.oweHardware(header, difference))
    }
    if (own?.covers === 'message') {
      this.accounts.owe(header, this.placeIn(header, struct), difference)
      if (field.name === own.length) this.owePseudoHeader(header, struct, difference)
    }
    if (own?.covers === 'header') return this.changingHeader(header, own.field, difference)
    if (covering === undefined && own === undefined) this.oweHardware(header, difference)
    return () => {}
  }

  private changingHeader(header: PacketReference, checksum: Field, difference: Value): () => void {
    this.covering.writing(header, checksum)
    return () => this.sums.update(header.pointer, checksum.offset, difference)
  }

  /** The same for a part of a message, which may start at an odd distance from it: then its words are split otherwise. */
  private changingPart(part: PacketReference, message: PacketReference, struct: StructType, difference: Value): void {
    const distance = this.sums.alu('sub', part.offset, message.offset, 32)
    this.accounts.owe(message, this.placeIn(message, struct), this.sums.shifted(difference, distance))
  }

  /** For its length in the pseudo-header: where the checksum is half done, it covers nothing else so far. */
  private owePseudoHeader(header: PacketReference, struct: StructType, difference: Value): void {
    const place = this.placeIn(header, struct)
    if (this.hook === 'xdp') return this.accounts.owe(header, place, difference)
    const flag = this.builder.constant(CSUM.pseudo * 2 ** FLAGS_SHIFT)
    this.accounts.owe(this.covering.otherOf(header), this.sums.alu('add', place, flag, 32), difference)
  }

  /** Where the checksum of a message is, and how it is told. */
  private placeIn({ offset }: PacketReference, struct: StructType): Value {
    const own = checksumOf(struct)
    const flags = (own?.optional === true ? CSUM.mangled0 : 0) * 2 ** FLAGS_SHIFT
    return this.sums.alu('add', offset, (own?.field.offset ?? 0) + flags, 32)
  }

  /** Settles what is owed. `isLast`: the packet is not read afterwards. Every reference is stale then. */
  settle(isLast: boolean): void {
    const { accounts, settling } = this
    if (this.hook === 'tc') for (const one of accounts.all) settling.settleInRoom(one, (sum) => this.owePacket(sum))
    for (const one of accounts.all) settling.settle(one, isLast)
    if (this.uncovered !== undefined) settling.tellHardware(this.uncovered)
  }

  /** Of headers that were read in a loop, nothing is owed at the end of its rounds. */
  roundEnds(start: Block): void {
    this.accounts.roundEnds(start)
  }

  private unless(place: Value, work: () => void): void {
    const { builder } = this
    const [missing, next] = [builder.newBlock(), builder.newBlock()]
    builder.branch('eq', 32, place, builder.constant(0), missing, next)
    builder.enter(missing)
    work()
    builder.jump(next)
    builder.enter(next)
  }

  /** What the hardware summed up is what follows the Ethernet header. */
  private oweHardware({ offset }: PacketReference, difference: Value): void {
    if (this.hook !== 'tc' || (offset.op === 'const' && Number(offset.value) < Ethernet.size)) return
    const isOdd = this.sums.alu('lsh', this.sums.alu('and', offset, 1), 3)
    this.owePacket(this.sums.alu('lsh', difference, isOdd))
  }

  private owePacket(sum: Value): void {
    const { builder } = this
    this.uncovered ??= this.accounts.open([])
    const account = this.uncovered
    builder.write(account.place, builder.constant(1))
    builder.write(account.sum, this.sums.alu('add', builder.read(account.sum), sum))
  }
}
