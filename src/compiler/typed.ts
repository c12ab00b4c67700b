/** The typed tree: what check/ makes of the small tree. Every name is resolved, every conversion is explicit. */
import type { Bytes, Field } from '../isa/layout.ts'
import type { AtomicName, ListType, StructType, Table } from '../lang/index.ts'
import type { SourceText } from './check/report.ts'
import type { BinaryOperator, CompareOperator, Span } from './narrow/tree.ts'
import type { Wired } from './wired.ts'

export type IntType = { readonly kind: 'int'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }

export type ValueType =
  | IntType
  /** An integer known now, exactly: it takes the type of what it meets. */
  | { readonly kind: 'constant' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'address'; readonly role: Bytes['role'] }
  /** A header in the packet or an entry of a table, not a copy of it; what a queue gives is one. */
  | {
      readonly kind: 'reference'
      readonly struct: StructType
      /** `locked` where it is an entry whose lock nobody holds: it has no fields. */
      readonly space: 'packet' | 'table' | 'copy' | 'locked'
      readonly nullable: boolean
      /** A header whose checksum covers this one is known of it. */
      readonly covered?: boolean | undefined
      /** The name of the table that it is an entry of, where that is one. */
      readonly table?: string | undefined
      /** Where the entry's lock is. */
      readonly lock?: number | undefined
    }
  /** A fixed number of elements in a header or an entry. */
  | { readonly kind: 'list'; readonly list: ListType }
  /** What a function returns under names: it leaves it in these variables. No value is of this type but that of a call. */
  | { readonly kind: 'record'; readonly fields: readonly { readonly name: string; readonly variable: Variable }[] }
  | { readonly kind: 'verdict' }
  | { readonly kind: 'void' }

/** Where something is written. */
export interface Position {
  readonly source: SourceText
  readonly span: Span
}

export interface Variable {
  readonly id: number
  readonly name: string
  readonly type: ValueType
  /** Of what another header's checksum counts for: that header's. */
  readonly message?: Variable | undefined
  /** Of an entry: the key that it was got with. */
  readonly key?: readonly StructField[] | undefined
}

export type Typed = { readonly type: ValueType; readonly at: Position } & (
  | { readonly op: 'constant'; readonly value: bigint }
  /** A constant that is left open. */
  | { readonly op: 'wired'; readonly wired: Wired }
  /** A reference to nothing. */
  | { readonly op: 'null' }
  | { readonly op: 'variable'; readonly variable: Variable }
  | { readonly op: 'field'; readonly base: Typed; readonly field: Field; readonly struct: StructType }
  /** A reference to an element of the list `field`. That the index is one of it is known. */
  | { readonly op: 'element'; readonly base: Typed; readonly field: Field; readonly index: Typed }
  | { readonly op: 'byte'; readonly base: Typed; readonly index: number }
  /** An address that is known now. */
  | { readonly op: 'address'; readonly octets: readonly number[] }
  /** An address of octets, each a `u8`. */
  | { readonly op: 'octets'; readonly elements: readonly Typed[] }
  /** An address with all bits but the first `length` zero; there are as many. */
  | { readonly op: 'mask'; readonly base: Typed; readonly length: Typed }
  | { readonly op: 'length' | 'vlan' | 'segmentSize' | 'now' }
  /** `within` is the header whose checksum covers it. */
  | { readonly op: 'read'; readonly struct: StructType; readonly offset: Typed; readonly within?: Typed | undefined }
  | { readonly op: 'get'; readonly table: NamedTable; readonly key: readonly StructField[] }
  | { readonly op: 'delete'; readonly table: NamedTable; readonly key: readonly StructField[] }
  | {
      /** `add` where there was none, `replace` where there was one, `set` always. */
      readonly op: 'set' | 'add' | 'replace'
      readonly table: NamedTable
      readonly key: readonly StructField[]
      readonly value: readonly StructField[]
    }
  /** False where the kernel refused. References into the packet from before are not used after it. */
  | { readonly op: 'move'; readonly move: Move; readonly operands: readonly Typed[] }
  | { readonly op: 'encapsulate' | 'decapsulate'; readonly tunnel: Tunnel }
  /** Whether it was done; of `has`, whether it is so. */
  | { readonly op: 'push'; readonly table: NamedTable; readonly value: readonly StructField[] }
  | { readonly op: 'emit'; readonly table: NamedTable; readonly value: readonly StructField[] }
  | { readonly op: 'has'; readonly table: NamedTable; readonly value: readonly StructField[] }
  | { readonly op: 'pop' | 'peek'; readonly table: NamedTable }
  | { readonly op: 'cell'; readonly table: NamedTable }
  | {
      readonly op: 'arithmetic'
      readonly operator: BinaryOperator
      readonly left: Typed
      readonly right: Typed
    }
  /** Both sides have one type. */
  | { readonly op: 'compare'; readonly operator: CompareOperator; readonly left: Typed; readonly right: Typed }
  | { readonly op: 'isNull' | 'not' | 'complement' | 'negate' | 'convert'; readonly operand: Typed }
  | { readonly op: 'and' | 'or'; readonly left: Typed; readonly right: Typed }
  | { readonly op: 'conditional'; readonly test: Typed; readonly whenTrue: Typed; readonly whenFalse: Typed }
  /** `body`, where the variable is `value`. */
  | { readonly op: 'bound'; readonly variable: Variable; readonly value: Typed; readonly body: Typed }
  | { readonly op: 'call'; readonly callee: TypedFunction; readonly arguments: readonly Typed[] }
  /** A call under the lock of the entry that is passed first: `lock` is its offset. */
  | { readonly op: 'withLock'; readonly call: Typed & { readonly op: 'call' }; readonly lock: number }
  /** What the field was before. */
  | {
      readonly op: 'atomic'
      readonly operation: AtomicName
      readonly base: Typed
      readonly field: Field
      /** The value; before it, what compareExchange expects. */
      readonly operands: readonly Typed[]
    }
  | { readonly op: 'drop'; readonly reason: number }
  /** `reason` counts those of the schema. */
  | { readonly op: 'punt'; readonly reason: number; readonly metadata: readonly StructField[] }
  | { readonly op: 'forward'; readonly port: Typed }
  | { readonly op: 'flood' | 'pass' | 'next' }
)

/** What may move the packet. */
export type Move = 'pushVlan' | 'popVlan' | 'truncate' | 'growTail' | 'shrinkTail' | 'growHead' | 'shrinkHead'

/** The headers between the Ethernet header of a packet and what it carries. */
export interface Tunnel {
  readonly headers: readonly string[]
  /** Bytes of all of them. */
  readonly size: number
  /** Of IP. */
  readonly version: 4 | 6
  readonly transport: 'udp' | 'gre' | undefined
  /** What is carried is a frame: its Ethernet header is the last of the headers. */
  readonly ethernet: boolean
}

export interface NamedTable {
  readonly name: string
  readonly table: Table
}

export interface StructField {
  readonly field: Field
  readonly value: Typed
}

/** A data-plane function, as it was checked with arguments of certain types: all calls that agree in them share it. */
export interface TypedFunction {
  readonly name: string
  /** A variable for each argument that exists at run time. */
  readonly parameters: readonly Variable[]
  readonly body: readonly TypedStatement[]
  readonly result: ValueType
  /** It may have moved the packet when it returns. */
  readonly moves: boolean
  /** Tables of which it may have changed entries when it returns. */
  readonly changes: readonly string[]
  /** Headers that it may have written to, and whose checksums are not settled when it returns. */
  readonly writes: readonly Variable[]
  /** Headers whose fields may say by then that something else follows them. */
  readonly redirects: readonly Variable[]
  readonly at: Position
}

export type TypedStatement =
  | { readonly op: 'assign'; readonly variable: Variable; readonly value: Typed; readonly at: Position }
  | {
      readonly op: 'store'
      readonly base: Typed
      readonly field: Field
      readonly struct: StructType
      readonly value: Typed
      readonly at: Position
    }
  | {
      readonly op: 'if'
      readonly test: Typed
      readonly whenTrue: readonly TypedStatement[]
      readonly whenFalse: readonly TypedStatement[]
      readonly at: Position
    }
  | {
      readonly op: 'loop'
      readonly variable: Variable
      readonly from: bigint
      readonly step: bigint
      /** How often the body runs, unless it leaves early. At least 1. */
      readonly times: number
      readonly body: readonly TypedStatement[]
      /** At the end of each round, what is owed to checksums is settled. */
      readonly settles: boolean
      readonly at: Position
    }
  /** Runs while `test` holds: at most `times`. `continue` goes to `update`; what is owed is settled before it. */
  | {
      readonly op: 'while'
      readonly test: Typed
      readonly body: readonly TypedStatement[]
      readonly update: readonly TypedStatement[]
      readonly times: number
      readonly settles: boolean
      readonly at: Position
    }
  /** The rounds of a loop, written out: `break` leaves all of them, `continue` one. */
  | { readonly op: 'rounds'; readonly rounds: readonly (readonly TypedStatement[])[]; readonly at: Position }
  /** Statements that `break` leaves. */
  | { readonly op: 'breakable'; readonly body: readonly TypedStatement[]; readonly at: Position }
  | { readonly op: 'return'; readonly value: Typed | undefined; readonly at: Position }
  /** `out`: so many of the loops and breakables around it are left as well. */
  | { readonly op: 'break' | 'continue'; readonly out: number; readonly at: Position }
  | { readonly op: 'evaluate'; readonly value: Typed; readonly at: Position }

export const U8: IntType = { kind: 'int', bits: 8, signed: false }
export const U16: IntType = { kind: 'int', bits: 16, signed: false }
export const U32: IntType = { kind: 'int', bits: 32, signed: false }
export const U64: IntType = { kind: 'int', bits: 64, signed: false }
export const BOOL: ValueType = { kind: 'bool' }
export const VERDICT: ValueType = { kind: 'verdict' }

/** A type as its author would write it. */
export function nameOfType(type: ValueType): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? 'i' : 'u'}${type.bits}`
    case 'constant':
      return 'a number'
    case 'bool':
      return 'boolean'
    case 'address':
      return type.role
    case 'reference':
      return type.nullable ? `${type.struct.name} | null` : type.struct.name
    case 'list':
      return type.list.name
    case 'record':
      return `{ ${type.fields.map(({ name }) => name).join(', ')} }`
    case 'verdict':
      return 'Verdict'
    case 'void':
      return 'nothing'
  }
}

/** The smallest and the largest value of an integer type. */
export function rangeOf({ bits, signed }: IntType): readonly [bigint, bigint] {
  const size = BigInt(bits)
  return signed ? [-(1n << (size - 1n)), (1n << (size - 1n)) - 1n] : [0n, (1n << size) - 1n]
}

/** The value that is left when only the type's bits are kept. */
export const wrap = ({ bits, signed }: IntType, value: bigint): bigint =>
  signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)
