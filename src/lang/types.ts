import { alignUp } from '../base/bytes.ts'
import type { Bytes, Field, Layout, List as ListLayout, Scalar, Struct } from '../isa/layout.ts'
import { addressOf, PARSERS, type Role } from './address.ts'

/**
 * The types of a data plane. Each name is a type for `tsc` and a value for the schema: `key: { mac, port: u16 }` declares,
 * `(address: mac, port: u16)` annotates. `Data` is what the data plane computes with, `Control` what the control plane
 * sees: 64-bit integers are `bigint` there, addresses are text.
 */
export interface Type<Data = unknown, Control = unknown> {
  readonly kind: 'int' | 'bool' | 'bits' | 'mac' | 'ipv4' | 'ipv6' | 'list'
  readonly name: string
  readonly layout: Scalar | Bytes | ListLayout
  /** `bits` only. */
  readonly width?: number
  /** {@link portId} only. */
  readonly isPort?: true
  /** Never present: they only carry the types. */
  readonly data?: Data
  readonly control?: Control
}

/**
 * An integer type is also the conversion to it: `u8(x)` keeps the low 8 bits. `u32` and `u64` take an IPv4 address, `u64` a MAC
 * address too: the number whose digits, in base 256, are the octets.
 */
export interface IntType<Control> extends Type<number, Control> {
  (value: number | ipv4 | mac): number
}

/** The type of an address also makes them: of a text that is known when compiling, or of octets. */
export interface AddressType<A, Octets extends readonly number[]> extends Type<A, string> {
  (text: string): A
  (octets: Octets): A
}

/** Some are numbers, too. */
export interface NumericAddressType<A, Octets extends readonly number[]> extends AddressType<A, Octets> {
  (text: string): A
  (octets: Octets): A
  (value: number): A
}

export type u8 = number
export type u16 = number
export type portId = number
export type u32 = number
export type u64 = number
export type i32 = number
export type i64 = number
export type bool = boolean

declare const role: unique symbol
type Byte = number
type Four = readonly [Byte, Byte, Byte, Byte]
type Six = readonly [...Four, Byte, Byte]
type Sixteen = readonly [...Four, ...Four, ...Four, ...Four]
/** `address.at(i)` is the octet `address[i]`, which `tsc` takes for something that may be undefined where `i` is a variable. */
interface Octets<Role extends string> {
  readonly [role]: Role
  at(index: number): Byte
}
/** Six octets in the order of the wire. `address[0]` is the first; two addresses compare with `===`. */
export type mac = Octets<'mac'> & Six
/** Four octets in the order of the wire. */
export type ipv4 = Octets<'ipv4'> & Four
/** Sixteen octets in the order of the wire. */
export type ipv6 = Octets<'ipv6'> & Sixteen

function integer<Control>(name: string, size: Scalar['size'], signed = false): IntType<Control> {
  const bits = size * 8
  const convert = (given: number | readonly number[]): number => {
    const value = typeof given === 'number' ? given : given.reduce((sum, octet) => sum * 256 + octet, 0)
    return Number(
      signed ? BigInt.asIntN(bits, BigInt(Math.trunc(value))) : BigInt.asUintN(bits, BigInt(Math.trunc(value))),
    )
  }
  const layout: Scalar = { kind: 'scalar', size, signed, align: size }
  Object.defineProperty(convert, 'name', { value: name })
  return Object.assign(convert, { kind: 'int', layout } as const) as IntType<Control>
}

export const u8 = integer<number>('u8', 1)
export const u16 = integer<number>('u16', 2)
export const u32 = integer<number>('u32', 4)
export const u64 = integer<bigint>('u64', 8)
export const i32 = integer<number>('i32', 4, true)
export const i64 = integer<bigint>('i64', 8, true)

/**
 * A u16 that is the number of a port, as `port.id` is: of the key or the value of a hash, or of a table of prefixes. Entries that name a
 * port go when a change of the graph removes it. 0xffff is none's number.
 */
export const portId: IntType<number> = Object.assign(integer<number>('portId', 2), { isPort: true } as const)

export const bool: Type<boolean, boolean> = {
  kind: 'bool',
  name: 'bool',
  layout: { kind: 'scalar', size: 1, signed: false, align: 1 },
}

function address<A, Octets extends readonly number[]>(role: Role, size: number): NumericAddressType<A, Octets> {
  const make = (given: string | number | readonly number[]): A => {
    if (typeof given === 'string') return addressOf<A>(role, PARSERS[role](given))
    if (typeof given !== 'number') return addressOf<A>(role, given)
    const octets = Array.from({ length: size }, (_, index) => Math.trunc(given / 256 ** (size - 1 - index)) % 256)
    return addressOf<A>(role, octets)
  }
  const layout: Bytes = { kind: 'bytes', role, size, align: 1 }
  Object.defineProperty(make, 'name', { value: role })
  return Object.assign(make, { kind: role, layout } as const) as NumericAddressType<A, Octets>
}

export const mac = address<mac, Six>('mac', 6)
export const ipv4 = address<ipv4, Four>('ipv4', 4)
export const ipv6: AddressType<ipv6, Sixteen> = address<ipv6, Sixteen>('ipv6', 16)

/** A bit field of a header: consecutive ones fill bytes from the most significant bit down, as RFCs draw them. */
export const bits = (width: number): Type<number, number> => ({
  kind: 'bits',
  name: `bits(${width})`,
  layout: { kind: 'scalar', size: 1, signed: false, align: 1 },
  width,
})

/** What a field holds that is a {@link list}. Where an index may be past the end to `tsc`, `at` says that it is not. */
export interface List<T, N extends number> {
  [index: number]: T
  readonly length: N
  /** The same as `list[index]`. */
  at(index: number): T
  [Symbol.iterator](): IterableIterator<T>
  /** Every index, with its element. */
  entries(): IterableIterator<[number, T]>
}

/** What may stand for a list where a key or a value is written out. */
type ListLiteral<T, N extends number, All extends readonly T[] = readonly []> = All['length'] extends N
  ? All
  : ListLiteral<T, N, readonly [...All, T]>

export interface ListType<D = unknown, C = unknown, N extends number = number> extends Type<List<D, N>, readonly C[]> {
  readonly kind: 'list'
  /** Of one type, or structs of such fields. */
  readonly element: Type | Fields
  readonly length: N
  readonly given?: ListLiteral<D, N> | Filled<D>
}

declare const filled: unique symbol
export interface Filled<T> {
  readonly [filled]: T
}

/** Stands for a list all of whose elements are `value`, where a key or a value is written out. */
export const fill: <T>(value: T) => Filled<T> = Object.assign((): never => {
  throw new TypeError('fill is for data planes')
})

const LONGEST = 4096

/**
 * A fixed number of values, one behind the other: a field of a table's key or value, or of a header. Elements have a type of
 * the language, or are structs: `list(u32, 8)`, `list({ low: u16, high: u16 }, 4)`. A RangeError where the length is none.
 */
export function list<D, C, const N extends number>(element: Type<D, C>, length: N): ListType<D, C, N>
export function list<F extends Fields, const N extends number>(
  element: F,
  length: N,
): ListType<DataOf<F>, ControlOf<F>, N>
export function list(element: Type | Fields, length: number): ListType {
  const what = isType(element) ? element.name : '{ … }'
  if (!Number.isInteger(length) || length < 1 || length > LONGEST)
    throw new RangeError(`list(${what}, ${length}): a length is a number from 1 to ${LONGEST}`)
  if (isType(element) && (element.kind === 'bits' || element.kind === 'list'))
    throw new RangeError(`list(${what}, ${length}): elements are integers, bool, addresses or structs of them`)
  return {
    kind: 'list',
    name: `list(${what}, ${length})`,
    // When it is asked for: elements with bit fields have a layout in headers only.
    get layout() {
      return listOf(isType(element) ? element.layout : elementOf(element, 'host').layout, length)
    },
    element,
    length,
  }
}

const listOf = (element: Layout, length: number): ListLayout => ({
  kind: 'list',
  element,
  length,
  size: element.size * length,
  align: element.align,
})

const elements = { host: new WeakMap<Fields, StructType>(), network: new WeakMap<Fields, StructType>() }

/** The struct that the elements of a list of structs are, in a table or in a header. */
export function elementOf(fields: Fields, order: 'network' | 'host'): StructType {
  const known = elements[order].get(fields)
  if (known !== undefined) return known
  const made = order === 'host' ? struct('an element', fields) : header('an element', fields)
  elements[order].set(fields, made)
  return made
}

/** Where an element of a list lies. */
export function elementAt(field: Field, index: number): Field {
  const { layout } = field
  if (layout.kind !== 'list') throw new Error(`${field.name} is no list`)
  return { name: `${field.name}[${index}]`, offset: field.offset + index * layout.element.size, layout: layout.element }
}

export const isList = (type: Type): type is ListType => type.kind === 'list'

export type Fields = Readonly<Record<string, Type>>
export type DataOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Type<infer D, unknown> ? D : never }
/** The same where it is written out, for a table to look up or to keep. */
export type GivenOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends { readonly kind: 'list'; readonly given?: infer G; readonly data?: infer D }
    ? NonNullable<G> | NonNullable<D>
    : F[K] extends Type<infer D, unknown>
      ? D
      : never
}
export type ControlOf<F extends Fields> = { [K in keyof F]: F[K] extends Type<unknown, infer C> ? C : never }

/** Which bytes the checksum of a header covers (RFC 1071), so that it is kept right where they are assigned to. */
export interface Checksum<Name extends string = string> {
  /** Two bytes, an even number of bytes from the header's start. What is assigned to it is stored as it is. */
  readonly field: Name
  /** The header, or the header and all that follows it. */
  readonly covers: 'header' | 'message'
  /** The network layer's addresses are covered as well (the pseudo-header of RFC 9293 section 3.1). */
  readonly pseudo?: boolean
  /** The field that the pseudo-header has as its length, so that it counts twice (RFC 768). */
  readonly length?: Name
  /** 0 says that there is no checksum; one that comes to 0 is 0xffff (RFC 768). */
  readonly optional?: boolean
}

/** What a header says about checksums. */
export interface Checksums<Name extends string = string> {
  readonly checksum?: Checksum<Name>
  /** The fields that checksums of the transport layer cover, and how its header is found: by what fields of this one. */
  readonly pseudoHeader?: { readonly fields: readonly Name[]; readonly found: readonly Name[]; readonly version: 4 | 6 }
}

/** Fields with their places. `order` is the byte order of its integers. */
export interface StructType<F extends Fields = Fields> {
  readonly name: string
  readonly fields: F
  readonly order: 'network' | 'host'
  readonly layout: Struct
  /** Bytes. */
  readonly size: number
  /** Headers only. */
  readonly checksums?: Checksums
}

/** A struct as C lays it out on a 64-bit machine: every field at a multiple of its alignment, padding in between. */
export function struct<F extends Fields>(name: string, fields: F): StructType<F> {
  let size = 0
  let align = 1
  const places: Field[] = Object.entries(fields).map(([field, type]) => {
    if (!isType(type)) throw untyped(name, field)
    if (type.kind === 'bits')
      throw new RangeError(`${name}.${field}: bit fields belong in headers; take u8, u16 or u32`)
    const offset = alignUp(size, type.layout.align)
    size = offset + type.layout.size
    align = Math.max(align, type.layout.align)
    return { name: field, offset, layout: type.layout }
  })
  size = alignUp(size, align)
  return { name, fields, order: 'host', layout: { kind: 'struct', size, align, fields: places }, size }
}

const untyped = (name: string, field: string): RangeError =>
  new RangeError(`${name}.${field} has no type: take u8, mac, list(…) or another one`)

/** A packet header: no padding, integers in network byte order, bit fields from the most significant bit down. */
export function header<F extends Fields>(
  name: string,
  fields: F,
  checksums: Checksums<keyof F & string> = {},
): StructType<F> {
  const places: Field[] = []
  let offset = 0
  let run: { name: string; width: number }[] = []
  for (const [field, type] of Object.entries(fields)) {
    if (!isType(type)) throw untyped(name, field)
    if (type.kind !== 'bits') {
      if (run.length > 0) throw new RangeError(`${name}.${field}: the bit fields before it do not fill whole bytes`)
      const layout = packed(type, `${name}.${field}`)
      places.push({ name: field, offset, layout })
      offset += layout.size
      continue
    }
    run.push({ name: field, width: type.width ?? 0 })
    const total = run.reduce((sum, { width }) => sum + width, 0)
    if (![8, 16, 32, 64].includes(total)) continue
    const container = { kind: 'scalar', size: (total / 8) as Scalar['size'], signed: false, align: 1 } as const
    let shift = total
    for (const bit of run) {
      shift -= bit.width
      places.push({ name: bit.name, offset, layout: container, bits: { shift, width: bit.width } })
    }
    offset += total / 8
    run = []
  }
  if (run.length > 0) throw new RangeError(`${name}: its last bit fields do not fill 8, 16, 32 or 64 bits`)
  const layout: Struct = { kind: 'struct', size: offset, align: 1, fields: places }
  const sum = places.find((field) => field.name === checksums.checksum?.field)
  if (checksums.checksum !== undefined && (sum === undefined || sum.offset % 2 !== 0 || sum.layout.size !== 2))
    throw new RangeError(`${name}.${checksums.checksum.field}: a checksum is a u16 at an even offset`)
  return { name, fields, order: 'network', layout, size: offset, checksums }
}

function packed(type: Type, field: string): Layout {
  if (!isList(type)) return { ...type.layout, align: 1 }
  if (!isType(type.element)) return listOf(elementOf(type.element, 'network').layout, type.length)
  // Any octet is true in a packet; reading many of them as truth values is nothing that a protocol asks for.
  if (type.element.kind === 'bool') throw new RangeError(`${field}: a list of bool belongs in a table; take u8`)
  return listOf({ ...type.element.layout, align: 1 }, type.length)
}

export const isType = (value: unknown): value is Type =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  'layout' in value &&
  'kind' in value &&
  typeof value.kind === 'string'

export const isStruct = (value: unknown): value is StructType =>
  typeof value === 'object' && value !== null && 'layout' in value && 'order' in value
