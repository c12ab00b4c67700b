/** What a lab needs of the world around its machine: interfaces, and the other ends of their wires. */
import type { Machine } from '../backend/machine.ts'
import type { InterfaceName } from '../engine/graph/graph.ts'

export type MachineName = Machine['name']

/** A frame that came out of the wire of an interface, or that the host's own stack got by it. */
export interface Arrival {
  /** As a graph file has it, a namespace before a slash. */
  readonly interface: string
  readonly at: 'wire' | 'stack'
  readonly frame: Uint8Array
}

/** Interfaces are named as a graph has them: `eth0`, or `blue/eth0`. */
export interface Wires extends Disposable {
  /** Of nobody else on this host; the graph has it too. */
  readonly name: string
  readonly machine: Machine
  /** Runs what has to be where the interfaces are. */
  inside<T>(run: () => T): T
  /** All that follows from a frame has happened when `send` returns. */
  readonly synchronous: boolean
  /** What a namespace is called on this host, where others may use the same names. */
  namespace(name: string): string
  /**
   * A new interface, up, and the other end of its wire. In a namespace, that end is the machine's, and the test acts for what is
   * in the namespace. Nothing where it is there already. Interfaces stay when ports go.
   */
  add(name: InterfaceName): void
  /** From now on, what the stack gets by an interface arrives as well: ARP, IPv4 and IPv6. */
  watchStack(name: string): void
  send(name: string, frame: Uint8Array): void
  /** Out by the interface itself, as the host's own stack does. */
  transmit(name: string, frame: Uint8Array): void
  /** What came out of any wire since it was last asked for. */
  receive(): readonly Arrival[]
  /** Until something may have come out, or the time is over. */
  wait(milliseconds: number): void
  /** Where time is read from outside of programs, as the clock of the virtual machine. */
  advance(nanoseconds: bigint): void
}

const PREFIX = 'tessera-lab-'
let count = 0

/** Says whose it is, so that what a killed process left can be told from what is in use. */
export const uniqueName = (): string => `${PREFIX}${process.pid}-${count++}`

/** Whether a lab made this name, in a process that is gone. */
export function isStale(name: string): boolean {
  const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN
  if (Number.isNaN(pid)) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
