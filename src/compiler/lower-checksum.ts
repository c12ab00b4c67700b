/**
 * Checksums of what is written. That of a header is changed with its fields (RFC 1624). One of the transport layer may be half
 * done where the packet comes from this host (CHECKSUM_PARTIAL), or known to the hardware (CHECKSUM_COMPLETE), so that at TC the
 * kernel has to change it; its helper moves the packet. What is owed is therefore added up, and settled once, before the
 * packet leaves or is moved. XDP packets have no such state: there it is settled in the packet.
 */
import type { Field } from '../isa/layout.ts'
import { CSUM } from '../isa/opcodes.ts'
import type { Hook } from '../isa/program.ts'
import { Ethernet, type StructType } from '../lang/index.ts'
import type { Builder } from './builder.ts'
import type { AluName, Block, Size, Value } from './ir.ts'
import { OWN, type Passage } from './lower-packet.ts'
import { readPacket } from './lower-read.ts'
import { FLAGS_SHIFT, type Flags, findTransport, flagsOf } from './lower-transport.ts'
import type { PacketReference } from './reference.ts'

/** Bytes of the packet as memory has them, before and after. */
export interface Change {
  readonly size: Size
  /** From the start of the header. */
  readonly offset: number
  readonly before: Value
  readonly after: Value
}

/**
 * What one checksum is owed. SSA variables: its place (bytes from the packet's start and flags, see lower-transport.ts; 0 where
 * nothing is owed), and the sum of all differences. Headers that are never written to on one way share an account.
 */
interface Account {
  readonly place: number
  readonly sum: number
  /** Those that have nothing in it where their rounds begin. */
  readonly loops: readonly Block[]
}

/** What a header says of its own checksum, with its place. */
function checksumOf({ checksums, layout }: StructType) {
  const { checksum } = checksums ?? {}
  const field = layout.fields.find(({ name }) => name === checksum?.field)
  return checksum && field && { ...checksum, field }
}

const WHOLE = { start: 0, more: undefined } as const

/** Of more than that, only the kernel changes checksums. A power of two. */
export const MOST_ROOM = 256

/** The first of the variables, far from all others. */
const FIRST_VARIABLE = -(2 ** 40)

export class Checksums {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly hook: Hook
  /** Those of transport headers, and those that addresses of network headers are in. */
  private readonly accounts: Account[] = []
  /** What no checksum in the packet makes up for, and the hardware's sum over the packet (skb->csum) has to be told. */
  private uncovered: Account | undefined
  private nextVariable = FIRST_VARIABLE
  /** Phis that {@link isNone} has looked behind. */
  private readonly noRoom = new Set<Value>()
  /** The places that each header's checksum was found at. */
  private readonly places = new Map<object, Set<Value>>()
  /** Headers once more, for accounts of their own. */
  private readonly others = new Map<object, object>()
  /** What was found out about a network header, and in which block. */
  private readonly found = new Map<object, { readonly block: Block; readonly place: Value }>()

  constructor(builder: Builder, packet: Passage, hook: Hook) {
    this.builder = builder
    this.packet = packet
    this.hook = hook
  }

  /** Called before the bytes are stored; what it gives is called afterwards. */
  changing(reference: PacketReference, given: StructType, assigned: Field, changes: readonly Change[]): () => void {
    const { header, struct, field, start, more } = reference.part ?? {
      ...WHOLE,
      header: reference,
      struct: given,
      field: assigned,
    }
    const own = checksumOf(struct)
    if (header.within === undefined && field === own?.field) {
      if (own.covers === 'message') this.cancel(header, own.field)
      return () => {}
    }
    const difference = this.difference(changes.map((one) => ({ ...one, offset: one.offset + start })))
    return this.changed(header, struct, field, more === undefined ? difference : this.shifted(difference, more))
  }

  /** The same for a difference of the sum of a header's words. */
  private changed(header: PacketReference, struct: StructType, field: Field, whole: Value): () => void {
    if (header.within !== undefined) {
      this.changingPart(header, header.within.header, header.within.struct, whole)
      return () => {}
    }
    const { pseudoHeader } = struct.checksums ?? {}
    const own = checksumOf(struct)
    const isAddress = pseudoHeader?.fields.includes(field.name) === true
    // Two checksums take it.
    const difference = isAddress && pseudoHeader.version === 4 ? this.fold(whole, 32) : whole
    if (isAddress) {
      // The final destination may be another one: what covers it is found on its own.
      const isOther = pseudoHeader.version === 6 && field.name === 'destination'
      const account = isOther ? this.otherOf(header) : header
      const place = this.transportOf(account, pseudoHeader.version, isOther)
      this.owe(account, place, difference)
      // Of an IPv4 address the header's own checksum makes up for the change.
      if (pseudoHeader.version === 6) this.unless(place, () => this.oweHardware(header, difference))
    }
    if (own?.covers === 'message') this.owe(header, this.placeIn(header, struct), difference)
    if (own?.covers === 'header') return () => this.update(header.pointer, own.field.offset, difference)
    if (!isAddress && own === undefined) this.oweHardware(header, difference)
    return () => {}
  }

  /** The same for a part of a message, which may start at an odd distance from it: then its words are split otherwise. */
  private changingPart(part: PacketReference, message: PacketReference, struct: StructType, difference: Value): void {
    const distance = this.alu('sub', part.offset, message.offset, 32)
    this.owe(message, this.placeIn(message, struct), this.shifted(difference, distance))
  }

  /** A difference that was computed as if it were at an even place, at one that is so far from it. */
  private shifted(difference: Value, distance: Value): Value {
    const isOdd = this.alu('lsh', this.alu('and', distance, 1, 32), 3, 32)
    return this.alu('lsh', this.fold(difference, 32), isOdd)
  }

  /** What is assigned to a checksum is the right one of what the packet has now: nothing is owed to it any more. */
  private cancel(header: PacketReference, { offset }: Field): void {
    const { builder } = this
    const places = this.places.get(header.key) ?? new Set()
    const where = this.alu('add', header.offset, offset, 32)
    for (const account of this.accounts) {
      if (this.isFor(account, places)) {
        this.clear(account)
        continue
      }
      const [same, next] = [builder.newBlock(), builder.newBlock()]
      builder.branch('eq', 32, this.alu('and', builder.read(account.place), 0xffff, 32), where, same, next)
      builder.enter(same)
      this.clear(account)
      builder.jump(next)
      builder.enter(next)
    }
  }

  private clear(account: Account): void {
    for (const variable of [account.place, account.sum]) this.builder.write(variable, this.builder.constant(0))
  }

  /** Where the checksum of a message is, and how it is told. */
  private placeIn({ offset }: PacketReference, struct: StructType): Value {
    const own = checksumOf(struct)
    const flags = (own?.optional === true ? CSUM.mangled0 : 0) * 2 ** FLAGS_SHIFT
    return this.alu('add', offset, (own?.field.offset ?? 0) + flags, 32)
  }

  /** Settles what is owed. `isLast`: the packet is not read afterwards. Every reference is stale then. */
  settle(isLast: boolean): void {
    if (this.hook === 'tc') for (const account of this.accounts) this.settleInRoom(account)
    for (const account of this.accounts) this.settleAccount(account, isLast)
    if (this.uncovered !== undefined) this.tellHardware(this.uncovered)
  }

  /** Of headers that were read in a loop, nothing is owed at the end of its rounds. */
  roundEnds(start: Block): void {
    const isOwed = this.accounts.some((account) => account.loops.includes(start) && !this.isFor(account, new Set()))
    if (isOwed) throw new Error('a checksum is owed where the next round begins')
  }

  private alu(alu: AluName, a: Value, b: Value | number, bits: 32 | 64 = 64): Value {
    const { builder } = this
    return builder.emit({ op: 'alu', alu, bits }, a, typeof b === 'number' ? builder.constant(b) : b)
  }

  /** Nothing is owed at the start, nor at that of any round of these loops. */
  private newAccount(loops: readonly Block[]): Account {
    const account = { place: this.nextVariable, sum: this.nextVariable - 1, loops }
    this.nextVariable -= 2
    for (const variable of [account.place, account.sum]) this.builder.begin(variable, this.builder.constant(0), loops)
    return account
  }

  /** Adds a difference to what the checksum at `place` is owed, if there is one. */
  private owe(header: PacketReference, place: Value, difference: Value): void {
    const { builder } = this
    const places = this.places.get(header.key) ?? new Set()
    this.places.set(header.key, places)
    let account = this.accounts.find((one) => this.isFor(one, places))
    if (account === undefined) {
      account = this.newAccount(header.loops)
      this.accounts.push(account)
    }
    places.add(place)
    builder.write(account.place, place)
    builder.write(account.sum, this.alu('add', builder.read(account.sum), difference))
  }

  /** Whether all that an account can hold here belongs to one of these places. */
  private isFor({ place }: Account, places: ReadonlySet<Value>): boolean {
    const seen = new Set<Value>()
    const waiting = [this.builder.read(place)]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next) || places.has(next)) continue
      seen.add(next)
      if (next.op === 'const' && next.value === 0n) continue
      if (next.op !== 'phi' || this.builder.isOpen(next)) return false
      waiting.push(...next.arguments)
    }
    return true
  }

  private otherOf(header: PacketReference): PacketReference {
    const key = this.others.get(header.key) ?? {}
    this.others.set(header.key, key)
    return { ...header, key }
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

  /** What the sum of all 16-bit words grows by, as a number that a multiple of 0xffff may have been added to. */
  private difference(changes: readonly Change[]): Value {
    const terms = changes.flatMap(({ size, offset, before, after }) => {
      const all = size === 1 ? 0xffffn : (1n << BigInt(8 * size)) - 1n
      const inverse = this.alu('xor', before, this.builder.constant(all))
      const words = size === 8 ? [...this.halves(inverse), ...this.halves(after)] : [inverse, after]
      // In memory, and so here, the first octet of a word is the lower one. A constant is one of the sum's.
      if (offset % 2 === 1 && after.op === 'const') return words.map((word) => this.alu('lsh', word, 8))
      const sum = words.reduce((x, y) => this.alu('add', x, y))
      return [offset % 2 === 1 ? this.alu('lsh', sum, 8) : sum]
    })
    return terms.reduce((x, y) => this.alu('add', x, y), this.builder.constant(0))
  }

  private halves(value: Value): Value[] {
    return [this.builder.emit({ op: 'low32' }, value), this.alu('rsh', value, 32)]
  }

  /** What the hardware summed up is what follows the Ethernet header. */
  private oweHardware({ offset }: PacketReference, difference: Value): void {
    if (this.hook !== 'tc' || (offset.op === 'const' && Number(offset.value) < Ethernet.size)) return
    const isOdd = this.alu('lsh', this.alu('and', offset, 1), 3)
    this.owePacket(this.alu('lsh', difference, isOdd))
  }

  private owePacket(sum: Value): void {
    const { builder } = this
    this.uncovered ??= this.newAccount([])
    const account = this.uncovered
    builder.write(account.place, builder.constant(1))
    builder.write(account.sum, this.alu('add', builder.read(account.sum), sum))
  }

  /** RFC 1624, equation 3. */
  private update(pointer: Value, offset: number, difference: Value): void {
    const { builder } = this
    const old = builder.emit({ op: 'load', size: 2, offset, from: 'packet' }, pointer)
    const sum = this.alu('add', difference, this.alu('xor', old, 0xffff))
    const value = this.alu('xor', this.fold(sum, 16), 0xffff)
    builder.emit({ op: 'store', size: 2, offset, to: 'packet' }, pointer, value)
  }

  private fold(sum: Value, bits: 16 | 32): Value {
    return this.builder.emit({ op: 'fold', bits }, sum)
  }

  private transportOf(header: PacketReference, version: 4 | 6, isDestination: boolean): Value {
    const { builder } = this
    const known = this.found.get(header.key)
    // Without a meeting of ways in between, what was found out there is known here.
    for (let block: Block | undefined = builder.block; block !== undefined && known !== undefined; ) {
      if (block === known.block) return known.place
      const [only, ...others]: readonly Block[] = block.predecessors
      block = others.length === 0 ? only : undefined
    }
    const place = findTransport(builder, this.packet, header, version, isDestination)
    this.found.set(header.key, { block: builder.block, place })
    return place
  }

  private settleAccount(account: Account, isLast: boolean): void {
    const { builder } = this
    const [owed, next] = [builder.newBlock(), builder.newBlock()]
    const [place, all] = [builder.read(account.place), builder.read(account.sum)]
    builder.branch('ne', 32, place, builder.constant(0), owed, next)
    builder.enter(owed)
    const where = this.alu('and', place, 0xffff, 32)
    const flags = flagsOf(builder, place)
    if (this.hook === 'tc') {
      this.replace(where, this.fold(all, 32), flags, isLast)
      if (!isLast) this.packet.moved()
    } else this.replaceHere(where, all, flags)
    builder.jump(next)
    builder.enter(next)
    this.clear(account)
  }

  /** Whether no way here has made room. */
  private isNone(room: Value): boolean {
    const phis = new Set<Value>()
    const waiting = [room]
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      if (this.noRoom.has(value) || phis.has(value) || (value.op === 'const' && value.value === 0n)) continue
      if (value.op !== 'phi' || this.builder.isOpen(value)) return false
      phis.add(value)
      waiting.push(...value.arguments)
    }
    for (const phi of phis) this.noRoom.add(phi)
    return true
  }

  /** Of a header that there was made room for, nobody else knows a checksum: it is changed in the packet. */
  private settleInRoom(account: Account): void {
    const { builder, packet } = this
    const room = builder.read(OWN.room)
    if (this.isNone(room)) return
    const [inside, even, there, next] = [builder.newBlock(), builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const [place, all] = [builder.read(account.place), builder.read(account.sum)]
    const distance = this.alu('sub', this.alu('and', place, 0xffff, 32), Ethernet.size, 32)
    builder.branch('ult', 32, distance, room, inside, next)
    builder.enter(inside)
    builder.branch('eq', 32, this.alu('and', place, 1, 32), builder.constant(0), even, next)
    builder.enter(even)
    // What there was made room for is in the first part: nothing has to be pulled in for this.
    const offset = this.alu('add', this.alu('and', distance, MOST_ROOM - 1, 32), Ethernet.size)
    const pointer = this.alu('add', packet.data(), offset)
    builder.branch('ule', 64, this.alu('add', pointer, 2), packet.dataEnd(), there, next)
    builder.enter(there)
    const flags = flagsOf(builder, place)
    // The kernel's helper never gives 0xffff where it is one of two zeros.
    this.replaceAt(pointer, this.alu('add', all, 0xffff), flags, () => {
      const [pseudo, other] = [builder.newBlock(), builder.newBlock()]
      builder.branch('ne', 32, this.testOf(flags, CSUM.pseudo), builder.constant(0), pseudo, other)
      builder.enter(pseudo)
      // For the address, a header's checksum makes up.
      this.owePacket(this.alu('xor', this.fold(all, 32), 0xffff_ffff))
      builder.jump(other)
      builder.enter(other)
    })
    this.clear(account)
    builder.jump(next)
    builder.enter(next)
  }

  /** The kernel knows in which state the checksum is. Linux before 6.16 does not know the flag for IPv6. */
  private replace(where: Value, sum: Value, flags: Flags, isLast: boolean): void {
    const { builder } = this
    const context = builder.emit({ op: 'context' })
    const zero = builder.constant(0)
    const call = (flags: Value): Value =>
      builder.emit(
        { op: 'call', helper: 'l4_csum_replace', ...(isLast ? { edge: 'after' } : {}) },
        context,
        where,
        zero,
        sum,
        flags,
      )
    const result = call(flags.value)
    const [refused, older, done] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    builder.branch('eq', 32, this.testOf(flags, CSUM.ipv6), zero, done, refused)
    builder.enter(refused)
    builder.branch('eq', 32, result, zero, done, older)
    builder.enter(older)
    call(this.alu('xor', flags.value, CSUM.ipv6))
    builder.jump(done)
    builder.enter(done)
  }

  /** Not 0 where the flag is set. */
  private testOf({ value, some, all }: Flags, flag: number): Value {
    return (all & flag) !== 0 ? this.builder.constant(flag) : this.alu('and', value, some & flag)
  }

  /** As the kernel does it: what is at an odd place is no checksum. */
  private replaceHere(where: Value, sum: Value, flags: Flags): void {
    const { builder, packet } = this
    const [even, done] = [builder.newBlock(), builder.newBlock()]
    builder.branch('eq', 32, this.alu('and', where, 1), builder.constant(0), even, done)
    builder.enter(even)
    const { pointer, present } = readPacket(builder, packet, where, 2)
    for (const { comparison, bits, left, right } of present) {
      const there = builder.newBlock()
      builder.branch(comparison, bits, left, right, there, done)
      builder.enter(there)
    }
    this.replaceAt(pointer, sum, flags)
    builder.jump(done)
    builder.enter(done)
  }

  /** `changed`: what follows where there was a checksum. */
  private replaceAt(pointer: Value, sum: Value, flags: Flags, changed = () => {}): void {
    const { builder } = this
    const done = builder.newBlock()
    const isZero = (value: Value, yes: Block, no: Block): void =>
      builder.branch('eq', 32, value, builder.constant(0), yes, no)
    const old = builder.emit({ op: 'load', size: 2, offset: 0, from: 'packet' }, pointer)
    const isOptional = this.testOf(flags, CSUM.mangled0)
    const [optional, summed, plain, mangled] = [
      builder.newBlock(),
      builder.newBlock(),
      builder.newBlock(),
      builder.newBlock(),
    ]
    isZero(isOptional, summed, optional)
    builder.enter(optional)
    isZero(old, done, summed)
    builder.enter(summed)
    const total = this.fold(this.alu('add', sum, this.alu('xor', old, 0xffff)), 16)
    const value = this.alu('xor', total, 0xffff)
    const store = (stored: Value): Value =>
      builder.emit({ op: 'store', size: 2, offset: 0, to: 'packet' }, pointer, stored)
    store(value)
    changed()
    isZero(isOptional, done, plain)
    builder.enter(plain)
    isZero(value, mangled, done)
    builder.enter(mangled)
    store(builder.constant(0xffff))
    builder.jump(done)
    builder.enter(done)
  }

  /** Without an effect where the hardware did not sum the packet up. */
  private tellHardware(account: Account): void {
    const { builder } = this
    const [owed, next] = [builder.newBlock(), builder.newBlock()]
    const sum = this.fold(builder.read(account.sum), 32)
    builder.branch('ne', 32, builder.read(account.place), builder.constant(0), owed, next)
    builder.enter(owed)
    builder.emit({ op: 'call', helper: 'csum_update' }, builder.emit({ op: 'context' }), sum)
    builder.jump(next)
    builder.enter(next)
    this.clear(account)
  }
}
