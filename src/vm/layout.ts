import { LIMIT } from '../isa/opcodes.ts'

/**
 * Where things are in the linear memory of a virtual machine. What is here never moves, so translations have these addresses
 * as constants; everything else is in the heap behind.
 */
export const AT = {
  /** r0 to r10, 8 bytes each: what helpers are called with, and what they return. */
  registers: 64,
  /** The address of the packet's first byte, as programs see it. 64 bits, as is everything up to the clock. */
  packetBase: 160,
  packetLength: 168,
  clock: 176,
  /** The address of the lock that the program holds, or 0. */
  lock: 184,
  /** How many functions have called the one that runs. */
  depth: 196,
  /** Instructions that the run may still execute. */
  fuel: 200,
  /** For each region by its number, the address of its descriptor; where there is nothing to reach, 0, and zeros are there. */
  regions: 204,
  regionCount: 208,
  packetDescriptor: 216,
  /** After a tail call: whether another program has run, and r0 is its answer. */
  tailed: 240,
  context: 256,
  /** For each frame, a bit for each byte that was written. */
  written: 512,
  stacks: 1024,
  /** The packet, with what it may grow by. */
  packet: 8192,
  heap: 3 * 65_536,
} as const

export const ROOM = {
  packet: AT.heap - AT.packet,
  /** Of one frame's bits. */
  written: LIMIT.stack >> 3,
} as const

/** What is known of a region that programs can read and write anywhere, or in strides of which `valueSize` bytes are theirs. */
export const DESCRIPTOR = { start: 0, length: 4, stride: 8, valueSize: 12, id: 16, size: 20 } as const
