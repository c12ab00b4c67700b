import type { Program } from '../../isa/program.ts'
import type { Reached } from './open.ts'
import type { Follower } from './pointers.ts'
import type { Registers } from './registers.ts'
import type { Body } from './writer.ts'

/** Numbers of a module's functions and globals, which bodies refer to; of what is asked outside of it, places in its table. */
export interface Numbers {
  /** `fail(reason, index)` does not return. */
  readonly fail: number
  /** `access(low, high, displacement, mode, index)`: where in linear memory that is; a fault if it may not be. */
  readonly access: number
  /** `helper(number, index)`: arguments and result are in linear memory. */
  readonly helper: number
  /** `reach(pointer, displacement, mode, index)`: the same as `access`, which it asks only if it does not know. */
  readonly reach: number
  /** `word(pointer, displacement, index)`: reads 4 bytes, which may be a field of the context. */
  readonly word: number
  /** By the index of its first instruction, a function of the program. */
  readonly functions: ReadonlyMap<number, number>
  /** What functions get besides their arguments: callers leave it where results of helpers are. */
  readonly inherited: ReadonlyMap<number, number>
  /** By a map's number: the global with the address of its descriptor; and its lookup, where there is one. */
  descriptor(map: number): number
  /** The global with an open number. */
  open(number: number): number
  find(map: number): number | undefined
}

/** Why a program fails. */
export const REASON = { fuel: 0, depth: 1 } as const

/** What an access does; with it, four times the number of bytes that it does it with. A key is what a helper looks for. */
export const MODE = { read: 0, write: 1, atomic: 2, key: 3 } as const

export const modeOf = (mode: number, size: number): number => mode | (size << 2)

/** A function that is being written. */
export interface Scope {
  readonly body: Body
  readonly registers: Registers
  readonly program: Program
  readonly follower: Follower
  readonly numbers: Numbers
  /** By {@link References}, which bytes of values are reached without asking. */
  readonly reached: Map<number, Reached>
  readonly isPlain: boolean
  readonly isTracked: boolean
  /** Whether any helper of the program may move the packet. */
  readonly movesPacket: boolean
  readonly hasLocks: boolean
  /** The local variable with the address of its frame in linear memory; none where that is known. */
  readonly frame: number | undefined
  /** The local variable with the fuel that is left; none where nothing is used up here. */
  readonly fuel: number | undefined
}
