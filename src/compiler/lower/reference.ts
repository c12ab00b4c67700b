/** What lowering one kind of expression takes from lowering all others, and what it gives. */
import type { Field } from '../../isa/layout.ts'
import type { StructType } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Comparison, Value } from '../ir.ts'
import type { Pieces } from '../pieces.ts'
import type { Typed } from '../typed.ts'

export interface Values {
  readonly builder: Builder
  /** What a map of the instance is called in the program. */
  nameOf(map: string): string
  map(name: string): Value
  /** Computes what is no reference. */
  value(node: Typed): Pieces
  /** Two ways to a value, and where they meet. */
  join(is: Block, isNot: Block, whenTrue: () => Pieces, whenFalse: () => Pieces): Pieces
}

/** A header or a table entry: where it is, and what proves that it is there. */
export interface Reference {
  readonly pointer: Value
  /** All of them hold where it is there: none, if it always is. */
  readonly present: readonly Test[]
  /** Where it was chosen: the loops around it, by the blocks that their rounds begin with. */
  readonly loops?: readonly Block[]
  /** Of a copy: its plain values by their offsets, which were read at once; and where in it this is. */
  readonly copy?: { readonly parts: ReadonlyMap<number, Pieces>; readonly offset: number }
}

/** A header in the packet. */
export interface PacketReference extends Reference {
  /** The same for the same header. */
  readonly key: object
  /** Bytes from the start of the packet. */
  readonly offset: Value
  /** The header whose checksum covers it, and is no part of it. */
  readonly within?: { readonly header: PacketReference; readonly struct: StructType } | undefined
  /** Of an element of a list: the header that has the list. */
  readonly part?: PartOfHeader | undefined
  /** The loops around it, by the blocks that their rounds begin with: each round has another header. */
  readonly loops: readonly Block[]
}

/** Where in a header something lies that an index has chosen. */
export interface PartOfHeader {
  readonly header: PacketReference
  readonly struct: StructType
  /** The list. */
  readonly field: Field
  /** Bytes from the start of the header: these, and as many more, if their number may be odd. */
  readonly start: number
  readonly more: Value | undefined
}

export const isInPacket = (reference: Reference): reference is PacketReference => 'offset' in reference

/** A comparison that holds, or does not. */
export interface Test {
  readonly comparison: Comparison
  readonly bits: 32 | 64
  readonly left: Value
  readonly right: Value
}
