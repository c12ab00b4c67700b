/** What a program that is traced tells of, besides packets. */
import { struct, u32, u64 } from '../lang/index.ts'

/** An event, in host order. */
export const traceEvent = struct('event', {
  /** The same for all events of a packet (`traceOf`). */
  trace: u64,
  time: u64,
  /** The value of a field, as memory has it; of a counter, the port. */
  first: u64,
  second: u64,
  site: u32,
  reserved: u32,
})

/** FNV-1a, 32 bits: numbers that are the same in all programs, and in all processes. */
export function siteNumber(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
