/**
 * The newer format (draft-ietf-opsawg-pcapng): blocks, `| type 4 | length 4 | … | length again 4 |`, in sections that have a byte
 * order and interfaces of their own. Blocks that are about no frame are skipped, and options that change no frame, but for comments
 * where they are asked for.
 */
import { viewOf } from '../base/bytes.ts'
import { type CapturedFrame, LONGEST_CAPTURE, withoutCheckSequence } from './frame.ts'
import type { Input } from './input.ts'
import { describeLinkType, LINKTYPE_ETHERNET } from './linktype.ts'

export const BLOCK = {
  section: 0x0a0d0d0a,
  interface: 1,
  /** Obsolete, and still in old files. */
  packet: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d

/** Options: the first two of any block, the others of an interface. */
export const OPTION = { end: 0, comment: 1, name: 2, resolution: 9, checkSequence: 13, timeOffset: 14 } as const

/** Type and length before the body of a block. */
export const HEAD = 8
/** The length again, after it. */
export const TAIL = 4

/** What every body of these begins with. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [BLOCK.section, 16],
  [BLOCK.interface, 8],
  [BLOCK.packet, 20],
  [BLOCK.simplePacket, 4],
  [BLOCK.enhancedPacket, 20],
])

/** Of blocks that are read as a whole: a frame and its options, such as comments. */
const LONGEST_BLOCK = 16 * 2 ** 20

interface Interface {
  readonly linkType: number
  /** 0: frames are whole. */
  readonly snapshot: number
  readonly fcs: number
  /** A time in the units of this interface is `time * multiply / divide + offset` nanoseconds since 1970. */
  readonly multiply: bigint
  readonly divide: bigint
  readonly offset: bigint
}

export class PcapngReader {
  readonly format = 'pcapng'
  readonly #input: Input
  readonly #comments: boolean
  #littleEndian = false
  /** Of this section, in the order of their blocks, which is how packets name them. */
  #interfaces: Interface[] = []
  /** Simple packets have no time: they count as simultaneous with the frame before. */
  #latest = 0n
  /** A block of which only the end matters, and where it began. */
  #skipped: { readonly offset: number; readonly length: number } | undefined

  constructor(input: Input, comments = false) {
    this.#input = input
    this.#comments = comments
  }

  /** The next frame; undefined where more bytes are needed to tell. */
  next(): CapturedFrame | undefined {
    const input = this.#input
    while (this.#finishSkipped()) {
      // A section's head also says in which order its bytes are, so that comes first.
      if (input.available < HEAD + 4) return undefined
      const isSection = input.u32(0, false) === BLOCK.section
      if (isSection) this.#setByteOrder()
      const type = input.u32(0, this.#littleEndian)
      const length = input.u32(4, this.#littleEndian)
      const fixed = isSection ? 16 : FIXED.get(type)
      if (length < HEAD + (fixed ?? 0) + TAIL || length % 4 !== 0)
        throw input.damage(input.offset + 4, `a block of type ${type} cannot have ${length} bytes: the file is damaged`)
      if (fixed === undefined) {
        this.#skipped = { offset: input.offset, length }
        input.take(length - TAIL)
        continue
      }
      if (length > LONGEST_BLOCK)
        throw input.damage(input.offset + 4, `no block of type ${type} has ${length} bytes: the file is damaged`)
      if (input.available < length) return undefined
      this.#checkEnd(input.offset, length, length - TAIL)
      const frame = this.#read(type, length)
      input.take(length)
      if (frame !== undefined) return frame
    }
    return undefined
  }

  /** The file ends here: throws where it should not. */
  end(): void {
    const input = this.#input
    if (this.#skipped === undefined && input.available === 0) return
    const { offset, length } = this.#skipped ?? {
      offset: input.offset,
      length: input.available < HEAD ? undefined : input.u32(4, this.#littleEndian),
    }
    const there = input.offset + input.available - offset
    throw input.damage(
      offset,
      `the file ends in the middle of this block: ${there} bytes of ${length ?? `at least ${HEAD + TAIL}`} are there`,
      'everything before this byte was read',
    )
  }

  /** True where no block is being skipped any more. */
  #finishSkipped(): boolean {
    const input = this.#input
    if (this.#skipped === undefined) return true
    if (input.missing > 0 || input.available < TAIL) return false
    this.#checkEnd(this.#skipped.offset, this.#skipped.length, 0)
    this.#skipped = undefined
    input.take(TAIL)
    return true
  }

  #checkEnd(offset: number, length: number, distance: number): void {
    const again = this.#input.u32(distance, this.#littleEndian)
    if (again !== length)
      throw this.#input.damage(
        offset,
        `this block begins as one of ${length} bytes and ends as one of ${again}: the file is damaged here`,
        'everything before this byte was read',
      )
  }

  #setByteOrder(): void {
    const input = this.#input
    this.#littleEndian = input.u32(HEAD, true) === BYTE_ORDER_MAGIC
    if (!this.#littleEndian && input.u32(HEAD, false) !== BYTE_ORDER_MAGIC)
      throw input.damage(input.offset + HEAD, 'a section starts here, and this is no byte order: the file is damaged')
  }

  /** The frame of a block that is there as a whole. */
  #read(type: number, length: number): CapturedFrame | undefined {
    const input = this.#input
    const littleEndian = this.#littleEndian
    switch (type) {
      case BLOCK.section: {
        const major = input.u16(HEAD + 4, littleEndian)
        if (major !== 1)
          throw input.damage(
            input.offset + HEAD + 4,
            `version ${major} of the pcapng format, and only version 1 is known`,
          )
        this.#interfaces = []
        return undefined
      }
      case BLOCK.interface:
        this.#interfaces.push(this.#interface(length))
        return undefined
      case BLOCK.simplePacket: {
        const at = this.#at(0)
        const wire = input.u32(HEAD, littleEndian)
        const space = length - HEAD - 4 - TAIL
        const captured = at.snapshot === 0 ? wire : Math.min(wire, at.snapshot)
        return this.#frame(at, this.#latest, HEAD + 4, captured, wire, space)
      }
      default: {
        // Times have 64 bits, their upper half first in either byte order.
        const number = type === BLOCK.packet ? input.u16(HEAD, littleEndian) : input.u32(HEAD, littleEndian)
        const at = this.#at(number)
        const time = (BigInt(input.u32(HEAD + 4, littleEndian)) << 32n) | BigInt(input.u32(HEAD + 8, littleEndian))
        const scaled = time * at.multiply
        this.#latest = (at.divide === 1n ? scaled : scaled / at.divide) + at.offset
        const captured = input.u32(HEAD + 12, littleEndian)
        const space = length - HEAD - 20 - TAIL
        const frame = this.#frame(at, this.#latest, HEAD + 20, captured, input.u32(HEAD + 16, littleEndian), space)
        return this.#comments ? { ...frame, ...this.#comment(HEAD + 20 + Math.ceil(captured / 4) * 4, length) } : frame
      }
    }
  }

  /** Options follow the frame. */
  #comment(from: number, length: number): { readonly comment?: string } {
    for (const [code, value] of this.#options(from, length - TAIL))
      if (code === OPTION.comment) return { comment: new TextDecoder().decode(value) }
    return {}
  }

  #frame(at: Interface, time: bigint, distance: number, captured: number, wire: number, space: number): CapturedFrame {
    const input = this.#input
    if (captured > space || captured > LONGEST_CAPTURE)
      throw input.damage(
        input.offset,
        `this block says ${captured} bytes of a frame of ${wire}, and has room for ${space}: the file is damaged here`,
        'everything before this byte was read',
      )
    const bytes = input.bytes(distance, captured)
    return withoutCheckSequence({ time, bytes, length: Math.max(wire, captured) }, at.fcs)
  }

  /** The interface that a packet came by. */
  #at(number: number): Interface {
    const input = this.#input
    const found = this.#interfaces[number]
    if (found === undefined)
      throw input.damage(
        input.offset,
        `this frame came by interface ${number}, and the section describes ${this.#interfaces.length}: the file is damaged`,
      )
    if (found.linkType !== LINKTYPE_ETHERNET) {
      const { name, remedy } = describeLinkType(found.linkType)
      throw input.damage(input.offset, `this frame came by interface ${number}, of ${name}, and not Ethernet`, remedy)
    }
    return found
  }

  /** `| link type 2 | reserved 2 | snapshot length 4 | options |` */
  #interface(length: number): Interface {
    const input = this.#input
    const littleEndian = this.#littleEndian
    let fcs = 0
    let resolution = 6
    let offset = 0n
    for (const [code, value] of this.#options(HEAD + 8, length - TAIL)) {
      if (code === OPTION.checkSequence && value.length >= 1) fcs = value[0] ?? 0
      if (code === OPTION.resolution && value.length >= 1) resolution = value[0] ?? 0
      if (code === OPTION.timeOffset && value.length >= 8) offset = viewOf(value).getBigInt64(0, littleEndian)
    }
    // The highest bit tells powers of two from powers of ten; both are negative.
    const divide = (resolution & 0x80) === 0 ? 10n ** BigInt(resolution) : 1n << BigInt(resolution & 0x7f)
    const exact = 1_000_000_000n % divide === 0n
    return {
      linkType: input.u16(HEAD, littleEndian),
      snapshot: input.u32(HEAD + 4, littleEndian),
      fcs,
      multiply: exact ? 1_000_000_000n / divide : 1_000_000_000n,
      divide: exact ? 1n : divide,
      offset: offset * 1_000_000_000n,
    }
  }

  /** `| code 2 | length 2 | value, to a multiple of 4 |`, to the end of the block or an option that says so. */
  *#options(from: number, to: number): Generator<readonly [code: number, value: Uint8Array]> {
    const input = this.#input
    for (let at = from; at + 4 <= to; ) {
      const code = input.u16(at, this.#littleEndian)
      const length = input.u16(at + 2, this.#littleEndian)
      if (code === OPTION.end) return
      if (at + 4 + length > to)
        throw input.damage(
          input.offset + at,
          `an option of ${length} bytes is longer than its block: the file is damaged`,
        )
      yield [code, input.bytes(at + 4, length)]
      at += 4 + Math.ceil(length / 4) * 4
    }
  }
}
