/** Hash functions for packets: data-plane functions, compiled into the cube that calls them. */
import type { u32, u64 } from './types.ts'

const rotate32 = (value: u32, by: u32): u32 => (value << by) | (value >>> (32 - by))
const rotate64 = (value: u64, by: u32): u64 => (value << by) | (value >>> (64 - by))

/**
 * Bob Jenkins' lookup3 of three words, as Linux has it (`jhash_3words`, include/linux/jhash.h): enough for the addresses and
 * ports of an IPv4 flow. For one or two words the rest is 0; for more, pass one hash on as the seed of the next.
 */
export function jenkins(first: u32, second: u32, third: u32, seed: u32): u32 {
  const start: u32 = seed + 0xdeadbeef + 12
  let a: u32 = first + start
  let b: u32 = second + start
  let c: u32 = third + start
  c = (c ^ b) - rotate32(b, 14)
  a = (a ^ c) - rotate32(c, 11)
  b = (b ^ a) - rotate32(a, 25)
  c = (c ^ b) - rotate32(b, 16)
  a = (a ^ c) - rotate32(c, 4)
  b = (b ^ a) - rotate32(a, 14)
  return (c ^ b) - rotate32(b, 24)
}

/** Multipliers of XXH64, in halves: a number of JavaScript does not hold them. */
const PRIME1 = 0x9e3779b1 * 0x100000000 + 0x85ebca87
const PRIME2 = 0xc2b2ae3d * 0x100000000 + 0x27d4eb4f
const PRIME3 = 0x165667b1 * 0x100000000 + 0x9e3779f9
const PRIME4 = 0x85ebca77 * 0x100000000 + 0xc2b2ae63
const PRIME5 = 0x27d4eb2f * 0x100000000 + 0x165667c5

/**
 * XXH64 of up to three words of 8 bytes (xxHash, doc/xxhash_spec.md): begin with their size in bytes, go on with each word,
 * and end.
 *
 *     xxhashEnd(xxhash(xxhash(xxhashBegin(16, seed), first), second))
 */
export function xxhashBegin(size: u64, seed: u64): u64 {
  return seed + PRIME5 + size
}

/** One word more. Words are little-endian: in the order of the packet only after swapping. */
export function xxhash(hash: u64, word: u64): u64 {
  const lane: u64 = rotate64(word * PRIME2, 31) * PRIME1
  return rotate64(hash ^ lane, 27) * PRIME1 + PRIME4
}

/** The hash: every bit of it depends on every bit that went in. */
export function xxhashEnd(hash: u64): u64 {
  let mixed: u64 = (hash ^ (hash >>> 33)) * PRIME2
  mixed = (mixed ^ (mixed >>> 29)) * PRIME3
  return mixed ^ (mixed >>> 32)
}
