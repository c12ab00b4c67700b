import type { Registers } from '../engine.ts'
import { Trap } from '../fault.ts'
import { AT } from '../layout.ts'
import type { Memory } from '../memory.ts'
import { unsigned } from './arguments.ts'

/** The lock that the program holds, one at most. Its address is where translations see it; it is 0 where there is none. */
export class Lock {
  readonly #memory: Memory

  constructor(memory: Memory) {
    this.#memory = memory
  }

  get isHeld(): boolean {
    return this.#memory.heap.words[(AT.lock >> 2) + 1] !== 0
  }

  /** bpf_spin_lock */
  take(code: Registers): number {
    this.#check(code)
    this.#hold(code.lo[1] ?? 0, code.hi[1] ?? 0)
    return 0
  }

  /** bpf_spin_unlock */
  release(code: Registers): number {
    this.#check(code)
    const { words } = this.#memory.heap
    if (words[AT.lock >> 2] !== code.lo[1] || words[(AT.lock >> 2) + 1] !== code.hi[1])
      throw new Trap('what is unlocked here is not what was locked')
    this.forget()
    return 0
  }

  forget(): void {
    this.#hold(0, 0)
  }

  #hold(low: number, high: number): void {
    const { words } = this.#memory.heap
    words[AT.lock >> 2] = low
    words[(AT.lock >> 2) + 1] = high
  }

  /** That r1 points to a lock. */
  #check(code: Registers): void {
    const at = unsigned(code, 1)
    const region = this.#memory.region(code.hi[1] ?? 0)
    const lock = region?.kind === 'values' ? region.map?.description.lock : undefined
    if (region === undefined || lock === undefined || at >= region.length || at % region.stride !== lock)
      throw new Trap('r1 does not point to a lock')
  }
}
