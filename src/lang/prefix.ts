/**
 * Keys of LPM tries (linux/bpf.h, struct bpf_lpm_trie_key_u8): how many bits count, 32 bits in host order, and the fields,
 * the most significant bit first. Ours end in zeros until values, which the kernel puts right behind, are aligned.
 */
import { alignUp, viewOf } from '../base/bytes.ts'
import type { Struct } from '../isa/layout.ts'
import { decodeStruct, encodeStruct } from './codec.ts'
import { type ControlOf, type Fields, header, type StructType, type Type } from './types.ts'

const HEAD = 4
const MOST = 256

/** The struct of such a key: its fields lie behind the length, which is none of them. */
export function prefixKey<F extends Fields>(fields: F, valueAlign: number): StructType<F> {
  const all = Object.entries(fields)
  for (const [name, type] of all) {
    if (name === 'length') throw new RangeError('key.length: that is what the length of a prefix is called')
    if (type.kind === 'bits') throw new RangeError(`key.${name}: bit fields belong in headers; take u8, u16 or u32`)
  }
  const [name, last] = all.at(-1) ?? []
  if (last === undefined) throw new RangeError('key: a prefix needs a field')
  if (!hasPrefixes(last))
    throw new RangeError(
      `key.${name}: ${last.name} has no prefixes; the last field is an address or an unsigned integer`,
    )
  const { layout } = header('key', fields)
  if (layout.size > MOST) throw new RangeError(`key: ${layout.size} bytes; ${MOST} are the most`)
  const size = HEAD + alignUp(layout.size, valueAlign)
  const places = layout.fields.map((field) => ({ ...field, offset: HEAD + field.offset }))
  return { name: 'key', fields, order: 'network', layout: { kind: 'struct', size, align: HEAD, fields: places }, size }
}

const hasPrefixes = ({ kind, layout, isPort }: Type): boolean =>
  layout.kind === 'bytes' || (kind === 'int' && layout.kind === 'scalar' && !layout.signed && !isPort)

/** The layout of the whole key, the length included. */
export const prefixKeyLayout = ({ layout }: StructType): Struct => ({
  ...layout,
  fields: [
    { name: 'length', offset: 0, layout: { kind: 'scalar', size: 4, signed: false, align: 4 } },
    ...layout.fields,
  ],
})

/** Bits before the last field, and bits with it. */
function bitsOf({ layout }: StructType): { before: number; whole: number } {
  const last = layout.fields.at(-1)
  const from = last?.offset ?? HEAD
  return { before: (from - HEAD) * 8, whole: (from - HEAD + (last?.layout.size ?? 0)) * 8 }
}

/** The length with which a data plane asks: all bits of all fields. */
export const wholeLength = (key: StructType): number => bitsOf(key).whole

/** Bytes of a prefix. A RangeError where its length is none of the field's, or where there are bits past it. */
export function encodePrefix<F extends Fields>(
  key: StructType<F>,
  prefix: ControlOf<F> & { readonly length: number },
): Uint8Array {
  const bytes = encodeStruct(key, prefix)
  const { before, whole } = bitsOf(key)
  const { length } = prefix
  if (!Number.isInteger(length) || length < 0 || length > whole - before)
    throw new RangeError(`key.length: ${length} is not a number from 0 to ${whole - before}`)
  viewOf(bytes).setUint32(0, before + length, true)
  for (let bit = before + length; bit < whole; bit++)
    if (((bytes[HEAD + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) {
      const name = key.layout.fields.at(-1)?.name ?? ''
      const given = (prefix as Readonly<Record<string, unknown>>)[name]
      throw new RangeError(`key.${name}: ${given} has bits past the length ${length}`)
    }
  return bytes
}

export function decodePrefix<F extends Fields>(
  key: StructType<F>,
  bytes: Uint8Array,
): ControlOf<F> & { readonly length: number } {
  return { ...decodeStruct(key, bytes), length: viewOf(bytes).getUint32(0, true) - bitsOf(key).before }
}
