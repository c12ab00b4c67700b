/** Packets that were seen at a graph's ports → frames as they were on the wire, and what is said about them. */
import { concat, viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import type { Sighting } from '../engine/look/sights.ts'
import { AnnotatedWriter, type CapturedFrame, type PacketRemarks } from '../pcap/index.ts'
import { type CaptureFile, createCaptureFile } from './capture-file.ts'
import { summarise } from './summary.ts'

/** Behind the two addresses (IEEE 802.1Q). */
const TAG_AT = 12

/**
 * Nanoseconds since 1970 at a machine's time 0, to a few microseconds: Date has milliseconds, but the moment at which one begins can be
 * waited for.
 */
export function epochOf(machine: { now(): bigint }, date = Date.now): bigint {
  const before = date()
  let time = before
  for (let tries = 0; time === before && tries < MOST_TRIES; tries++) time = date()
  return BigInt(time) * 1_000_000n - machine.now()
}

/** They take longer than a millisecond. */
const MOST_TRIES = 1_000_000

/** With the tag that the kernel keeps beside it. `epoch`: nanoseconds since 1970 at the machine's time 0. */
export function frameOf({ bytes, tag, length, time }: Sighting, epoch: bigint): CapturedFrame {
  if (tag === 0) return { time: time + epoch, bytes, length }
  const four = new Uint8Array(4)
  viewOf(four).setUint32(0, tag)
  const whole = bytes.length < TAG_AT ? bytes : concat(bytes.subarray(0, TAG_AT), four, bytes.subarray(TAG_AT))
  return { time: time + epoch, bytes: whole, length: length + four.length }
}

/** What happened there, in words: `switch:alice dropped: invalid_source (the source is a group or nobody)`. */
export function describeSighting({ instance, port, what, reason, because, segmentSize }: Sighting): string {
  const segments = segmentSize === 0 ? '' : `, to be cut into segments of ${segmentSize} bytes`
  const why = reason === undefined ? '' : `: ${reason}${because === undefined ? '' : ` (${because})`}`
  return `${instance}:${port} ${WORDS[what]}${why}${segments}`
}

const WORDS = { in: 'in', out: 'out', drop: 'dropped', punt: 'left to the control plane' } as const

export const remarksOf = (sighting: Sighting): PacketRemarks => ({
  comment: describeSighting(sighting),
  direction: sighting.what === 'out' ? 'out' : 'in',
})

/** `12:34:56.123456 switch:alice in: 10.0.0.1:80 > 10.0.0.2:1024 tcp syn, 74 bytes` */
export function describePacket(sighting: Sighting, epoch: bigint): string {
  const { bytes, length, tag, time } = sighting
  return `${clockTime(time + epoch)} ${describeSighting(sighting)}: ${summarise(bytes, length, tag)}`
}

/** `12:34:56.123456`, of nanoseconds since 1970. */
export function clockTime(time: bigint): string {
  const micros = time / 1000n
  const clock = new Date(Number(micros / 1000n)).toTimeString().slice(0, 8)
  return `${clock}.${String(micros % 1_000_000n).padStart(6, '0')}`
}

/** Writes pcapng as it comes: to a file, or to standard output, which somebody may close. */
export class CaptureSink implements Disposable {
  readonly #writer: AnnotatedWriter
  readonly #epoch: bigint
  readonly #file: CaptureFile
  #last: { readonly name: string; readonly time: bigint } | undefined

  constructor(file: string, epoch: bigint) {
    this.#epoch = epoch
    this.#file = openCapture(file)
    this.#writer = new AnnotatedWriter({ application: 'tessera capture', sink: this.#file.put })
  }

  write(sighting: Sighting): void {
    const name = `${sighting.instance}:${sighting.port}`
    const frame = frameOf(sighting, this.#epoch)
    this.#writer.write(frame, name, remarksOf(sighting))
    this.#last = { name, time: frame.time }
  }

  /** How many packets were seen, and how many more would have been. */
  finish(seen: bigint, lost: bigint): void {
    if (this.#last !== undefined) this.#writer.count(this.#last.name, this.#last.time, seen + lost, lost)
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }
}

/** A file to be written, or `-`: standard output. A Refusal where that cannot be. */
export const openCapture = (file: string): CaptureFile =>
  file === '-' ? standardOutput() : createCaptureFile(file, 'name another file: -w FILE')

/** Node.js writes to pipes and files at once, so a reader that is slow slows this down, and what is lost is lost in the ring. */
function standardOutput(): CaptureFile {
  if (process.stdout.isTTY)
    throw refusal(
      'a capture is no text, and standard output is a terminal',
      'say -w FILE, or … -w - | wireshark -k -i -',
    )
  return { put: (bytes) => void process.stdout.write(bytes), [Symbol.dispose]() {} }
}
