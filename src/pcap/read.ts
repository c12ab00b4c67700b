/** Bytes of a capture file → its frames. */
import type { CapturedFrame } from './frame.ts'
import { Input } from './input.ts'
import { isPcap, PcapReader } from './pcap.ts'
import { BLOCK, PcapngReader } from './pcapng.ts'

/** Files that are none of ours, by their first four bytes in network order, and what turns them into one. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [0x1f8b0800, 'it is compressed: gzip -d FILE'],
  [0x28b52ffd, 'it is compressed: zstd -d FILE'],
  [0xfd377a58, 'it is compressed: xz -d FILE'],
  [0x736e6f6f, 'it is a snoop file: editcap -F pcapng FILE NEW'],
  [0xa1b2cd34, 'it is a pcap file with longer records, of Kuznetzov: editcap -F pcapng FILE NEW'],
  [0x34cdb2a1, 'it is a pcap file with longer records, of Kuznetzov: editcap -F pcapng FILE NEW'],
])

export interface CaptureReaderOptions {
  /** Frames have their comments, in files that can have such. */
  readonly comments?: boolean
}

/**
 * Reads pcap (both byte orders, micro- and nanoseconds) and pcapng (sections, interfaces, units and offsets of time, enhanced,
 * simple and obsolete packet blocks). Frames must be Ethernet. Bytes come in pieces of any size, and what was read is forgotten,
 * so a file of any length takes no more memory than a piece and a frame. Refusals name the file and the byte.
 */
export class CaptureReader {
  readonly #input: Input
  readonly #options: CaptureReaderOptions
  #reader: PcapReader | PcapngReader | undefined

  /** `name`: how errors call the file. */
  constructor(name: string, options: CaptureReaderOptions = {}) {
    this.#input = new Input(name)
    this.#options = options
  }

  /** Undefined until the first bytes have come. */
  get format(): 'pcap' | 'pcapng' | undefined {
    return this.#reader?.format
  }

  /** The frames that these bytes complete. Frames before damage are given before it is thrown. */
  *push(chunk: Uint8Array): Generator<CapturedFrame> {
    this.#input.push(chunk)
    this.#reader ??= this.#recognise()
    for (let frame = this.#reader?.next(); frame !== undefined; frame = this.#reader?.next()) yield frame
  }

  /** The file ends here: throws where that is in the middle of something. */
  end(): void {
    const input = this.#input
    if (this.#reader !== undefined) return this.#reader.end()
    throw input.damage(0, input.available === 0 ? 'the file is empty' : 'the file is too short to be a capture')
  }

  #recognise(): PcapReader | PcapngReader | undefined {
    const input = this.#input
    if (input.available < 4) return undefined
    const magic = input.u32(0, false)
    if (isPcap(magic)) return new PcapReader(input)
    if (magic === BLOCK.section) return new PcapngReader(input, this.#options.comments === true)
    const other = OTHERS.get(magic)
    throw input.damage(
      0,
      `neither pcap nor pcapng starts with ${magic.toString(16).padStart(8, '0')}`,
      other ?? 'editcap -F pcapng FILE NEW turns most other capture files into one',
    )
  }
}
