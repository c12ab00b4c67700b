/** Frames of several interfaces → bytes of a pcapng file, each with what is said about it. */
import { interfaceBlock, type PacketRemarks, packetBlock, sectionBlock, statisticsBlock } from './blocks.ts'
import type { CapturedFrame } from './frame.ts'

export interface AnnotatedWriterOptions {
  /** Who writes. */
  readonly application: string
  /** Takes whole blocks, and must be done with them when it returns. */
  readonly sink: (bytes: Uint8Array) => void
}

/** Every block is given to the sink at once: somebody may be watching. */
export class AnnotatedWriter {
  readonly #sink: (bytes: Uint8Array) => void
  readonly #numbers = new Map<string, number>()

  /** Writes the header at once. */
  constructor({ application, sink }: AnnotatedWriterOptions) {
    this.#sink = sink
    sink(sectionBlock(application))
  }

  /** Interfaces that were not described before are described now, by their name alone. */
  write(frame: CapturedFrame, name: string, remarks: PacketRemarks = {}): void {
    this.#sink(packetBlock(frame, this.describe(name), remarks))
  }

  /** The number of an interface. */
  describe(name: string, description?: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.#numbers.size
    this.#numbers.set(name, number)
    this.#sink(interfaceBlock(name, description))
    return number
  }

  /** How many packets were seen, and how many of them are missing. */
  count(name: string, time: bigint, seen: bigint, missing: bigint): void {
    this.#sink(statisticsBlock(this.describe(name), time, seen, missing))
  }
}
