import { concat, viewOf } from '../base/bytes.ts'

/**
 * The outer VLAN tag of a frame (IEEE 802.1Q). The kernel takes it out of the packet before the TC hook and keeps it beside
 * (net/core/dev.c, skb_vlan_untag in __netif_receive_skb_core); it goes back in where the frame leaves.
 */
export interface Tag {
  /** 0x8100 or 0x88a8. */
  readonly protocol: number
  /** Tag control information: priority, drop eligible, VLAN identifier. */
  readonly control: number
}

/** 802.1Q, which is the usual one, and 802.1ad. */
export const PROTOCOLS: readonly [number, ...number[]] = [0x8100, 0x88a8]
const ADDRESSES = 12
const SIZE = 4

/** The frame without its outer tag, and the tag; the frame as it is where it has none. */
export function untag(frame: Uint8Array): { frame: Uint8Array; tag: Tag | undefined } {
  if (frame.length < ADDRESSES + SIZE + 2) return { frame, tag: undefined }
  // Of every frame that passes, so without a view.
  const protocol = ((frame[ADDRESSES] ?? 0) << 8) | (frame[ADDRESSES + 1] ?? 0)
  if (!PROTOCOLS.includes(protocol)) return { frame, tag: undefined }
  const tag = { protocol, control: viewOf(frame).getUint16(ADDRESSES + 2) }
  return { frame: concat(frame.subarray(0, ADDRESSES), frame.subarray(ADDRESSES + SIZE)), tag }
}

export function retag(frame: Uint8Array, tag: Tag | undefined): Uint8Array {
  if (tag === undefined) return frame
  const bytes = new Uint8Array(SIZE)
  viewOf(bytes).setUint16(0, tag.protocol)
  viewOf(bytes).setUint16(2, tag.control)
  return concat(frame.subarray(0, ADDRESSES), bytes, frame.subarray(ADDRESSES))
}
