/** The checksums behind network headers: found before something is written that they cover, and not again while they are known. */
import type { Field } from '../../isa/layout.ts'
import { FARTHEST, IPv6, type StructType } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import type { Accounts } from './account.ts'
import type { Passage } from './packet.ts'
import type { PacketReference } from './reference.ts'
import { findTransport } from './transport.ts'

type PseudoHeader = NonNullable<NonNullable<StructType['checksums']>['pseudoHeader']>

/** A place that was looked for, with what it is counted under. */
interface Search {
  readonly header: PacketReference
  /** What decides about it: bytes of the header, by their distance and number. */
  readonly decisive: readonly (readonly [start: number, size: number])[]
  /** The place, and in which block it was found. */
  found: { readonly block: Block; readonly place: Value } | undefined
}

export class Covering {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly accounts: Accounts
  private readonly searches = new Map<object, Search>()
  /** Headers once more, for searches of their own. */
  private readonly others = new Map<object, object>()

  constructor(builder: Builder, packet: Passage, accounts: Accounts) {
    this.builder = builder
    this.packet = packet
    this.accounts = accounts
  }

  /** Where the checksum is that covers an address, and the header under whose key it is counted. */
  of(network: PacketReference, { layout, checksums }: StructType, { name }: Field) {
    const { pseudoHeader } = checksums ?? {}
    if (pseudoHeader?.fields.includes(name) !== true) return undefined
    const { version } = pseudoHeader
    // The final destination may be another one: what covers it is found on its own.
    const isOther = version === 6 && name === 'destination'
    const header = isOther ? this.otherOf(network) : network
    return { version, header, place: this.find(header, layout.fields, pseudoHeader, isOther) }
  }

  /** Some bytes of a header are about to be written: what was found may be elsewhere from here on. */
  writing(header: PacketReference, { offset, layout }: Field): void {
    for (const [key, search] of this.searches) {
      const start = distance(search.header, header)
      const isApart =
        start !== undefined &&
        search.decisive.every(([at, size]) => start + offset + layout.size <= at || at + size <= start + offset)
      if (isApart) continue
      this.accounts.doubt(key)
      search.found = undefined
    }
  }

  /** The same header, with an account of its own. */
  otherOf(header: PacketReference): PacketReference {
    const key = this.others.get(header.key) ?? {}
    this.others.set(header.key, key)
    return { ...header, key }
  }

  private find(header: PacketReference, fields: readonly Field[], by: PseudoHeader, isDestination: boolean): Value {
    const { builder } = this
    const known = this.searches.get(header.key)?.found
    // Without a meeting of ways in between, what was found out there is known here.
    for (let block: Block | undefined = builder.block; block !== undefined && known !== undefined; ) {
      if (block === known.block) return known.place
      const [only, ...others]: readonly Block[] = block.predecessors
      block = others.length === 0 ? only : undefined
    }
    const place = findTransport(builder, this.packet, header, by.version, isDestination)
    const decisive = fields
      .filter(({ name }) => by.found.includes(name))
      .map(({ offset, layout }) => [offset, layout.size] as const)
    // Extension headers, too.
    if (by.version === 6) decisive.push([IPv6.size, FARTHEST])
    this.searches.set(header.key, { header, decisive, found: { block: builder.block, place } })
    return place
  }
}

/** How far one header is behind another, if that is known. */
function distance(from: PacketReference, to: PacketReference): number | undefined {
  if (from.key === to.key || from.offset === to.offset) return 0
  const [a, b] = [from.offset, to.offset]
  return a.op === 'const' && b.op === 'const' ? Number(b.value - a.value) : undefined
}
