/** An address of a host, with the length of its network's prefix. */
export interface Attached {
  readonly address: Uint8Array
  readonly prefix: number
}

/** Protocols above IP (RFC 790, IANA). */
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** Somebody to talk to, and the way there. */
export interface Peer {
  readonly version: 4 | 6
  readonly address: Uint8Array
  /** Sends an IP packet with this in it. */
  send(protocol: number, message: Uint8Array): void
  /** What the checksum of UDP, TCP and ICMPv6 covers besides the message: the same in both directions. */
  pseudoHeader(protocol: number, length: number): Uint8Array
}

/** An IP packet for this host, whole, its header checked. */
export interface Arrived {
  /** Answers go back the way that this came. */
  readonly from: Peer
  readonly protocol: number
  readonly message: Uint8Array
  /** With its IP header: what ICMP errors quote. */
  readonly packet: Uint8Array
  /** False where it was to a group. */
  readonly isUnicast: boolean
  readonly frame: Uint8Array
}

/** The side of a host that the handlers of a network protocol see. */
export interface Stack {
  readonly mac: Uint8Array
  send(frame: Uint8Array): void
  /** Remembers a neighbour's link-layer address. */
  learn(address: Uint8Array, mac: Uint8Array): void
  deliver(arrived: Arrived): void
  /** A frame for this host that it has no answer to. */
  keep(frame: Uint8Array): void
}

/** What one version of the internet protocol does for a host. Frames are whole, with their MAC headers. */
export interface Protocol {
  receive(frame: Uint8Array): void
  /** Asks for the link-layer address of a neighbour. */
  solicit(neighbour: Uint8Array): void
  /** Somebody who is reached by way of the neighbour with this link-layer address. */
  peer(address: Uint8Array, mac: Uint8Array): Peer
}

export function isWithin(address: Uint8Array, { address: own, prefix }: Attached): boolean {
  return address.every((octet, i) => {
    const bits = Math.min(8, Math.max(0, prefix - 8 * i))
    return ((octet ^ (own[i] ?? 0)) & (0xff00 >> bits) & 0xff) === 0
  })
}

/** `10.0.0.1/24`, `fd00::1/64` */
export function parseAttached(text: string, parse: (address: string) => Uint8Array): Attached {
  const [address = '', length = ''] = text.split('/')
  const bytes = parse(address)
  const prefix = /^\d+$/.test(length) ? Number(length) : Number.NaN
  if (!(prefix <= bytes.length * 8))
    throw new RangeError(`"${text}" is not an address with a prefix such as 10.0.0.1/24`)
  return { address: bytes, prefix }
}
