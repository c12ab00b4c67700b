/** What checksums are owed until it is settled, in SSA variables. */
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import type { PacketReference } from './reference.ts'
import type { Sums } from './sum.ts'

/**
 * What one checksum is owed. SSA variables: its place (bytes from the packet's start and flags, see transport.ts; 0 where
 * nothing is owed), and the sum of all differences. Headers that are never written to on one way share an account.
 */
export interface Account {
  readonly place: number
  readonly sum: number
  /** Those that have nothing in it where their rounds begin. */
  readonly loops: readonly Block[]
}

/** What one header's checksum was found at, and where it is counted. */
interface Known {
  /** Equal numbers, all of them. */
  places: Set<Value>
  readonly accounts: Set<Account>
  /** Accounts of places that may be others than those. */
  former: readonly Account[]
}

export class Accounts {
  readonly all: Account[] = []
  private readonly builder: Builder
  private readonly sums: Sums
  private readonly known = new Map<object, Known>()

  constructor(builder: Builder, sums: Sums) {
    this.builder = builder
    this.sums = sums
  }

  /** Nothing is owed at the start, nor at that of any round of these loops. */
  open(loops: readonly Block[]): Account {
    const account = { place: this.builder.own(), sum: this.builder.own(), loops }
    for (const variable of [account.place, account.sum]) this.builder.begin(variable, this.builder.constant(0), loops)
    return account
  }

  /** Adds a difference to what the checksum at `place` is owed, if there is one. */
  owe({ key, loops }: PacketReference, place: Value, difference: Value): void {
    const { builder } = this
    const known = this.of(key)
    const { places, accounts, former } = known
    const done = builder.newBlock()
    for (const account of former) this.when(account, place, done, () => this.add(account, difference))
    let account = this.all.find((one) => this.isFor(one, places))
    if (account === undefined) {
      account = this.open(loops)
      this.all.push(account)
    }
    places.add(place)
    accounts.add(account)
    builder.write(account.place, place)
    this.add(account, difference)
    if (former.length === 0) return
    builder.jump(done)
    builder.enter(done)
  }

  /** What is found for a header from here on may be another place. */
  doubt(key: object): void {
    const known = this.of(key)
    known.former = [...known.accounts]
    known.places = new Set()
  }

  /** What is assigned to the checksum at `where` is the right one of what the packet has now: nothing is owed to it any more. */
  cancel({ key }: PacketReference, where: Value): void {
    const { builder } = this
    const { places } = this.of(key)
    for (const account of this.all) {
      if (this.isFor(account, places)) {
        this.clear(account)
        continue
      }
      const next = builder.newBlock()
      const place = this.sums.alu('and', builder.read(account.place), 0xffff, 32)
      this.equal(place, where, next, () => this.clear(account))
      builder.jump(next)
      builder.enter(next)
    }
  }

  clear(account: Account): void {
    for (const variable of [account.place, account.sum]) this.builder.write(variable, this.builder.constant(0))
  }

  /** Of headers that were read in a loop, nothing is owed at the end of its rounds. */
  roundEnds(start: Block): void {
    const isOwed = this.all.some((account) => account.loops.includes(start) && !this.isFor(account, new Set()))
    if (isOwed) throw new Error('a checksum is owed where the next round begins')
  }

  private of(key: object): Known {
    const known = this.known.get(key) ?? { places: new Set(), accounts: new Set(), former: [] }
    this.known.set(key, known)
    return known
  }

  private add({ sum }: Account, difference: Value): void {
    const { builder } = this
    builder.write(sum, this.sums.alu('add', builder.read(sum), difference))
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

  private when({ place }: Account, wanted: Value, done: Block, work: () => void): void {
    this.equal(this.builder.read(place), wanted, done, work)
  }

  /** Goes on where they differ. */
  private equal(a: Value, b: Value, done: Block, work: () => void): void {
    const { builder } = this
    const [same, other] = [builder.newBlock(), builder.newBlock()]
    builder.branch('eq', 32, a, b, same, other)
    builder.enter(same)
    work()
    builder.jump(done)
    builder.enter(other)
  }
}
