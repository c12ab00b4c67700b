/** What is owed to checksums → the packet: by the kernel's helper at TC, which knows in which state one is, and in place at XDP. */
import { CSUM } from '../../isa/opcodes.ts'
import type { Hook } from '../../isa/program.ts'
import { Ethernet } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import type { Account, Accounts } from './account.ts'
import { OWN, type Passage } from './packet.ts'
import { readPacket } from './read.ts'
import type { Sums } from './sum.ts'
import { type Flags, flagsOf } from './transport.ts'

/** Of more than that, only the kernel changes checksums. A power of two. */
export const MOST_ROOM = 256

export class Settling {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly hook: Hook
  private readonly sums: Sums
  private readonly accounts: Accounts
  /** Phis that {@link isNone} has looked behind. */
  private readonly noRoom = new Set<Value>()

  constructor(builder: Builder, packet: Passage, hook: Hook, sums: Sums, accounts: Accounts) {
    this.builder = builder
    this.packet = packet
    this.hook = hook
    this.sums = sums
    this.accounts = accounts
  }

  /** `isLast`: the packet is not read afterwards. */
  settle(account: Account, isLast: boolean): void {
    const { builder } = this
    const [owed, next] = [builder.newBlock(), builder.newBlock()]
    const [place, all] = [builder.read(account.place), builder.read(account.sum)]
    builder.branch('ne', 32, place, builder.constant(0), owed, next)
    builder.enter(owed)
    const where = this.sums.alu('and', place, 0xffff, 32)
    const flags = flagsOf(builder, place)
    if (this.hook === 'tc') {
      this.replace(where, this.sums.fold(all, 32), flags, isLast)
      if (!isLast) this.packet.moved()
    } else this.replaceHere(where, all, flags)
    builder.jump(next)
    builder.enter(next)
    this.accounts.clear(account)
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
  settleInRoom(account: Account, owePacket: (sum: Value) => void): void {
    const { builder, packet } = this
    const room = builder.read(OWN.room)
    if (this.isNone(room)) return
    const [inside, even, there, next] = [builder.newBlock(), builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const [place, all] = [builder.read(account.place), builder.read(account.sum)]
    const distance = this.sums.alu('sub', this.sums.alu('and', place, 0xffff, 32), Ethernet.size, 32)
    builder.branch('ult', 32, distance, room, inside, next)
    builder.enter(inside)
    builder.branch('eq', 32, this.sums.alu('and', place, 1, 32), builder.constant(0), even, next)
    builder.enter(even)
    // What there was made room for is in the first part: nothing has to be pulled in for this.
    const offset = this.sums.alu('add', this.sums.alu('and', distance, MOST_ROOM - 1, 32), Ethernet.size)
    const pointer = this.sums.alu('add', packet.data(), offset)
    builder.branch('ule', 64, this.sums.alu('add', pointer, 2), packet.dataEnd(), there, next)
    builder.enter(there)
    const flags = flagsOf(builder, place)
    // The kernel's helper never gives 0xffff where it is one of two zeros.
    this.replaceAt(pointer, this.sums.alu('add', all, 0xffff), flags, () => {
      const [pseudo, other] = [builder.newBlock(), builder.newBlock()]
      builder.branch('ne', 32, this.testOf(flags, CSUM.pseudo), builder.constant(0), pseudo, other)
      builder.enter(pseudo)
      // For the address, a header's checksum makes up.
      owePacket(this.sums.alu('xor', this.sums.fold(all, 32), 0xffff_ffff))
      builder.jump(other)
      builder.enter(other)
    })
    this.accounts.clear(account)
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
    call(this.sums.alu('xor', flags.value, CSUM.ipv6))
    builder.jump(done)
    builder.enter(done)
  }

  /** Not 0 where the flag is set. */
  private testOf({ value, some, all }: Flags, flag: number): Value {
    return (all & flag) !== 0 ? this.builder.constant(flag) : this.sums.alu('and', value, some & flag)
  }

  /** As the kernel does it: what is at an odd place is no checksum. */
  private replaceHere(where: Value, sum: Value, flags: Flags): void {
    const { builder, packet } = this
    const [even, done] = [builder.newBlock(), builder.newBlock()]
    builder.branch('eq', 32, this.sums.alu('and', where, 1), builder.constant(0), even, done)
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
    const value = this.sums.updated(old, sum)
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
  tellHardware(account: Account): void {
    const { builder } = this
    const [owed, next] = [builder.newBlock(), builder.newBlock()]
    const sum = this.sums.fold(builder.read(account.sum), 32)
    builder.branch('ne', 32, builder.read(account.place), builder.constant(0), owed, next)
    builder.enter(owed)
    builder.emit({ op: 'call', helper: 'csum_update' }, builder.emit({ op: 'context' }), sum)
    builder.jump(next)
    builder.enter(next)
    this.accounts.clear(account)
  }
}
