import type { ControlTable, Fields } from '../src/lang/index.ts'

/** An algorithm, once in the language (`dataplane.ts`) and once in C (`peer.c`), and what both are run with. */
export interface CodegenCase {
  /** Fills the tables before each round. `now` is the kernel's clock in nanoseconds. */
  prepare(tables: Readonly<Record<string, ControlTable<Fields, Fields>>>, now: bigint): void
  readonly packets: readonly Uint8Array[]
  /** How often a packet may be run before it must be sent anew, because the algorithm changes it. A million by default. */
  readonly repeat?: number
}
