/** The classic format (draft-ietf-opsawg-pcap): a header of 24 bytes, then records of a header of 16 bytes and a frame each. */
import { type CapturedFrame, LONGEST_CAPTURE, withoutCheckSequence } from './frame.ts'
import type { Input } from './input.ts'
import { describeLinkType, LINKTYPE_ETHERNET } from './linktype.ts'

/** `| magic 4 | major 2 | minor 2 | reserved 8 | snapshot length 4 | link type 4 |` */
export const FILE_HEADER = 24
/** `| seconds 4 | fraction 4 | captured 4 | length 4 |` */
export const RECORD_HEADER = 16

/** By the first four bytes, read in network order. */
const KINDS: ReadonlyMap<number, { readonly littleEndian: boolean; readonly unit: bigint }> = new Map([
  [0xa1b2c3d4, { littleEndian: false, unit: 1000n }],
  [0xd4c3b2a1, { littleEndian: true, unit: 1000n }],
  [0xa1b23c4d, { littleEndian: false, unit: 1n }],
  [0x4d3cb2a1, { littleEndian: true, unit: 1n }],
])

export const isPcap = (magic: number): boolean => KINDS.has(magic)

/** In the last field of the header, besides the link type: how long check sequences are, and that this is known. */
const CHECK = { isKnown: 0x04000000, shift: 28, unit: 2 } as const

export class PcapReader {
  readonly format = 'pcap'
  readonly #input: Input
  #littleEndian = false
  #unit = 1000n
  #fcs = 0
  #isOpen = false

  constructor(input: Input) {
    this.#input = input
  }

  /** The next frame; undefined where more bytes are needed to tell. */
  next(): CapturedFrame | undefined {
    const input = this.#input
    if (!this.#isOpen && !this.#open()) return undefined
    if (input.available < RECORD_HEADER) return undefined
    const littleEndian = this.#littleEndian
    const captured = input.u32(8, littleEndian)
    const length = input.u32(12, littleEndian)
    if (captured > LONGEST_CAPTURE || length > LONGEST_CAPTURE)
      throw input.damage(
        input.offset,
        `this record says ${captured} bytes of a frame of ${length}, and no frame is so long: the file is damaged here`,
        'everything before this byte was read',
      )
    if (input.available < RECORD_HEADER + captured) return undefined
    const time = BigInt(input.u32(0, littleEndian)) * 1_000_000_000n + BigInt(input.u32(4, littleEndian)) * this.#unit
    const bytes = input.bytes(RECORD_HEADER, captured)
    input.take(RECORD_HEADER + captured)
    return withoutCheckSequence({ time, bytes, length: Math.max(length, captured) }, this.#fcs)
  }

  /** The file ends here: throws where it should not. */
  end(): void {
    const input = this.#input
    if (!this.#isOpen)
      throw input.damage(input.offset + input.available, `the file ends in its header, which has ${FILE_HEADER} bytes`)
    if (input.available === 0) return
    const needed = input.available < RECORD_HEADER ? undefined : RECORD_HEADER + input.u32(8, this.#littleEndian)
    throw input.damage(
      input.offset,
      `the file ends in the middle of this record: ${input.available} bytes of ${needed ?? `at least ${RECORD_HEADER}`} are there`,
      'everything before this byte was read',
    )
  }

  #open(): boolean {
    const input = this.#input
    if (input.available < FILE_HEADER) return false
    const kind = KINDS.get(input.u32(0, false))
    if (kind === undefined) throw input.damage(input.offset, 'no pcap file starts like this')
    const { littleEndian, unit } = kind
    const major = input.u16(4, littleEndian)
    if (major !== 2)
      throw input.damage(input.offset + 4, `version ${major} of the pcap format, and only version 2 is known`)
    const last = input.u32(20, littleEndian)
    const linkType = last & 0xffff
    if (linkType !== LINKTYPE_ETHERNET) {
      const { name, remedy } = describeLinkType(linkType)
      throw input.damage(input.offset + 20, `the frames are of ${name}, and not Ethernet`, remedy)
    }
    this.#littleEndian = littleEndian
    this.#unit = unit
    this.#fcs = (last & CHECK.isKnown) === 0 ? 0 : (last >>> CHECK.shift) * CHECK.unit
    this.#isOpen = true
    input.take(FILE_HEADER)
    return true
  }
}
