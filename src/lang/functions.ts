/** The library: ordinary data-plane functions, compiled into the cube that calls them. */
import type { bool, mac, u64 } from './types.ts'

/** An address of a group, broadcast included: the least significant bit of the first octet is set (IEEE 802). */
export function isMulticast(address: mac): bool {
  return (address[0] & 1) === 1
}

/** Seconds in nanoseconds, the unit of `now()`. */
export function seconds(count: u64): u64 {
  return count * 1_000_000_000
}

/** Milliseconds in nanoseconds. */
export function milliseconds(count: u64): u64 {
  return count * 1_000_000
}
