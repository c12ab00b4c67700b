/** Records of the ring between the planes → punted packets. */
import { viewOf } from '../../base/bytes.ts'
import { decodeStruct } from '../../lang/codec.ts'
import { type PuntedPacket, type PuntReason, type Punts, puntHeader, puntReasons } from '../../lang/index.ts'
import { finishChecksum } from './transport-checksum.ts'

/** A record at a place in some bytes. What it gives has bytes of its own. */
export type PuntDecoder<P extends Punts> = (bytes: Uint8Array, view: DataView, at: number) => PuntedPacket<P>

/** What a cube's punts are read by. A RangeError where a record is of no reason that the cube has. */
export function puntDecoder<P extends Punts>(punts: P): PuntDecoder<P> {
  const reasons = puntReasons(punts)
  const nothing = Object.freeze({})
  const metadataOf = (metadata: PuntReason['metadata'], bytes: Uint8Array, at: number): object =>
    metadata.size === 0 ? nothing : decodeStruct(metadata, bytes.subarray(at, at + metadata.size))
  const [reasonAt, directionAt, portAt, lengthAt, capturedAt, tagAt] = OFFSETS
  return (bytes, view, at) => {
    const why = reasons[view.getUint8(at + reasonAt)]
    if (why === undefined)
      throw new RangeError(`a punt of reason ${view.getUint8(at)}, where ${reasons.length} are declared`)
    const from = at + why.at
    const to = from + view.getUint32(at + capturedAt, true)
    const tag = view.getUint32(at + tagAt, true)
    const length = view.getUint32(at + lengthAt, true)
    const packet = tag !== 0 ? withTag(bytes, from, to, tag) : bytes.slice(from, to)
    if (to - from === length) finishChecksum(packet)
    return {
      reason: why.name,
      metadata: metadataOf(why.metadata, bytes, at + puntHeader.size),
      port: view.getUint16(at + portAt, true),
      direction: view.getUint8(at + directionAt) === 0 ? 'ingress' : 'egress',
      packet,
      length: length + (tag !== 0 ? TAG : 0),
    } as PuntedPacket<P>
  }
}

/** One record. */
export function decodePunt<P extends Punts>(punts: P, record: Uint8Array): PuntedPacket<P> {
  return puntDecoder(punts)(record, viewOf(record), 0)
}

const offsetOf = (name: keyof typeof puntHeader.fields): number =>
  puntHeader.layout.fields.find((field) => field.name === name)?.offset ?? 0
const OFFSETS = [
  offsetOf('reason'),
  offsetOf('direction'),
  offsetOf('port'),
  offsetOf('length'),
  offsetOf('captured'),
  offsetOf('tag'),
] as const

/** Bytes of a VLAN tag, and of the two addresses before it (IEEE 802.1Q). */
const TAG = 4
const ADDRESSES = 12

function withTag(bytes: Uint8Array, from: number, to: number, tag: number): Uint8Array {
  const packet = new Uint8Array(to - from + TAG)
  packet.set(bytes.subarray(from, from + ADDRESSES))
  viewOf(packet).setUint32(ADDRESSES, tag)
  packet.set(bytes.subarray(from + ADDRESSES, to), ADDRESSES + TAG)
  return packet
}
