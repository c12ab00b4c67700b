/** A capture file on disk, being written: a file that can be read at any time, whatever happens next. */
import { type CapturedFrame, type CaptureFormat, CaptureWriter } from '../pcap/index.ts'
import { type CaptureFile, createCaptureFile } from './capture-file.ts'

export class CaptureOutput implements Disposable {
  readonly file: string
  packets = 0n
  bytes = 0n
  readonly #file: CaptureFile
  readonly #writer: CaptureWriter

  constructor(file: string, format: CaptureFormat, name: string) {
    this.file = file
    this.#file = createCaptureFile(file)
    this.#writer = new CaptureWriter({ format, name, sink: this.#file.put })
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
    this.#file[Symbol.dispose]()
  }
}
