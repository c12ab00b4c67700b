/** An address of a host, with the length of its network's prefix. */
export interface Attached {
  readonly address: Uint8Array
  readonly prefix: number
}

/** The side of a host that the handlers of a protocol see. */
export interface Stack {
  readonly mac: Uint8Array
  send(frame: Uint8Array): void
  /** Remembers a neighbour's link-layer address. */
  learn(address: Uint8Array, mac: Uint8Array): void
  /** An echo reply arrived, and its checksums were right. */
  replied(echo: Echo): void
  /** A frame for this host that it has no answer to. */
  keep(frame: Uint8Array): void
}

export interface Echo {
  readonly from: Uint8Array
  readonly identifier: number
  readonly sequence: number
  readonly payload: Uint8Array
}

/** What one version of the internet protocol does for a host. Frames are whole, with their MAC headers. */
export interface Protocol {
  receive(frame: Uint8Array): void
  /** Asks for the link-layer address of a neighbour. */
  solicit(neighbour: Uint8Array): void
  /** Sends an echo request by way of a neighbour. */
  request(to: Uint8Array, mac: Uint8Array, echo: Omit<Echo, 'from'>): void
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
