import { type DataOf, type IPv4, type u8, u16, type u32, type u64 } from '../../../src/lang/index.ts'

export type Port = u16
export interface Place {
  at: u32
  port: Port
}

/** A default export, with a default. */
export default function scaled(value: u32, factor: u32 = 3): u32 {
  return value * factor
}

export const low = (value: u32, mask: u8 = 0x0f) => value & mask

/** A header, taken apart in the list of parameters. */
export const hops = ({ timeToLive, protocol }: DataOf<typeof IPv4.fields>): u32 => timeToLive * 256 + protocol

/** A record: `port` has 16 bits, whatever is given. */
export const placed = ({ at, port }: Place): u32 => at + port

export function moved(place: Place, by: u32 = 1): Place {
  return { at: place.at + by, port: place.port }
}

export const octets = ([first, , third]: readonly number[] & DataOf<typeof IPv4.fields>['source']): u32 =>
  u16(first) * 256 + third

export const wide = (value: u64): u64 => value
