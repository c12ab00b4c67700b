import { LIMIT } from '../../isa/opcodes.ts'
import { REGION } from '../memory.ts'
import { TYPE } from './opcodes.ts'
import type { Body } from './writer.ts'

/** Parameters of every function: r1 to r5, and how many functions have called each other up to it. */
export const PARAMETERS = 6
export const DEPTH = 5

/** Where a function keeps registers: in local variables of 64 bits. */
export class Registers {
  readonly #locals: readonly number[]
  /** A word, and 64 bits, for what takes several steps. */
  readonly word: number
  readonly wide: number

  /** `isFirst`: the function is only run as the first one, so that its stack is known. */
  constructor(body: Body, isFirst: boolean) {
    const [r0, r6, r7, r8, r9] = [0, 6, 7, 8, 9].map(() => body.local(TYPE.i64))
    const r10 = isFirst ? -1 : body.local(TYPE.i64)
    this.#locals = [r0, 0, 1, 2, 3, 4, r6, r7, r8, r9, r10].map((local) => local ?? -1)
    this.wide = body.local(TYPE.i64)
    this.word = body.local(TYPE.i32)
  }

  push(body: Body, register: number): void {
    const local = this.#locals[register] ?? -1
    if (local < 0) body.big(FIRST_FRAME)
    else body.get(local)
  }

  /** Takes what is on the stack into a register. */
  pop(body: Body, register: number): void {
    body.set(this.#locals[register] ?? 0)
  }
}

/** r10 of the function that is run first. */
const FIRST_FRAME = (BigInt(REGION.stack) << 32n) | BigInt(LIMIT.stack)
