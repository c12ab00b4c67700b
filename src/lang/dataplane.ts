import type { PuntArguments, Punts } from './punts.ts'
import type { DataOf, Fields, portId, StructType, u8, u16, u32, u64 } from './types.ts'

declare const verdict: unique symbol
/** What becomes of a packet. Every path of a data plane returns one. */
export interface Verdict {
  readonly [verdict]: true
}

/** The packet, from its Ethernet header on. */
export interface Packet {
  /** Bytes, Ethernet header included, the outer VLAN tag not. */
  readonly length: u32
  /**
   * Payload bytes of each packet that this one will be cut into, by the kernel or the hardware, where it leaves (generic
   * segmentation offload): such a packet is up to 64 KiB long. 0 where it is one packet. Linux 5.7.
   */
  readonly segmentSize: u32
  /**
   * The identifier of the outer VLAN tag, 0 where there is none. Both machines take the outer tag out of the packet before
   * the data plane sees it, and put it back where the packet leaves; inner tags are headers like others.
   */
  readonly vlan: u16
  /**
   * The header that starts `offset` bytes into the packet; null where the packet ends before it does. The offset is unsigned, of
   * up to 32 bits; what starts beyond {@link FARTHEST} is null. `within` is the header of the message that it is a part of: its
   * checksum is kept right when a field of the part is written.
   */
  read<F extends Fields>(header: StructType<F>, offset?: number, within?: object): DataOf<F> | null

  // What follows may move the packet: headers that were read before have to be read again. Each gives false where the kernel
  // refused, and then nothing has changed.

  /**
   * Puts a VLAN tag around the packet: `id` of 12 bits, `priority` of 3. A tag that it had becomes a header in the packet,
   * behind the addresses. `type` is `ETHERTYPE.vlan`, unless it is `ETHERTYPE.serviceVlan`.
   */
  pushVlan(id: u16, priority?: u8, type?: u16): boolean
  /** Takes the outer VLAN tag away, if there is one. An inner one becomes the outer. */
  popVlan(): boolean
  /**
   * Cuts off what is behind the first `length` bytes, if there is more. Not within the Ethernet header, at TC with what was put
   * in front of it and 4 bytes for each {@link pushVlan}; nor within other headers that the kernel knows of, as those of packets
   * that this host sends. A packet of segments becomes one.
   */
  truncate(length: u32): boolean
  /** Adds zeros at the end, up to about 16,000 bytes in all. A packet of segments becomes one. */
  growTail(bytes: u32): boolean
  /** Cuts bytes off the end, as {@link truncate} does. */
  shrinkTail(bytes: u32): boolean
  /** Puts `bytes` zeros in front of the packet: a constant. */
  growHead(bytes: number): boolean
  /**
   * Takes so many bytes away in front: a constant of 1 to 4095. An Ethernet header at least has to be left. At TC the kernel does
   * it to IP packets only, of which an IP header has to be left as well, and not after {@link growHead}: false otherwise.
   */
  shrinkHead(bytes: number): boolean
  /**
   * Makes room for the headers of a tunnel, as zeros, between the Ethernet header and what comes after it: from the outer `IPv4`
   * or `IPv6` on, in the order in which they will lie there. With `Ethernet` as the last one, the tunnel carries frames: the
   * packet's Ethernet header is there twice then, in front and as the inner one. Without, it carries IP packets only.
   *
   * A packet of segments is cut right, with the tunnel's headers on each: segments of TCP get shorter by their size, others stay
   * as they are. A packet can be encapsulated once. The outer VLAN tag stays outside. Linux 5.13 where the tunnel carries frames.
   */
  encapsulate(...headers: readonly StructType[]): boolean
  /**
   * Takes the headers of a tunnel away: what {@link encapsulate} added. With `Ethernet` as the last one, the inner Ethernet header
   * becomes that of the packet, else the outer stays. Linux 6.3 where another version of IP is carried than the outer one.
   */
  decapsulate(...headers: readonly StructType[]): boolean
}

/** The largest offset of a header in the packet. With the header behind it, it stays within what the kernel's verifier follows. */
export const FARTHEST = 0x7fff
/** The most bytes that a header has. */
export const LONGEST_HEADER = 4096

/** What every data plane is given besides the packet: all of it typed by the cube's schema. */
interface AnyContext<State, Config, Reason extends string, Punted extends Punts> {
  readonly state: State
  /** The instance's configuration: constants at compile time. */
  readonly config: Config
  /** Monotonic nanoseconds, read once a packet. */
  now(): u64
  /** Ends the packet, and counts it under this reason. */
  drop(reason: Reason): Verdict
  /**
   * Leaves the packet to the control plane, as it is now, for a reason that the schema declares; with the metadata that it
   * declares. Where too many wait already, it is dropped and counted as `queue_full`. With XDP, Linux 5.18.
   */
  punt<R extends keyof Punted & string>(reason: R, ...metadata: PuntArguments<Punted[R]>): Verdict
  /** Leaves the packet to the host's own network stack. */
  pass(): Verdict
}

/** What the data plane of a cube with ports is given besides the packet. */
export interface Context<State, Config, Port, Reason extends string, Punted extends Punts = Record<never, never>>
  extends AnyContext<State, Config, Reason, Punted> {
  /** Where the packet came in, with the port's own configuration: constants at compile time. */
  readonly port: Port & { readonly id: portId }
  /** Sends the packet out of a port. */
  forward(port: portId): Verdict
  /** Sends a copy out of every port but the one it came in by. */
  flood(): Verdict
}

/** What the data plane of a transparent cube is given besides the packet. */
export interface TransparentContext<State, Config, Reason extends string, Punted extends Punts = Record<never, never>>
  extends AnyContext<State, Config, Reason, Punted> {
  /** Whether the packet comes in by what the cube is on, or leaves by it: a constant at compile time. */
  readonly direction: 'ingress' | 'egress'
  /** Lets the packet go on: to the next transparent cube, or to where it was going. */
  next(): Verdict
}
