/** Addresses in registers: their pieces lie there as in memory, the first octet lowest. */
import type { Builder } from '../builder.ts'
import type { AluName, Block, Size, Value } from '../ir.ts'
import { swapBytes } from '../passes/simplify.ts'
import { type Pieces, piecesOf } from '../pieces.ts'
import type { ValueType } from '../typed.ts'

type Swap = 16 | 32 | 64

const widthOf = (size: Size): 32 | 64 => (size === 8 ? 64 : 32)
const alu = (builder: Builder, name: AluName, bits: 32 | 64, a: Value, b: Value): Value =>
  builder.emit({ op: 'alu', alu: name, bits }, a, b)

/** From octets that are known. */
export function addressPieces(builder: Builder, type: ValueType, octets: readonly number[]): Pieces {
  let at = 0
  return piecesOf(type).map((size) => {
    const part = octets.slice(at, at + size)
    at += size
    return builder.constant(part.reduceRight((word, octet) => (word << 8n) | BigInt(octet), 0n))
  })
}

/** From octets that are computed, each at most 255. */
export function octetPieces(builder: Builder, type: ValueType, octets: readonly Value[]): Pieces {
  let at = 0
  return piecesOf(type).map((size) => {
    const bits = widthOf(size)
    const part = octets.slice(at, at + size)
    at += size
    const placed = part.map((octet, index) => alu(builder, 'lsh', bits, octet, builder.constant(8 * index)))
    return placed.reduce((word, octet) => alu(builder, 'or', bits, word, octet))
  })
}

/** The number whose digits, in base 256, are the octets. */
export function numberOfPieces(builder: Builder, type: ValueType, pieces: Pieces): Value {
  const sizes = piecesOf(type)
  const parts = pieces.map((piece, index) => swap(builder, piece, sizes[index] ?? 4))
  return parts.reduce((number, part, index) => {
    const by = builder.constant(8 * (sizes[index] ?? 4))
    return alu(builder, 'or', 64, alu(builder, 'lsh', 64, number, by), part)
  })
}

export function piecesOfNumber(builder: Builder, type: ValueType, number: Value): Pieces {
  const sizes = piecesOf(type)
  return sizes.map((size, index) => {
    const behind = sizes.slice(index + 1).reduce<number>((sum, one) => sum + one, 0)
    const part = behind === 0 ? number : alu(builder, 'rsh', 64, number, builder.constant(8 * behind))
    return swap(builder, part, size)
  })
}

const swap = (builder: Builder, value: Value, size: Size): Value =>
  builder.emit({ op: 'swap', bits: (8 * size) as Swap }, value)

/** Keeps the first bits. */
export function maskPieces(builder: Builder, type: ValueType, pieces: Pieces, length: Value): Pieces {
  let start = 0
  return piecesOf(type).map((size, index) => {
    const piece = pieces[index]
    const bits = 8 * size
    const mask = maskOf(builder, { start, bits, only: pieces.length === 1 }, length)
    start += bits
    if (piece === undefined) throw new Error('an address without a piece')
    return alu(builder, 'and', widthOf(size), piece, mask)
  })
}

interface Piece {
  /** Its first bit is this one of the address. */
  readonly start: number
  readonly bits: number
  /** There is no other. */
  readonly only: boolean
}

/** Ones for the bits of a piece that are among the first `length` of the address. */
function maskOf(builder: Builder, piece: Piece, length: Value): Value {
  const { start, bits, only } = piece
  const ones = (1n << BigInt(bits)) - 1n
  const hostMask = (count: number): bigint => (ones << BigInt(bits - count)) & ones
  if (length.op === 'const') {
    const count = Math.min(bits, Math.max(0, Number(length.value) - start))
    return builder.constant(swapBytes(hostMask(count), bits as Swap))
  }
  // Up to 32 bits: ones in the upper half are shifted into the lower one, from no bit to all.
  if (only && bits === 32) {
    const upper = builder.constant(((1n << 64n) - 1n) ^ 0xffffffffn)
    const shifted = builder.emit({ op: 'low32' }, alu(builder, 'rsh', 64, upper, length))
    return swap(builder, shifted, 4)
  }
  return between(builder, piece, length, ones)
}

/** The same where the piece may be wholly in or out: a test of each, and a shift. */
function between(builder: Builder, { start, bits }: Piece, length: Value, ones: bigint): Value {
  const [some, whole, none, part, after] = Array.from({ length: 5 }, () => builder.newBlock()) as [
    Block,
    Block,
    Block,
    Block,
    Block,
  ]
  const result = builder.own()
  const leave = (value: Value) => {
    builder.write(result, value)
    builder.jump(after)
  }
  builder.branch('ule', 32, length, builder.constant(start), none, some)
  builder.enter(none)
  leave(builder.constant(0))
  builder.enter(some)
  builder.branch('uge', 32, length, builder.constant(start + bits), whole, part)
  builder.enter(whole)
  leave(builder.constant(ones))
  builder.enter(part)
  const missing = alu(builder, 'sub', 32, builder.constant(start + bits), length)
  const wide = bits === 64 ? 64 : 32
  const shifted = alu(builder, 'lsh', wide, builder.constant(ones), missing)
  leave(swap(builder, shifted, (bits / 8) as Size))
  builder.enter(after)
  return builder.read(result)
}
