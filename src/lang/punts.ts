/** Packets that a data plane leaves to its control plane: why, with what it knows of them, and how they lie in the ring between. */
import type { MapDescription } from '../isa/program.ts'
import { type ControlOf, type Fields, type GivenOf, type StructType, struct, u8, u16, u32 } from './types.ts'

/** Why packets are left to the control plane: what the name means, or that and more. */
export type Punts = Readonly<Record<string, string | Punt>>

export interface Punt<F extends Fields = Fields> {
  readonly summary: string
  /** What the data plane tells beside the packet. */
  readonly metadata?: F
  /** The first bytes of the packet that go along, at most: {@link PUNTED} unless said otherwise. */
  readonly packet?: number
}

type NoFields = Readonly<Record<never, never>>
type MetadataOf<P> = P extends { readonly metadata: infer F extends Fields } ? F : NoFields

/** What the data plane gives after the reason: nothing, or the metadata that the schema declares. */
export type PuntArguments<P> = P extends { readonly metadata: infer F extends Fields }
  ? readonly [metadata: GivenOf<F>]
  : readonly []

/** A punted packet, as the control plane sees it. */
export type PuntedPacket<P extends Punts = Punts> = {
  [Reason in keyof P & string]: {
    readonly reason: Reason
    readonly metadata: Readonly<ControlOf<MetadataOf<P[Reason]>>>
    /** The number of the port that it came by. */
    readonly port: number
    /** How it passed a transparent cube; `ingress` otherwise. */
    readonly direction: 'ingress' | 'egress'
    /** From its Ethernet header on, its outer VLAN tag in it: as it was on the wire, with what the data plane has changed. */
    readonly packet: Uint8Array
    /** Bytes that it had, of which `packet` may have only the first. */
    readonly length: number
  }
}[keyof P & string]

/** Bytes of a packet that go along unless a schema says otherwise: all of a frame of 1500 bytes' payload, with an inner VLAN tag. */
export const PUNTED = 1518
/** Packets up to so many bytes take no more room than these. */
export const SHORT_PUNT = 256
const LONGEST = 65_535

/** Bytes of the ring between the planes of an instance, unless its graph says otherwise. */
export const QUEUE_BYTES = 1 << 20

/** What every record begins with. `tag` is the outer VLAN tag, its protocol above its control information, 0 where there was none. */
export const puntHeader = struct('punt', {
  reason: u8,
  /** Of a transparent cube: 1 where the packet was on its way out. */
  direction: u8,
  port: u16,
  length: u32,
  captured: u32,
  tag: u32,
})

/** One reason, with all that was left out. */
export interface PuntReason {
  readonly name: string
  readonly summary: string
  readonly metadata: StructType
  /** How many bytes of a packet go along, at most. */
  readonly most: number
  /** Where in the record they begin; behind the metadata, which is behind the header. */
  readonly at: number
}

const known = new WeakMap<Punts, readonly PuntReason[]>()

/** The reasons in the order of their numbers. A RangeError where one cannot be. */
export function puntReasons(punts: Punts = {}): readonly PuntReason[] {
  const before = known.get(punts)
  if (before !== undefined) return before
  const reasons = Object.entries(punts).map(([name, given]): PuntReason => {
    const {
      summary,
      metadata: fields = {},
      packet: most = PUNTED,
    } = typeof given === 'string' ? { summary: given } : given
    if (!Number.isInteger(most) || most < 1 || most > LONGEST)
      throw new RangeError(`punts.${name}.packet: ${most} is not a number of bytes from 1 to ${LONGEST}`)
    const metadata = struct(`metadata of ${name}`, fields)
    return { name, summary, metadata, most, at: puntHeader.size + metadata.size }
  })
  if (reasons.length > 256) throw new RangeError(`punts: ${reasons.length} reasons; 256 are the most`)
  known.set(punts, reasons)
  return reasons
}

/** The ring between the planes of an instance. Records differ in length: whoever looks at the map sees what all begin with. */
export const puntsMap = (bytes = QUEUE_BYTES): MapDescription => ({
  kind: 'ringbuf',
  key: struct('key', {}).layout,
  value: puntHeader.layout,
  entries: bytes,
})
