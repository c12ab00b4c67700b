/** The library: ordinary data-plane functions, compiled into the cube that calls them. */
import type { bool, mac, u64 } from './types.ts'

/** An address of a group, broadcast included: the least significant bit of the first octet is set (IEEE 802). */
export function isMulticast(address: mac): bool {
  return (address[0] & 1) === 1
}

/** 00-00-00-00-00-00, which is nobody's. */
export function isZero(address: mac): bool {
  return (address[0] | address[1] | address[2] | address[3] | address[4] | address[5]) === 0
}

/** 01-80-C2-00-00-00 to -0F: pause frames, spanning tree, LLDP; no bridge forwards them (IEEE 802.1Q, table 8-1). */
export function isReserved(address: mac): bool {
  const group = address[0] === 0x01 && address[1] === 0x80 && address[2] === 0xc2
  return group && (address[3] | address[4]) === 0 && address[5] <= 0x0f
}

/** Seconds in nanoseconds, the unit of `now()`. */
export function seconds(count: u64): u64 {
  return count * 1_000_000_000
}

/** Milliseconds in nanoseconds. */
export function milliseconds(count: u64): u64 {
  return count * 1_000_000
}
