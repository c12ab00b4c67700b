import { formatIPv4, formatIPv6, formatMac, parseIPv4, parseIPv6, parseMac } from '../base/address.ts'
import { viewOf } from '../base/bytes.ts'
import type { Field, Layout } from '../isa/layout.ts'
import {
  type ControlOf,
  elementAt,
  elementOf,
  type Fields,
  isList,
  isType,
  type ListType,
  type StructType,
  type Type,
} from './types.ts'

/** What the control plane may hold in a field. */
export type FieldValue =
  | number
  | bigint
  | boolean
  | string
  | readonly FieldValue[]
  | { readonly [field: string]: FieldValue }

/** Bytes of a struct or header from its control-plane form. A RangeError where a value does not fit, naming the field. */
export function encodeStruct<F extends Fields>(struct: StructType<F>, value: ControlOf<F>): Uint8Array {
  const bytes = new Uint8Array(struct.size)
  const given = value as Readonly<Record<string, unknown>>
  for (const field of struct.layout.fields) {
    const type = struct.fields[field.name]
    if (type !== undefined) writeField(bytes, struct, field, type, given[field.name])
  }
  return bytes
}

/** The control-plane form of the first `struct.size` bytes. A RangeError where there are fewer. */
export function decodeStruct<F extends Fields>(struct: StructType<F>, bytes: Uint8Array): ControlOf<F> {
  if (bytes.length < struct.size)
    throw new RangeError(`${struct.name} takes ${struct.size} bytes; there are ${bytes.length}`)
  const value: Record<string, FieldValue> = {}
  for (const field of struct.layout.fields) {
    const type = struct.fields[field.name]
    if (type !== undefined) value[field.name] = readField(bytes, struct, field, type)
  }
  return value as ControlOf<F>
}

const ADDRESS = {
  mac: { parse: parseMac, format: formatMac },
  ipv4: { parse: parseIPv4, format: formatIPv4 },
  ipv6: { parse: parseIPv6, format: formatIPv6 },
} as const

function writeField(bytes: Uint8Array, struct: StructType, field: Field, type: Type, value: unknown): void {
  const { layout, offset, name } = field
  if (isList(type)) return writeList(bytes, struct, field, type, value)
  if (type.kind === 'mac' || type.kind === 'ipv4' || type.kind === 'ipv6') {
    if (typeof value !== 'string') throw new RangeError(`${struct.name}.${name}: an address is text, not ${value}`)
    try {
      bytes.set(ADDRESS[type.kind].parse(value), offset)
    } catch (error) {
      throw new RangeError(`${struct.name}.${name}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    }
    return
  }
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean')
    throw new RangeError(`${struct.name}.${name}: ${value} is no number`)
  if (typeof value === 'number' && !Number.isInteger(value))
    throw new RangeError(`${struct.name}.${name}: ${value} is no whole number`)
  if (typeof value === 'number' && value >= 0 && field.bits === undefined && isPlain(layout, value))
    return writeNumber(bytes, offset, layout.size, value, struct.order === 'host')
  const signed = layout.kind === 'scalar' && layout.signed
  const width = field.bits?.width ?? layout.size * 8
  const whole = BigInt(value)
  if ((signed ? BigInt.asIntN(width, whole) : BigInt.asUintN(width, whole)) !== whole)
    throw new RangeError(`${struct.name}.${name}: ${value} does not fit into ${width} bits`)
  const little = struct.order === 'host'
  const placed =
    field.bits === undefined
      ? whole
      : readScalar(bytes, offset, layout.size, little) | (whole << BigInt(field.bits.shift))
  writeScalar(bytes, offset, layout.size, placed, little)
}

function readField(bytes: Uint8Array, struct: StructType, field: Field, type: Type): FieldValue {
  const { layout, offset } = field
  if (isList(type)) return readList(bytes, struct, field, type)
  if (type.kind === 'mac' || type.kind === 'ipv4' || type.kind === 'ipv6')
    return ADDRESS[type.kind].format(bytes.subarray(offset, offset + layout.size))
  const isSigned = layout.kind === 'scalar' && layout.signed
  const isLittle = struct.order === 'host'
  if (layout.size < 8 && field.bits === undefined) {
    const number = readNumber(bytes, offset, layout.size, isLittle)
    const spare = 32 - 8 * layout.size
    return type.kind === 'bool' ? number !== 0 : isSigned ? (number << spare) >> spare : number
  }
  const raw = readScalar(bytes, offset, layout.size, isLittle)
  if (field.bits !== undefined) return Number(BigInt.asUintN(field.bits.width, raw >> BigInt(field.bits.shift)))
  return isSigned ? BigInt.asIntN(64, raw) : raw
}

function writeList(bytes: Uint8Array, struct: StructType, field: Field, type: ListType, value: unknown): void {
  const { length, element } = type
  const what = `${struct.name}.${field.name}`
  if (!Array.isArray(value)) throw new RangeError(`${what}: a list is an array of ${length}, not ${value}`)
  if (value.length !== length) throw new RangeError(`${what}: ${value.length} elements, where ${length} belong`)
  for (const [index, one] of value.entries()) {
    const place = elementAt(field, index)
    const name = `${field.name}[${index}]`
    if (isType(element)) writeField(bytes, struct, { ...place, name }, element, one)
    else {
      const inner = { ...elementOf(element, struct.order), name: `${struct.name}.${name}` }
      bytes.set(encodeStruct(inner, one), place.offset)
    }
  }
}

function readList(bytes: Uint8Array, struct: StructType, field: Field, { length, element }: ListType): FieldValue {
  return Array.from({ length }, (_, index) => {
    const place = elementAt(field, index)
    if (isType(element)) return readField(bytes, struct, place, element)
    return decodeStruct(elementOf(element, struct.order), bytes.subarray(place.offset)) as FieldValue
  })
}

/** Whether a number is in the range of an unsigned integer of up to 32 bits. */
const isPlain = (layout: Layout, value: number): boolean =>
  layout.kind === 'scalar' && !layout.signed && layout.size < 8 && value < 2 ** (8 * layout.size)

function writeNumber(bytes: Uint8Array, offset: number, size: number, value: number, little: boolean): void {
  for (let i = 0; i < size; i++) bytes[offset + (little ? i : size - 1 - i)] = value >>> (8 * i)
}

function readNumber(bytes: Uint8Array, offset: number, size: number, little: boolean): number {
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[offset + (little ? size - 1 - i : i)] ?? 0)
  return value
}

function writeScalar(bytes: Uint8Array, offset: number, size: number, value: bigint, little: boolean): void {
  for (let i = 0; i < size; i++)
    bytes[offset + (little ? i : size - 1 - i)] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn)
}

function readScalar(bytes: Uint8Array, offset: number, size: number, little: boolean): bigint {
  const view = viewOf(bytes)
  if (size === 1) return BigInt(view.getUint8(offset))
  if (size === 2) return BigInt(view.getUint16(offset, little))
  return size === 4 ? BigInt(view.getUint32(offset, little)) : view.getBigUint64(offset, little)
}
