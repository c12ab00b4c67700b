/** Frames → bytes of a capture file, with times in nanoseconds. */
import { alignUp, concat, viewOf } from '../base/bytes.ts'
import { interfaceBlock, sectionBlock } from './blocks.ts'
import type { CapturedFrame } from './frame.ts'
import { LINKTYPE_ETHERNET } from './linktype.ts'
import { FILE_HEADER, RECORD_HEADER } from './pcap.ts'
import { BLOCK, HEAD, TAIL } from './pcapng.ts'

export type CaptureFormat = 'pcap' | 'pcapng'

const SNAPSHOT = 262_144
const BUFFER = 64 * 1024

/** Neither format can tell of times before 1970. */
const sinceEpoch = (time: bigint): bigint => (time < 0n ? 0n : time)

interface Layout {
  header(name: string): Uint8Array
  /** Bytes that a record has besides the frame, and what its size is a multiple of. */
  readonly overhead: number
  readonly alignment: number
  /** Into bytes that are zero. */
  write(record: Uint8Array, frame: CapturedFrame): void
}

const pcap: Layout = {
  header() {
    const header = new Uint8Array(FILE_HEADER)
    const view = viewOf(header)
    view.setUint32(0, 0xa1b23c4d, true)
    view.setUint16(4, 2, true)
    view.setUint16(6, 4, true)
    view.setUint32(16, SNAPSHOT, true)
    view.setUint32(20, LINKTYPE_ETHERNET, true)
    return header
  },
  overhead: RECORD_HEADER,
  alignment: 1,
  write(record, { time, bytes, length }) {
    const view = viewOf(record)
    const since = sinceEpoch(time)
    view.setUint32(0, Number(BigInt.asUintN(32, since / 1_000_000_000n)), true)
    view.setUint32(4, Number(since % 1_000_000_000n), true)
    view.setUint32(8, bytes.length, true)
    view.setUint32(12, length, true)
    record.set(bytes, RECORD_HEADER)
  },
}

const ENHANCED = 20

const pcapng: Layout = {
  header: (name) => concat(sectionBlock(), interfaceBlock(name)),
  overhead: HEAD + ENHANCED + TAIL,
  alignment: 4,
  write(record, { time, bytes, length }) {
    const view = viewOf(record)
    view.setUint32(0, BLOCK.enhancedPacket, true)
    view.setUint32(4, record.length, true)
    const units = sinceEpoch(time)
    view.setUint32(12, Number(units >> 32n), true)
    view.setUint32(16, Number(units & 0xffff_ffffn), true)
    view.setUint32(20, bytes.length, true)
    view.setUint32(24, length, true)
    record.set(bytes, HEAD + ENHANCED)
    view.setUint32(record.length - TAIL, record.length, true)
  },
}

const LAYOUTS: Readonly<Record<CaptureFormat, Layout>> = { pcap, pcapng }

export interface CaptureWriterOptions {
  readonly format: CaptureFormat
  /** The interface's name, which pcapng keeps. */
  readonly name: string
  /**
   * Takes bytes, and must be done with them when it returns: always the header or whole records, so that what has been written is a
   * file.
   */
  readonly sink: (bytes: Uint8Array) => void
}

/** Writes one capture file of Ethernet frames, little endian. Records gather until there are 64 KiB of them, or {@link flush}. */
export class CaptureWriter {
  readonly #layout: Layout
  readonly #sink: (bytes: Uint8Array) => void
  #buffer: Uint8Array | undefined
  #used = 0

  /** Writes the header at once. */
  constructor({ format, name, sink }: CaptureWriterOptions) {
    this.#layout = LAYOUTS[format]
    this.#sink = sink
    sink(this.#layout.header(name))
  }

  write(frame: CapturedFrame): void {
    const { overhead, alignment } = this.#layout
    const size = overhead + alignUp(frame.bytes.length, alignment)
    if (size > BUFFER) {
      this.flush()
      const record = new Uint8Array(size)
      this.#layout.write(record, frame)
      this.#sink(record)
      return
    }
    if (this.#used + size > BUFFER) this.flush()
    this.#buffer ??= new Uint8Array(BUFFER)
    const record = this.#buffer.subarray(this.#used, this.#used + size).fill(0)
    this.#layout.write(record, frame)
    this.#used += size
  }

  flush(): void {
    if (this.#buffer !== undefined && this.#used > 0) this.#sink(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }
}
