/** What a lab needs of the world around its machine: interfaces, and the other ends of their wires. */
import type { Machine } from '../backend/machine.ts'

export type MachineName = Machine['name']

/** A frame that came out of the wire of a port. */
export interface Arrival {
  readonly port: string
  readonly frame: Uint8Array
}

export interface Wires extends Disposable {
  /** Of nobody else on this host; the graph has it too. */
  readonly name: string
  readonly machine: Machine
  /** All that follows from a frame has happened when `send` returns. */
  readonly synchronous: boolean
  /** A new wire, with its interface up; nothing where the port has one already. Wires stay when ports go. */
  add(port: string): void
  /** The interface at the machine's end of a port's wire. */
  interface(port: string): string
  send(port: string, frame: Uint8Array): void
  /** Out by the interface at the machine's end. */
  transmit(port: string, frame: Uint8Array): void
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
