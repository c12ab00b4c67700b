/** A frame as a capture file has it. */
export interface CapturedFrame {
  /** Nanoseconds since 1970-01-01, UTC. */
  readonly time: bigint
  /** As much of it as was captured, without a frame check sequence. Seldom a copy: it may share memory with its neighbours. */
  readonly bytes: Uint8Array
  /** Octets that were on the wire: more than `bytes` has where the capture cut frames (a snapshot length). */
  readonly length: number
  /** What is said about it, where that was asked for. */
  readonly comment?: string
}

/** No program captures more of one frame: libpcap's MAXIMUM_SNAPLEN. A greater length is taken for damage. */
export const LONGEST_CAPTURE = 262_144

/** Without the `fcs` octets of check sequence at its end, as far as they were captured. */
export function withoutCheckSequence(frame: CapturedFrame, fcs: number): CapturedFrame {
  if (fcs === 0) return frame
  const length = Math.max(0, frame.length - fcs)
  return { ...frame, bytes: frame.bytes.subarray(0, length), length }
}
