/** Capture files on disk, read a piece at a time, and several of them in the order of their times. */
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { type CapturedFrame, CaptureReader } from '../pcap/index.ts'

const PIECE = 256 * 1024
/** Of compressed bytes: a thousand times as many may come out. */
const COMPRESSED_PIECE = 16 * 1024

/** A capture file that is being read. `-` is standard input; gzip is known by its first bytes. */
export class CaptureInput implements Disposable {
  readonly file: string
  /** Bytes of the file; undefined where nobody knows, as of a pipe. */
  readonly size: number | undefined
  /** What tells one file from another, whatever it is called. */
  readonly identity: string
  /** Bytes of the file that were read. */
  consumed = 0
  readonly #descriptor: number
  readonly #reader: CaptureReader
  readonly #batches: AsyncGenerator<readonly CapturedFrame[]>
  #frames: readonly CapturedFrame[] = []
  #next = 0

  constructor(file: string) {
    this.file = file === '-' ? '(standard input)' : file
    this.#descriptor = file === '-' ? 0 : open(file)
    const status = fstatSync(this.#descriptor)
    if (status.isDirectory()) throw refusal(`${file} is a folder`, 'name a capture file in it')
    this.size = status.isFile() ? status.size : undefined
    this.identity = `${status.dev}:${status.ino}`
    this.#reader = new CaptureReader(this.file)
    this.#batches = this.#readBatches()
  }

  get format(): 'pcap' | 'pcapng' | undefined {
    return this.#reader.format
  }

  /** The next frame; undefined where {@link fill} comes first, or the file is over. */
  get head(): CapturedFrame | undefined {
    return this.#frames[this.#next]
  }

  take(): void {
    this.#next++
  }

  /** Reads on, unless frames are there. Throws what is wrong with the file when all frames before that were taken. */
  async fill(): Promise<void> {
    while (this.head === undefined) {
      const { value, done } = await this.#batches.next()
      if (done === true) return
      this.#frames = value
      this.#next = 0
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== 0) closeSync(this.#descriptor)
  }

  async *#readBatches(): AsyncGenerator<readonly CapturedFrame[]> {
    for await (const piece of this.#plain()) {
      const frames: CapturedFrame[] = []
      let wrong: unknown
      try {
        for (const frame of this.#reader.push(piece)) frames.push(frame)
      } catch (error) {
        wrong = error
      }
      yield frames
      if (wrong !== undefined) throw wrong
    }
    this.#reader.end()
  }

  async *#plain(): AsyncGenerator<Uint8Array> {
    const pieces = this.#pieces()
    const { value: first, done } = await pieces.next()
    if (done === true) return
    const all = (async function* () {
      yield first
      yield* pieces
    })()
    yield* first[0] === 0x1f && first[1] === 0x8b ? this.#gunzip(all) : all
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    const stream = createReadStream('', { fd: this.#descriptor, autoClose: false, highWaterMark: PIECE })
    for await (const piece of stream) {
      this.consumed += piece.length
      yield piece
    }
  }

  /** All that can be unpacked is given before what is wrong is thrown. */
  async *#gunzip(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const gunzip = createGunzip({ chunkSize: PIECE })
    let unpacked: Uint8Array[] = []
    let wrong: Error | undefined
    gunzip.on('data', (piece: Uint8Array) => void unpacked.push(piece))
    const over = new Promise<void>((resolve) => {
      gunzip.once('end', resolve)
      gunzip.once('error', (error) => {
        wrong = error
        resolve()
      })
    })
    const given = () => {
      const taken = unpacked
      unpacked = []
      return taken
    }
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length && wrong === undefined; at += COMPRESSED_PIECE) {
        const part = piece.subarray(at, at + COMPRESSED_PIECE)
        await Promise.race([over, new Promise<void>((resolve) => gunzip.write(part, () => resolve()))])
        yield* given()
      }
      if (wrong !== undefined) break
    }
    if (wrong === undefined) gunzip.end()
    await over
    yield* given()
    if (wrong !== undefined) throw this.#unpackable(wrong)
  }

  #unpackable(error: Error): Refusal {
    return refusal(
      `${this.file}, up to byte ${this.consumed}: the gzip data is damaged: ${error.message}`,
      'everything that could be unpacked was read',
      undefined,
      error,
    )
  }
}

/**
 * Gives the frames of all inputs by time, those of the same time in the order of the inputs; each input in its own order. Stops
 * reading when `stopped` rejects, and throws what it rejects with.
 */
export async function merge(
  inputs: readonly CaptureInput[],
  each: (frame: CapturedFrame, input: CaptureInput) => void,
  filled: () => void,
  stopped?: Promise<never>,
): Promise<void> {
  for (;;) {
    for (const input of inputs) await (stopped === undefined ? input.fill() : Promise.race([stopped, input.fill()]))
    filled()
    let next = earliest(inputs)
    if (next === undefined) return
    while (next?.head !== undefined) {
      const { head } = next
      next.take()
      each(head, next)
      // The one that ran empty may have the next frame: it reads on first.
      next = next.head === undefined ? undefined : earliest(inputs)
    }
  }
}

function earliest(inputs: readonly CaptureInput[]): CaptureInput | undefined {
  let first: CaptureInput | undefined
  for (const input of inputs) {
    if (input.head === undefined) continue
    if (first?.head === undefined || input.head.time < first.head.time) first = input
  }
  return first
}

function open(file: string): number {
  try {
    return openSync(file, 'r')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw refusal(`there is no file ${file}`)
    throw refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}
