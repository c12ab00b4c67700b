import { alignUp } from '../base/bytes.ts'
import type { Bytes, Field, Layout, Scalar, Struct } from '../isa/layout.ts'

/**
 * The types of a data plane. Each name is a type for `tsc` and a value for the schema: `key: { mac, port: u16 }` declares,
 * `(address: mac, port: u16)` annotates. `Data` is what the data plane computes with, `Control` what the control plane
 * sees: 64-bit integers are `bigint` there, addresses are text.
 */
export interface Type<Data = unknown, Control = unknown> {
  readonly kind: 'int' | 'bool' | 'bits' | 'mac' | 'ipv4' | 'ipv6'
  readonly name: string
  readonly layout: Scalar | Bytes
  /** `bits` only. */
  readonly width?: number
  /** Never present: they only carry the types. */
  readonly data?: Data
  readonly control?: Control
}

/** An integer type is also the conversion to it: `u8(x)` keeps the low 8 bits. */
export interface IntType<Control> extends Type<number, Control> {
  (value: number): number
}

export type u8 = number
export type u16 = number
export type u32 = number
export type u64 = number
export type i32 = number
export type i64 = number
export type bool = boolean

declare const role: unique symbol
type Byte = number
/** Six octets in the order of the wire. `address[0]` is the first; two addresses compare with `===`. */
export type mac = readonly [Byte, Byte, Byte, Byte, Byte, Byte] & { readonly [role]: 'mac' }
/** Four octets in the order of the wire. */
export type ipv4 = readonly [Byte, Byte, Byte, Byte] & { readonly [role]: 'ipv4' }
/** Sixteen octets in the order of the wire. */
export type ipv6 = readonly [
  ...[Byte, Byte, Byte, Byte, Byte, Byte, Byte, Byte],
  ...[Byte, Byte, Byte, Byte, Byte, Byte, Byte, Byte],
] & { readonly [role]: 'ipv6' }

function integer<Control>(name: string, size: Scalar['size'], signed = false): IntType<Control> {
  const bits = size * 8
  const convert = (value: number): number =>
    Number(signed ? BigInt.asIntN(bits, BigInt(Math.trunc(value))) : BigInt.asUintN(bits, BigInt(Math.trunc(value))))
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

export const bool: Type<boolean, boolean> = {
  kind: 'bool',
  name: 'bool',
  layout: { kind: 'scalar', size: 1, signed: false, align: 1 },
}

const octets = (role: Bytes['role'], size: number): Bytes => ({ kind: 'bytes', role, size, align: 1 })
export const mac: Type<mac, string> = { kind: 'mac', name: 'mac', layout: octets('mac', 6) }
export const ipv4: Type<ipv4, string> = { kind: 'ipv4', name: 'ipv4', layout: octets('ipv4', 4) }
export const ipv6: Type<ipv6, string> = { kind: 'ipv6', name: 'ipv6', layout: octets('ipv6', 16) }

/** A bit field of a header: consecutive ones fill bytes from the most significant bit down, as RFCs draw them. */
export const bits = (width: number): Type<number, number> => ({
  kind: 'bits',
  name: `bits(${width})`,
  layout: { kind: 'scalar', size: 1, signed: false, align: 1 },
  width,
})

export type Fields = Readonly<Record<string, Type>>
export type DataOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Type<infer D, unknown> ? D : never }
export type ControlOf<F extends Fields> = { [K in keyof F]: F[K] extends Type<unknown, infer C> ? C : never }

/** Fields with their places. `order` is the byte order of its integers. */
export interface StructType<F extends Fields = Fields> {
  readonly name: string
  readonly fields: F
  readonly order: 'network' | 'host'
  readonly layout: Struct
  /** Bytes. */
  readonly size: number
}

/** A struct as C lays it out on a 64-bit machine: every field at a multiple of its alignment, padding in between. */
export function struct<F extends Fields>(name: string, fields: F): StructType<F> {
  let size = 0
  let align = 1
  const places: Field[] = Object.entries(fields).map(([field, type]) => {
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

/** A packet header: no padding, integers in network byte order, bit fields from the most significant bit down. */
export function header<F extends Fields>(name: string, fields: F): StructType<F> {
  const places: Field[] = []
  let offset = 0
  let run: { name: string; width: number }[] = []
  for (const [field, type] of Object.entries(fields)) {
    if (type.kind !== 'bits') {
      if (run.length > 0) throw new RangeError(`${name}.${field}: the bit fields before it do not fill whole bytes`)
      places.push({ name: field, offset, layout: packed(type.layout) })
      offset += type.layout.size
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
  return { name, fields, order: 'network', layout, size: offset }
}

const packed = (layout: Scalar | Bytes): Layout => ({ ...layout, align: 1 })

export const isType = (value: unknown): value is Type =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && 'layout' in value && 'kind' in value

export const isStruct = (value: unknown): value is StructType =>
  typeof value === 'object' && value !== null && 'layout' in value && 'order' in value
