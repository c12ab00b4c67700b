/** A capture file on disk, being written: a file that can be read at any time, whatever happens next. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { refusal } from '../base/diagnostic.ts'
import { type CapturedFrame, type CaptureFormat, CaptureWriter } from '../pcap/index.ts'

export class CaptureOutput implements Disposable {
  readonly file: string
  packets = 0n
  bytes = 0n
  readonly #descriptor: number
  readonly #writer: CaptureWriter
  #written = 0

  constructor(file: string, format: CaptureFormat, name: string) {
    this.file = file
    try {
      this.#descriptor = openSync(file, 'w')
    } catch (error) {
      throw refusal(`cannot write ${file}: ${error instanceof Error ? error.message : error}`)
    }
    this.#writer = new CaptureWriter({ format, name, sink: (bytes) => this.#put(bytes) })
  }

  write(frame: CapturedFrame): void {
    this.#writer.write(frame)
    this.packets++
    this.bytes += BigInt(frame.bytes.length)
  }

  flush(): void {
    this.#writer.flush()
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }

  /** The header, or whole records: where not all of them fit, none of them stays. */
  #put(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at)
      this.#written += bytes.length
    } catch (error) {
      try {
        ftruncateSync(this.#descriptor, this.#written)
      } catch {
        // What cannot be cut is no regular file, and then nobody reads it later.
      }
      throw refusal(`cannot write ${this.file}: ${error instanceof Error ? error.message : error}`)
    }
  }
}
