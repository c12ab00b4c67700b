/** What writing to headers means for checksums: found and changed one by one, as differences, where the packet goes on. */
import type { Field } from '../../src/isa/layout.ts'
import { type StructType, TRANSPORTS } from '../../src/lang/index.ts'
import type { Packet } from './packet.ts'

/** A field of a header at `at`: it, or some element of it, is written. */
export interface Place {
  readonly at: number
  readonly struct: StructType
  readonly field: Field
}

interface Sum {
  readonly at: number
  readonly optional: boolean
}

/** The 16-bit words that bytes lie in, zero where they are not; the first one may begin with the second half of one. */
function wordsOf(bytes: Uint8Array, isOdd: boolean): bigint[] {
  const whole = [...(isOdd ? [0] : []), ...bytes]
  return Array.from({ length: Math.ceil(whole.length / 2) }, (_, index) =>
    BigInt(((whole[2 * index] ?? 0) << 8) | (whole[2 * index + 1] ?? 0)),
  )
}

const sumOf = (words: readonly bigint[]): bigint => words.reduce((sum, word) => sum + word, 0n)

function changed(before: number, difference: bigint): number {
  let sum = BigInt(before ^ 0xffff) + difference
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n)
  return Number(sum) ^ 0xffff
}

const read16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
const write16 = (bytes: Uint8Array, at: number, value: number): void => bytes.set([value >> 8, value & 0xff], at)

export class Checksums {
  private readonly whole: Packet
  private owed: readonly { readonly place: Sum; readonly difference: bigint }[] = []

  constructor(packet: Packet) {
    this.whole = packet
  }

  private get packet(): Uint8Array {
    return this.whole.bytes
  }

  /** Called before `size` bytes from `start` on are written; what it gives is called afterwards. */
  writing(
    { at, struct, field }: Place,
    start: number,
    size: number,
    within?: { readonly at: number; readonly struct: StructType },
  ): () => void {
    const quoted = struct.checksums?.checksum
    // For a header that a message quotes, its own checksum makes up.
    const isOwn = within === undefined || (quoted?.covers === 'header' && field.name !== quoted.field)
    const message = isOwn ? { at, struct } : within
    const { checksum, pseudoHeader } = message.struct.checksums ?? {}
    if (within === undefined && field.name === checksum?.field) {
      // It is the right one of what has been written so far.
      if (checksum.covers === 'message') this.owed = this.owed.filter(({ place }) => place.at !== start)
      return () => {}
    }
    const end = start + size
    const before = this.packet.slice(start, end)
    const isAddress = within === undefined && pseudoHeader?.fields.includes(field.name) === true
    const covering = isAddress
      ? pseudoHeader.version === 4
        ? this.behindIPv4(at)
        : this.behindIPv6(at, field.name === 'destination')
      : undefined
    const own = message.struct.layout.fields.find(({ name }) => name === checksum?.field)
    return () => {
      const isOdd = ((start - message.at) & 1) === 1
      const inverse = wordsOf(before, isOdd).map((word) => word ^ 0xffffn)
      const difference = sumOf(wordsOf(this.packet.subarray(start, end), isOdd)) + sumOf(inverse)
      if (covering !== undefined) this.owe(covering, difference)
      if (own === undefined) return
      const place = message.at + own.offset
      const isTwice = within === undefined && field.name === checksum?.length
      if (checksum?.covers === 'header') write16(this.packet, place, changed(read16(this.packet, place), difference))
      else this.owe({ at: place, optional: checksum?.optional === true }, isTwice ? 2n * difference : difference)
    }
  }

  private owe(place: Sum, difference: bigint): void {
    this.owed = [...this.owed, { place, difference }]
  }

  settle(): void {
    const owed = this.owed
    this.owed = []
    for (const { place, difference } of owed) {
      const { at, optional } = place
      // The kernel's helper takes no others.
      if (at % 2 !== 0 || at > 0xffff || at + 2 > this.packet.length) continue
      const before = read16(this.packet, at)
      if (optional && before === 0) continue
      const after = changed(before, difference)
      write16(this.packet, at, optional && after === 0 ? 0xffff : after)
    }
  }

  private octet(at: number): number | undefined {
    return at <= 0x7fff ? this.packet[at] : undefined
  }

  private transport(protocol: number, at: number, version: 4 | 6): Sum | undefined {
    const found = TRANSPORTS.find((one) => one.protocol === protocol && (version === 6 || protocol !== 58))
    const { checksum } = found?.header.checksums ?? {}
    const field = found?.header.layout.fields.find(({ name }) => name === checksum?.field)
    return field === undefined ? undefined : { at: at + field.offset, optional: checksum?.optional === true }
  }

  private behindIPv4(at: number): Sum | undefined {
    if ((read16(this.packet, at + 6) & 0x1fff) !== 0) return undefined
    return this.transport(this.packet[at + 9] ?? 0, at + ((this.packet[at] ?? 0) & 0xf) * 4, 4)
  }

  /** At most 8 extension headers, that start within 256 bytes. */
  private behindIPv6(start: number, isDestination: boolean): Sum | undefined {
    let next = this.packet[start + 6] ?? 0
    let at = start + 40
    for (let round = 0; round < 8; round++) {
      const isFragment = next === 44
      if (!isFragment && ![0, 43, 60].includes(next)) return this.transport(next, at, 6)
      if (at - start > 256 || this.octet(at) === undefined) return undefined
      if (at + (isFragment ? 8 : 4) > this.packet.length) return undefined
      if (isFragment && (read16(this.packet, at + 2) & 0xfff8) !== 0) return undefined
      if (next === 43 && isDestination && this.packet[at + 3] !== 0) return undefined
      next = this.packet[at] ?? 0
      at += isFragment ? 8 : ((this.packet[at + 1] ?? 0) + 1) * 8
    }
    return undefined
  }
}
