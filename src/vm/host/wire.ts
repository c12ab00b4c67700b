import { concat, viewOf } from '../../base/bytes.ts'

/** Ethertypes (IEEE 802, IANA). */
export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const

export const BROADCAST = new Uint8Array(6).fill(0xff)

export const be16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value)
export const be32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

/** `| destination 6 | source 6 | type 2 |` and what it carries. */
export const ethernet = (destination: Uint8Array, source: Uint8Array, type: number, payload: Uint8Array): Uint8Array =>
  concat(destination, source, be16(type), payload)

export const ethertypeOf = (frame: Uint8Array): number => viewOf(frame).getUint16(12)
export const sourceOf = (frame: Uint8Array): Uint8Array => frame.slice(6, 12)
