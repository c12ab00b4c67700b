/** Capture files of all kinds, for tests: in either byte order, with fields that our own writer never writes. */
import { concat } from '../base/bytes.ts'
import type { CapturedFrame } from './frame.ts'
import { CaptureReader } from './read.ts'

export interface Encoding {
  readonly u16: (value: number) => Uint8Array
  readonly u32: (value: number) => Uint8Array
  readonly i64: (value: bigint) => Uint8Array
}

function encoding(littleEndian: boolean): Encoding {
  const encode = (size: number, set: (view: DataView) => void) => {
    const bytes = new Uint8Array(size)
    set(new DataView(bytes.buffer))
    return bytes
  }
  return {
    u16: (value) => encode(2, (view) => view.setUint16(0, value, littleEndian)),
    u32: (value) => encode(4, (view) => view.setUint32(0, value, littleEndian)),
    i64: (value) => encode(8, (view) => view.setBigInt64(0, value, littleEndian)),
  }
}

export const LITTLE: Encoding = encoding(true)
export const BIG: Encoding = encoding(false)

export interface PcapOptions {
  readonly magic?: number
  readonly linkType?: number
}

export const pcapHeader = (e: Encoding, { magic = 0xa1b2c3d4, linkType = 1 }: PcapOptions = {}): Uint8Array =>
  concat(e.u32(magic), e.u16(2), e.u16(4), new Uint8Array(8), e.u32(65_535), e.u32(linkType))

export const pcapRecord = (
  e: Encoding,
  seconds: number,
  fraction: number,
  bytes: Uint8Array,
  length = bytes.length,
): Uint8Array => concat(e.u32(seconds), e.u32(fraction), e.u32(bytes.length), e.u32(length), bytes)

export const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(-bytes.length & 3))

export function block(e: Encoding, type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(...parts)
  const length = e.u32(body.length + 12)
  return concat(e.u32(type), length, body, length)
}

export const option = (e: Encoding, code: number, value: Uint8Array): Uint8Array =>
  concat(e.u16(code), e.u16(value.length), padded(value))

export const section = (e: Encoding, ...options: readonly Uint8Array[]): Uint8Array =>
  block(e, 0x0a0d0d0a, e.u32(0x1a2b3c4d), e.u16(1), e.u16(0), e.i64(-1n), ...options)

export const described = (e: Encoding, linkType: number, snapshot: number, ...options: readonly Uint8Array[]) =>
  block(e, 1, e.u16(linkType), e.u16(0), e.u32(snapshot), ...options)

export const enhanced = (
  e: Encoding,
  at: number,
  time: bigint,
  bytes: Uint8Array,
  length = bytes.length,
  ...options: readonly Uint8Array[]
): Uint8Array =>
  block(
    e,
    6,
    e.u32(at),
    e.u32(Number(time >> 32n)),
    e.u32(Number(time & 0xffffffffn)),
    e.u32(bytes.length),
    e.u32(length),
    padded(bytes),
    ...options,
  )

/** All frames of a file that comes in pieces of so many bytes, as copies. */
export function readAll(file: Uint8Array, piece: number = file.length, name = 'test.pcap'): CapturedFrame[] {
  const reader = new CaptureReader(name)
  const frames: CapturedFrame[] = []
  for (let at = 0; at < file.length; at += piece)
    for (const frame of reader.push(file.subarray(at, at + piece)))
      frames.push({ ...frame, bytes: frame.bytes.slice() })
  reader.end()
  return frames
}
