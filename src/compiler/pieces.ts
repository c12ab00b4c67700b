/** Values in registers: how many each takes, and how they get into memory and out of it. */
import type { Field, Layout } from '../isa/layout.ts'
import type { StructType } from '../lang/index.ts'
import type { Builder } from './builder.ts'
import type { Memory, Size, Value } from './ir.ts'
import type { ValueType } from './typed.ts'

/** A value in registers: one, or several for addresses of more than 8 bytes or an odd size. */
export type Pieces = readonly Value[]

/** Addresses in pieces of these sizes, in memory order. */
const PIECES: Readonly<Record<string, readonly Size[]>> = { mac: [4, 2], ipv4: [4], ipv6: [8, 8] }

/** A field of what is written into memory, in registers. */
export interface Given {
  readonly field: Field
  readonly pieces: Pieces
}

/** The width that a type is computed in. */
export const width = (type: ValueType): 32 | 64 =>
  type.kind === 'constant' || (type.kind === 'int' && type.bits === 64) ? 64 : 32

/** The sizes of the registers that hold a value. */
export const piecesOf = (type: ValueType): readonly Size[] =>
  type.kind === 'address'
    ? (PIECES[type.role] ?? [])
    : type.kind === 'list'
      ? sizesOf(type.list.layout)
      : [width(type) === 64 ? 8 : 4]

/** The sizes of the loads and stores that move a field. Lists of octets move in words, others by elements. */
export function sizesOf(layout: Layout): readonly Size[] {
  switch (layout.kind) {
    case 'bytes':
      return PIECES[layout.role] ?? []
    case 'scalar':
      return [layout.size]
    case 'list':
      return layout.element.size === 1
        ? wordsOf(0, layout.size).map(({ size }) => size)
        : Array.from({ length: layout.length }, () => sizesOf(layout.element)).flat()
    case 'struct':
      return []
  }
}

/** Bytes in aligned words. */
export function wordsOf(offset: number, length: number): { offset: number; size: Size }[] {
  const words: { offset: number; size: Size }[] = []
  for (let at = offset; at < offset + length; ) {
    const size = ([8, 4, 2, 1] as const).find((one) => at % one === 0 && at + one <= offset + length) ?? 1
    words.push({ offset: at, size })
    at += size
  }
  return words
}

/** Where the plain values of a layout lie, in order: those of lists and of the structs in them too. */
export function plainParts(layout: Layout, offset = 0): { offset: number; size: number; layout: Layout }[] {
  if (layout.kind === 'struct') return layout.fields.flatMap((field) => plainParts(field.layout, offset + field.offset))
  if (layout.kind === 'list' && layout.element.kind === 'struct')
    return Array.from({ length: layout.length }, (_, index) =>
      plainParts(layout.element, offset + index * layout.element.size),
    ).flat()
  return [{ offset, size: layout.size, layout }]
}

/** Integers between network and host byte order: those of a list, each. */
export function swapped(builder: Builder, layout: Layout, pieces: Pieces): Pieces {
  const unit = layout.kind === 'list' ? layout.element : layout
  if (unit.kind !== 'scalar' || unit.size === 1) return pieces
  const bits = (8 * unit.size) as 16 | 32 | 64
  return pieces.map((piece) => builder.emit({ op: 'swap', bits }, piece))
}

export function storePieces(builder: Builder, base: Value, field: Field, pieces: Pieces): void {
  let { offset } = field
  for (const [index, size] of sizesOf(field.layout).entries()) {
    const piece = pieces[index]
    if (piece !== undefined) storePiece(builder, base, piece, size, offset)
    offset += size
  }
}

/** The stack takes aligned stores only, on every machine: an address behind an odd number of bytes goes in parts. */
function storePiece(builder: Builder, base: Value, piece: Value, size: Size, offset: number): void {
  if (base.op !== 'stack' || offset % size === 0) {
    builder.emit({ op: 'store', size, offset }, base, piece)
    return
  }
  const half = (size / 2) as Size
  const bits = size === 8 ? 64 : 32
  const upper = builder.emit({ op: 'alu', alu: 'rsh', bits }, piece, builder.constant(8 * half))
  storePiece(builder, base, piece, half, offset)
  storePiece(builder, base, upper, half, offset + half)
}

export function loadPieces(builder: Builder, pointer: Value, field: Field, from: Memory): Pieces {
  let { offset } = field
  return sizesOf(field.layout).map((size) => {
    const piece = loadPiece(builder, pointer, size, offset, from)
    offset += size
    return piece
  })
}

/** The stack gives aligned loads only, too. */
function loadPiece(builder: Builder, base: Value, size: Size, offset: number, from: Memory): Value {
  if (base.op !== 'stack' || offset % size === 0) return builder.emit({ op: 'load', size, offset, from }, base)
  const half = (size / 2) as Size
  const bits = size === 8 ? 64 : 32
  const lower = loadPiece(builder, base, half, offset, from)
  const upper = loadPiece(builder, base, half, offset + half, from)
  const shifted = builder.emit({ op: 'alu', alu: 'lsh', bits }, upper, builder.constant(8 * half))
  return builder.emit({ op: 'alu', alu: 'or', bits }, lower, shifted)
}

/** An octet of an address. Pieces lie in registers as they lie in memory, the first octet lowest. */
export function octet(builder: Builder, pieces: Pieces, type: ValueType, index: number): Value {
  let start = 0
  for (const [at, size] of piecesOf(type).entries()) {
    const piece = pieces[at]
    if (piece !== undefined && index < start + size) {
      const bits = size === 8 ? 64 : 32
      const shifted = builder.emit({ op: 'alu', alu: 'rsh', bits }, piece, builder.constant(8 * (index - start)))
      return builder.emit({ op: 'alu', alu: 'and', bits }, shifted, builder.constant(0xff))
    }
    start += size
  }
  throw new Error(`an address has no octet ${index}`)
}

/** The bytes of a struct that no field covers, in aligned pieces. */
export function padding({ layout }: StructType): { offset: number; size: Size }[] {
  const covered = plainParts(layout)
  const starts = [...covered.map(({ offset }) => offset), layout.size]
  const ends = [0, ...covered.map(({ offset, size }) => offset + size)]
  return starts.flatMap((start, index) => wordsOf(ends[index] ?? start, start - (ends[index] ?? start)))
}
