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

/** A round of a loop cancelled what is owed, and then an account was opened that it has to cancel in the next round. */
export class OpenedLate extends Error {}

/**
 * Which accounts have to be there before anything is owed to them, by their numbers in the order in which they are opened: a list
 * for each {@link Accounts}. What is lowered again after {@link OpenedLate} knows them.
 */
export class EarlyAccounts {
  private readonly lists: Set<number>[] = []
  private count = 0

  /** Everything is lowered from the beginning. */
  again(): void {
    this.count = 0
  }

  next(): Set<number> {
    const list = this.lists[this.count] ?? new Set()
    this.lists[this.count++] = list
    return list
  }
}

export class Accounts {
  readonly all: Account[] = []
  private readonly builder: Builder
  private readonly sums: Sums
  private readonly known = new Map<object, Known>()
  private readonly early: Set<number>
  /** Those that are there early, until something is owed to them. */
  private readonly reserved: Map<number, Account>
  private opened = 0
  /** Loops in which something was cancelled, by the blocks that their rounds begin with. */
  private readonly cancelling = new Set<Block>()

  constructor(builder: Builder, sums: Sums, early: Set<number>) {
    this.builder = builder
    this.sums = sums
    this.early = early
    this.reserved = new Map([...early].map((number) => [number, this.open([])]))
    this.all.push(...this.reserved.values())
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
    const reserved = new Set(this.reserved.values())
    const account = this.all.find((one) => !reserved.has(one) && this.isFor(one, places)) ?? this.another(loops)
    places.add(place)
    accounts.add(account)
    builder.write(account.place, place)
    this.add(account, difference)
    if (former.length === 0) return
    builder.jump(done)
    builder.enter(done)
  }

  private another(loops: readonly Block[]): Account {
    const number = this.opened++
    const early = this.reserved.get(number)
    if (early !== undefined) {
      this.reserved.delete(number)
      return early
    }
    if (this.builder.loops.some((loop) => this.cancelling.has(loop) && !loops.includes(loop))) {
      this.early.add(number)
      throw new OpenedLate()
    }
    const account = this.open(loops)
    this.all.push(account)
    return account
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
    for (const loop of builder.loops) this.cancelling.add(loop)
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
