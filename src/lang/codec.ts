import { formatIPv4, formatIPv6, formatMac, parseIPv4, parseIPv6, parseMac } from '../base/address.ts'
import { viewOf } from '../base/bytes.ts'
import type { Field } from '../isa/layout.ts'
import type { ControlOf, Fields, StructType, Type } from './types.ts'

/** What the control plane may hold in a field. */
export type FieldValue = number | bigint | boolean | string

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
  if (type.kind === 'mac' || type.kind === 'ipv4' || type.kind === 'ipv6')
    return ADDRESS[type.kind].format(bytes.subarray(offset, offset + layout.size))
  const raw = readScalar(bytes, offset, layout.size, struct.order === 'host')
  if (field.bits !== undefined) return Number(BigInt.asUintN(field.bits.width, raw >> BigInt(field.bits.shift)))
  if (type.kind === 'bool') return raw !== 0n
  const value = layout.kind === 'scalar' && layout.signed ? BigInt.asIntN(layout.size * 8, raw) : raw
  return layout.size === 8 ? value : Number(value)
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
