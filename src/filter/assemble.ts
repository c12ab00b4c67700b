/** Classic BPF by names, with labels instead of distances. */
import {
  ALU,
  CLASS,
  type ClassicInstruction,
  type ClassicProgram,
  JUMP,
  MODE,
  RESULT,
  SIZE,
  SOURCE,
} from './classic.ts'

/** Where a jump leads; set once, behind all that jump there. */
export type Label = { at?: number }

interface Pending extends ClassicInstruction {
  readonly whenTrue?: Label
  readonly whenFalse?: Label
}

/** What a matching packet's filter returns, as libpcap's do: all of it. */
const WHOLE = 262_144

export class Assembler {
  readonly #code: Pending[] = []

  /** A = `size` bytes at a place, behind X bytes or not. */
  load(size: keyof typeof SIZE, at: number, behind?: 'x'): void {
    this.#put(CLASS.ld | SIZE[size] | (behind === undefined ? MODE.abs : MODE.ind), at)
  }

  loadX(value: number): void {
    this.#put(CLASS.ldx | MODE.imm, value)
  }

  recall(slot: number): void {
    this.#put(CLASS.ld | MODE.mem, slot)
  }

  remember(slot: number): void {
    this.#put(CLASS.st, slot)
  }

  alu(operation: 'add' | 'and' | 'lsh', by: number | 'x'): void {
    if (by === 'x') this.#put(CLASS.alu | ALU[operation] | SOURCE.x, 0)
    else this.#put(CLASS.alu | ALU[operation] | SOURCE.k, by)
  }

  /** X = A. */
  tax(): void {
    this.#put(CLASS.misc, 0)
  }

  /** Goes on with the next instruction where a label is missing. */
  jump(comparison: 'jeq' | 'jset', k: number, whenTrue?: Label, whenFalse?: Label): void {
    this.#code.push({
      code: CLASS.jmp | JUMP[comparison],
      jt: 0,
      jf: 0,
      k,
      ...(whenTrue === undefined ? {} : { whenTrue }),
      ...(whenFalse === undefined ? {} : { whenFalse }),
    })
  }

  goto(label: Label): void {
    this.#code.push({ code: CLASS.jmp | JUMP.ja, jt: 0, jf: 0, k: 0, whenTrue: label })
  }

  /** Where A is none of these, the packet does not match. */
  demand(values: readonly number[]): void {
    const found: Label = {}
    for (const value of values) this.jump('jeq', value, found)
    this.reject()
    this.here(found)
  }

  here(label: Label): void {
    label.at = this.#code.length
  }

  accept(): void {
    this.#put(CLASS.ret | RESULT.k, WHOLE)
  }

  reject(): void {
    this.#put(CLASS.ret | RESULT.k, 0)
  }

  finish(): ClassicProgram {
    return this.#code.map(({ code, k, whenTrue, whenFalse }, index) => {
      const distance = (label: Label | undefined): number => (label?.at ?? index + 1) - index - 1
      if (code === (CLASS.jmp | JUMP.ja)) return { code, jt: 0, jf: 0, k: distance(whenTrue) }
      const [jt, jf] = [distance(whenTrue), distance(whenFalse)]
      if (jt > 0xff || jf > 0xff) throw new Error('a jump too far for classic BPF')
      return { code, jt, jf, k }
    })
  }

  #put(code: number, k: number): void {
    this.#code.push({ code, jt: 0, jf: 0, k })
  }
}
