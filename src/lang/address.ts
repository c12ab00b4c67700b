/** Addresses and prefixes as values: written down in a module or in the configuration, or made of octets. */
import { parseIPv4, parseIPv6, parseMac } from '../base/address.ts'
import type { ipv4, ipv6, mac } from './types.ts'

export const PARSERS = { mac: parseMac, ipv4: parseIPv4, ipv6: parseIPv6 } as const
export type Role = keyof typeof PARSERS

/** Addresses as live values, by what they are made of. */
const roles = new WeakMap<object, Role>()

/** An address as a live value: its octets, frozen. */
export function addressOf<A>(role: Role, octets: Iterable<number>): A {
  const value = Object.freeze([...octets])
  roles.set(value, role)
  return value as A
}

/** What kind of address a live value is; undefined for everything else. */
export const roleOf = (value: unknown): Role | undefined =>
  typeof value === 'object' && value !== null ? roles.get(value) : undefined

/** The addresses whose first `length` bits are those of `address`. All bits after them are zero there. */
export interface Prefix {
  readonly address: ipv4 | ipv6
  /** Bits. */
  readonly length: number
}

/**
 * `prefix('10.0.0.0/8')`, `prefix('fd00::/64')`. A RangeError for a text that is none, or has bits past its length.
 * For data planes, where the text is written there or comes from the configuration.
 */
export const prefix: (text: string) => Prefix = Object.assign(parsePrefix)

export function parsePrefix(text: string): Prefix {
  const [, address = '', digits = ''] = /^(.+)\/(\d{1,3})$/.exec(text) ?? []
  const role = address.includes(':') ? 'ipv6' : 'ipv4'
  if (address === '') throw new RangeError(`"${text}" is not a prefix such as 10.0.0.0/8`)
  const octets = PARSERS[role](address)
  const length = Number(digits)
  if (length > octets.length * 8) throw new RangeError(`"${text}": a length of ${role} is 0 to ${octets.length * 8}`)
  if (octets.some((octet, index) => (octet & ~maskOctet(length, index)) !== 0))
    throw new RangeError(`"${text}" has bits past its length`)
  return Object.freeze({ address: addressOf<ipv4 | ipv6>(role, octets), length })
}

/** The bits of an octet that a prefix of this length has. */
export const maskOctet = (length: number, index: number): number =>
  (0xff00 >> Math.min(8, Math.max(0, length - 8 * index))) & 0xff

const forDataPlanes = (name: string) => (): never => {
  throw new TypeError(`${name} is for data planes`)
}

/** Whether an address is one of a prefix. */
export const contains: (prefix: Prefix, address: ipv4 | ipv6) => boolean = Object.assign(forDataPlanes('contains'))

/** An address with all bits but the first `length` set to zero. */
export const masked: <A extends mac | ipv4 | ipv6>(address: A, length: number) => A = Object.assign(
  forDataPlanes('masked'),
)
