/**
 * The Internet checksum (RFC 1071), changed rather than computed anew (RFC 1624), for bytes that no header declares:
 * fields of headers keep their checksums by themselves.
 */
import type { u16, u32 } from './types.ts'

/** A sum of 16-bit words, with the carries added back in: 0 to 0xffff. */
export function checksumFold(sum: u32): u16 {
  const once: u32 = (sum & 0xffff) + (sum >>> 16)
  return (once & 0xffff) + (once >>> 16)
}

/** The checksum after a 16-bit word under it has changed (RFC 1624, equation 3). */
export function checksumReplace(checksum: u16, before: u16, after: u16): u16 {
  const sum: u32 = (checksum ^ 0xffff) + (before ^ 0xffff) + after
  return checksumFold(sum) ^ 0xffff
}

/** The same for a word of 32 bits that lies at an even distance from the first byte. */
export function checksumReplace32(checksum: u16, before: u32, after: u32): u16 {
  const upper: u16 = checksumReplace(checksum, u16High(before), u16High(after))
  return checksumReplace(upper, before & 0xffff, after & 0xffff)
}

const u16High = (word: u32): u16 => word >>> 16
