/** What a data plane computes with, and how headers and tables have it in bytes. */
import { toHex } from '../../src/base/bytes.ts'
import type { Field, List } from '../../src/isa/layout.ts'
import type { StructType } from '../../src/lang/index.ts'
import type { Place } from './checksums.ts'

export interface Reference {
  readonly bytes: Uint8Array
  readonly at: number
  /** What its checksum covers, and this header is part of. */
  readonly within?: { readonly at: number; readonly struct: StructType } | undefined
  /** The header, and its list, that this is an element of. */
  readonly part?: Place | undefined
}
export interface Ending {
  readonly ending: 'drop' | 'forward' | 'flood' | 'pass' | 'punt' | 'next'
  readonly number: number
  /** Of a punt. */
  readonly metadata?: Uint8Array
}
/** Integers in the range of their type, truth values, addresses, lists, references or null, verdicts, nothing. */
export type Value = bigint | boolean | Uint8Array | Reference | null | Ending | undefined | readonly Value[]
export const number = (octets: Uint8Array): bigint => octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)

export function digits(value: bigint, role: string): Uint8Array {
  const size = role === 'mac' ? 6 : 4
  return Uint8Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * (size - 1 - index))) & 0xffn))
}

export const elementsOf = ({ element, length }: List, at: number) =>
  Array.from({ length }, (_, index) => ({
    place: at + index * element.size,
    field: { name: 'element', offset: 0, layout: element },
  }))

export function compare(operator: string, left: Value, right: Value): boolean {
  const [a, b] = [left, right].map((one) => (one instanceof Uint8Array ? toHex(one) : (one as bigint)))
  if (a === undefined || b === undefined) throw new Error('nothing to compare')
  switch (operator) {
    case '===':
      return a === b
    case '!==':
      return a !== b
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    default:
      return a >= b
  }
}

export function readField(bytes: Uint8Array, at: number, { offset, layout, bits }: Field, struct: StructType): Value {
  if (layout.kind === 'list')
    return elementsOf(layout, at + offset).map(({ place, field }) => readField(bytes, place, field, struct))
  const part = bytes.subarray(at + offset, at + offset + layout.size)
  if (layout.kind !== 'scalar') return part.slice()
  const octets = struct.order === 'network' ? [...part] : [...part].reverse()
  const raw = octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n)
  if (bits !== undefined) return BigInt.asUintN(bits.width, raw >> BigInt(bits.shift))
  return layout.signed ? BigInt.asIntN(8 * layout.size, raw) : raw
}

/** In network byte order; other bits of the same bytes stay as they are. */
export function writeHeader(bytes: Uint8Array, at: number, field: Field, value: Value): void {
  const { offset, layout, bits } = field
  if (Array.isArray(value)) {
    if (layout.kind !== 'list') throw new Error('no list')
    for (const [index, one] of elementsOf(layout, at + offset).entries())
      writeHeader(bytes, one.place, one.field, (value as readonly Value[])[index])
    return
  }
  if (value instanceof Uint8Array) return bytes.set(value, at + offset)
  const part = bytes.subarray(at + offset, at + offset + layout.size)
  let whole = typeof value === 'boolean' ? (value ? 1n : 0n) : (value as bigint)
  if (bits !== undefined) {
    const mask = ((1n << BigInt(bits.width)) - 1n) << BigInt(bits.shift)
    const old = part.reduce((word, octet) => (word << 8n) | BigInt(octet), 0n)
    whole = (old & ~mask) | ((whole << BigInt(bits.shift)) & mask)
  }
  for (let i = 0; i < layout.size; i++) part[layout.size - 1 - i] = Number((whole >> BigInt(8 * i)) & 0xffn)
}

/** Fields of tables, which have host byte order. */
export function writeField(bytes: Uint8Array, at: number, { offset, layout }: Field, value: Value): void {
  if (Array.isArray(value)) {
    if (layout.kind !== 'list') throw new Error('no list')
    for (const [index, { place, field }] of elementsOf(layout, at + offset).entries())
      writeField(bytes, place, field, (value as readonly Value[])[index])
    return
  }
  if (value instanceof Uint8Array) return bytes.set(value, at + offset)
  const whole = typeof value === 'boolean' ? (value ? 1n : 0n) : (value as bigint)
  for (let i = 0; i < layout.size; i++) bytes[at + offset + i] = Number((whole >> BigInt(8 * i)) & 0xffn)
}
