import { concat, viewOf } from '../base/bytes.ts'
import { type Refusal, refusal } from '../base/diagnostic.ts'

const NOTHING: Uint8Array = new Uint8Array(0)

/** Bytes of a file that come in pieces of any size. Numbers are read at distances from the next byte that was not taken. */
export class Input {
  /** How errors call the file. */
  readonly name: string
  #bytes = NOTHING
  #view = viewOf(NOTHING)
  #at = 0
  #taken = 0
  /** Bytes that are not wanted and have not come yet. */
  #skipping = 0

  constructor(name: string) {
    this.name = name
  }

  /** Where in the file the next byte is. */
  get offset(): number {
    return this.#taken
  }

  /** Bytes that are there. */
  get available(): number {
    return this.#bytes.length - this.#at
  }

  /** Bytes that are to be skipped and have not come. */
  get missing(): number {
    return this.#skipping
  }

  push(chunk: Uint8Array): void {
    const skipped = Math.min(this.#skipping, chunk.length)
    this.#skipping -= skipped
    this.#taken += skipped
    const wanted = chunk.subarray(skipped)
    this.#bytes = this.available === 0 ? wanted : concat(this.#bytes.subarray(this.#at), wanted)
    this.#view = viewOf(this.#bytes)
    this.#at = 0
  }

  u16(distance: number, littleEndian: boolean): number {
    return this.#view.getUint16(this.#at + distance, littleEndian)
  }

  u32(distance: number, littleEndian: boolean): number {
    return this.#view.getUint32(this.#at + distance, littleEndian)
  }

  /** A view of the bytes that are there. */
  bytes(distance: number, length: number): Uint8Array {
    return this.#bytes.subarray(this.#at + distance, this.#at + distance + length)
  }

  /** Done with so many bytes, whether they have come or not. */
  take(length: number): void {
    const there = Math.min(length, this.available)
    this.#at += there
    this.#taken += there
    this.#skipping += length - there
  }

  /** That something is wrong with what begins at this byte of the file. */
  damage(offset: number, message: string, remedy?: string): Refusal {
    return refusal(`${this.name}, byte ${offset}: ${message}`, remedy)
  }
}
