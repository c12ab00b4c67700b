/** How a packet comes to a data plane and leaves it. What makes all hooks look the same is in packet-tc.ts and packet-xdp.ts. */
import { ETHERTYPE } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Graph, Value } from '../ir.ts'
import { swapBytes } from '../passes/simplify.ts'

/**
 * SSA variables that no source names. `room`: of how many bytes behind the Ethernet header nobody knows but the program, which has
 * made room for them; 0 if it has not. `grown`: 1 if bytes were put in front of it. `least`: bytes in front that stay, whatever is cut
 * off the end.
 */
export const OWN = {
  port: -1,
  interface: -2,
  data: -3,
  dataEnd: -4,
  tag: -5,
  verdict: -6,
  pulled: -7,
  room: -8,
  grown: -9,
  least: -10,
  trace: -11,
} as const

export interface Passage {
  /** How many bytes are there for sure: reading them takes no test. */
  readonly assured: number
  /** At the start of the program. */
  arrive(): void
  /** At the start of a called function. */
  enter(): void
  /** When the packet has been counted, and before it is read. */
  open(): void
  /** Something is read that ends here, if it is compared with the packet's end. */
  wants(past: Value): void
  /** The address of the packet's first byte, and of the one after its last. */
  data(): Value
  dataEnd(): Value
  /** Bytes without the outer VLAN tag. */
  length(): Value
  /** The identifier of the outer VLAN tag, 0 without one. */
  vlan(): Value
  /** All of that tag as on the wire, protocol and control information, in host order; 0 without one. */
  tag(): Value
  /** Payload of each packet that this one will be cut into, or 0. */
  segmentSize(): Value
  /**
   * After a helper that may have moved the packet, or made it shorter or longer: where it is now. `nearer`: what was taken away
   * lay in front, and what is read from now on may be in another part.
   */
  moved(nearer?: boolean): void
  /** Ends the program with a verdict by which the packet goes on: as it came, with the tag it had. */
  leave(verdict: Value): void
  /** Before another program goes on with the packet: as it came. */
  suspend(): void
  /** When everything else has been lowered. */
  finish(): void
  /** When it is known what can be reached: how far the packet is read, here or `elsewhere`. */
  settle(graph: Graph, elsewhere: number): number
}

/** Of its control information. */
export const OUTER_TAG = { identifier: 0xfff } as const

/** Where a tag lies, behind the two addresses (IEEE 802.1Q): a protocol identifier and the control information, 2 bytes each. */
export const TAG = { offset: 12, size: 4 } as const
const TAG_PROTOCOLS = [ETHERTYPE.vlan, ETHERTYPE.serviceVlan] as const

/** `protocol`: as it lies in the packet. */
export function forkOnTag(builder: Builder, protocol: Value, tagged: Block, untagged: Block): void {
  for (const one of TAG_PROTOCOLS) {
    const other = builder.newBlock()
    builder.branch('eq', 32, protocol, builder.constant(swapBytes(BigInt(one), 16)), tagged, other)
    builder.enter(other)
  }
  builder.jump(untagged)
}
