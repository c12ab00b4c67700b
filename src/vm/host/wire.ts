import { concat, viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import type { Echo } from './stack.ts'

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

/** Types of echo messages: ICMP (RFC 792), ICMPv6 (RFC 4443 section 4). */
export const ECHO = { v4: { request: 8, reply: 0 }, v6: { request: 128, reply: 129 } } as const

/** `| type 1 | code 1 | checksum 2 | identifier 2 | sequence 2 | payload |`; the checksum covers `pseudo` as well. */
export function echoMessage(
  type: number,
  { identifier, sequence, payload }: Omit<Echo, 'from'>,
  pseudo: Uint8Array,
): Uint8Array {
  return withChecksum(concat(Uint8Array.of(type, 0, 0, 0), be16(identifier), be16(sequence), payload), pseudo)
}

/** An ICMP message with its checksum at bytes 2 and 3, which were zero. */
export function withChecksum(message: Uint8Array, pseudo: Uint8Array): Uint8Array {
  message.set(be16(internetChecksum(pseudo, message)), 2)
  return message
}

export function echoOf(message: Uint8Array, from: Uint8Array): Echo {
  const view = viewOf(message)
  return { from, identifier: view.getUint16(4), sequence: view.getUint16(6), payload: message.slice(8) }
}
