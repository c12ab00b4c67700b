/** 64-bit operations on registers kept as two 32-bit halves, where they take more than a line. RFC 9669 section 4.1. */

type Words = Int32Array

/** The low 64 bits of a product. */
export function multiply(lo: Words, hi: Words, d: number, al: number, ah: number, bl: number, bh: number): void {
  const a0 = al & 0xffff
  const a1 = al >>> 16
  const b0 = bl & 0xffff
  const b1 = bl >>> 16
  // Every partial product is below 2^32 and every sum below 2^34: exact in a double.
  const middle = a0 * b1 + a1 * b0 + Math.floor((a0 * b0) / 0x10000)
  const carry = a1 * b1 + Math.floor(middle / 0x10000)
  lo[d] = Math.imul(al, bl)
  hi[d] = Math.imul(al, bh) + Math.imul(ah, bl) + (carry | 0)
}

const bits = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)

function set(lo: Words, hi: Words, d: number, value: bigint): void {
  lo[d] = Number(BigInt.asIntN(32, value))
  hi[d] = Number(BigInt.asIntN(32, value >> 32n))
}

/** Division by zero gives 0. */
export function divide(lo: Words, hi: Words, d: number, al: number, ah: number, bl: number, bh: number): void {
  if ((ah | bh) === 0) {
    lo[d] = bl === 0 ? 0 : Math.floor((al >>> 0) / (bl >>> 0))
    hi[d] = 0
    return
  }
  const b = bits(bl, bh)
  set(lo, hi, d, b === 0n ? 0n : bits(al, ah) / b)
}

/** Modulo by zero leaves the dividend. */
export function modulo(lo: Words, hi: Words, d: number, al: number, ah: number, bl: number, bh: number): void {
  if ((bl | bh) === 0) return
  if ((ah | bh) === 0) lo[d] = (al >>> 0) % (bl >>> 0)
  else set(lo, hi, d, bits(al, ah) % bits(bl, bh))
}

/** Rounds towards zero; the least number divided by -1 is itself. */
export function signedDivide(lo: Words, hi: Words, d: number, al: number, ah: number, bl: number, bh: number): void {
  const b = BigInt.asIntN(64, bits(bl, bh))
  set(lo, hi, d, b === 0n ? 0n : BigInt.asIntN(64, bits(al, ah)) / b)
}

/** Has the sign of the dividend. */
export function signedModulo(lo: Words, hi: Words, d: number, al: number, ah: number, bl: number, bh: number): void {
  const b = BigInt.asIntN(64, bits(bl, bh))
  if (b !== 0n) set(lo, hi, d, BigInt.asIntN(64, bits(al, ah)) % b)
}

/** Shift amounts are taken modulo 64. JavaScript's own shifts take theirs modulo 32, hence the cases. */
export function shiftLeft(lo: Words, hi: Words, d: number, al: number, ah: number, amount: number): void {
  const by = amount & 63
  if (by >= 32) {
    lo[d] = 0
    hi[d] = al << (by - 32)
  } else if (by !== 0) {
    lo[d] = al << by
    hi[d] = (ah << by) | (al >>> (32 - by))
  }
}

export function shiftRight(lo: Words, hi: Words, d: number, al: number, ah: number, amount: number): void {
  const by = amount & 63
  if (by >= 32) {
    lo[d] = ah >>> (by - 32)
    hi[d] = 0
  } else if (by !== 0) {
    lo[d] = (al >>> by) | (ah << (32 - by))
    hi[d] = ah >>> by
  }
}

export function shiftRightSigned(lo: Words, hi: Words, d: number, al: number, ah: number, amount: number): void {
  const by = amount & 63
  if (by >= 32) {
    lo[d] = ah >> (by - 32)
    hi[d] = ah >> 31
  } else if (by !== 0) {
    lo[d] = (al >>> by) | (ah << (32 - by))
    hi[d] = ah >> by
  }
}

const swap16 = (word: number): number => ((word & 0xff) << 8) | ((word >>> 8) & 0xff)
const swap32 = (word: number): number => (swap16(word) << 16) | swap16(word >>> 16)

/** Reverses the lowest `width` bits byte by byte, and clears the bits above. */
export function byteSwap(lo: Words, hi: Words, d: number, al: number, ah: number, width: number): void {
  lo[d] = width === 16 ? swap16(al) : width === 32 ? swap32(al) : swap32(ah)
  hi[d] = width === 64 ? swap32(al) : 0
}

/** The lowest `width` bits, which on a little-endian machine is all there is to `le16`, `le32` and `le64`. */
export function truncate(lo: Words, hi: Words, d: number, al: number, ah: number, width: number): void {
  lo[d] = width === 16 ? al & 0xffff : al
  hi[d] = width === 64 ? ah : 0
}
