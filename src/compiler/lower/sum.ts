/** Sums of 16-bit words (RFC 1071), and how one changes with what it covers (RFC 1624). */
import type { Builder } from '../builder.ts'
import type { AluName, Size, Value } from '../ir.ts'

/** Bytes of the packet as memory has them, before and after. */
export interface Change {
  readonly size: Size
  /** From the start of the header. */
  readonly offset: number
  readonly before: Value
  readonly after: Value
}

export class Sums {
  private readonly builder: Builder

  constructor(builder: Builder) {
    this.builder = builder
  }

  alu(alu: AluName, a: Value, b: Value | number, bits: 32 | 64 = 64): Value {
    const { builder } = this
    return builder.emit({ op: 'alu', alu, bits }, a, typeof b === 'number' ? builder.constant(b) : b)
  }

  /** What the sum of all 16-bit words grows by, as a number that a multiple of 0xffff may have been added to. */
  difference(changes: readonly Change[]): Value {
    const terms = changes.flatMap(({ size, offset, before, after }) => {
      const all = size === 1 ? 0xffffn : (1n << BigInt(8 * size)) - 1n
      const inverse = this.alu('xor', before, this.builder.constant(all))
      const words = size === 8 ? [...this.halves(inverse), ...this.halves(after)] : [inverse, after]
      // In memory, and so here, the first octet of a word is the lower one. A constant is one of the sum's.
      if (offset % 2 === 1 && (after.op === 'const' || after.op === 'wired'))
        return words.map((word) => this.alu('lsh', word, 8))
      const sum = words.reduce((x, y) => this.alu('add', x, y))
      return [offset % 2 === 1 ? this.alu('lsh', sum, 8) : sum]
    })
    return terms.reduce((x, y) => this.alu('add', x, y), this.builder.constant(0))
  }

  /** A difference that was computed as if it were at an even place, at one that is so far from it. */
  shifted(difference: Value, distance: Value): Value {
    const isOdd = this.alu('lsh', this.alu('and', distance, 1, 32), 3, 32)
    return this.alu('lsh', this.fold(difference, 32), isOdd)
  }

  fold(sum: Value, bits: 16 | 32): Value {
    return this.builder.emit({ op: 'fold', bits }, sum)
  }

  /** RFC 1624, equation 3. */
  update(pointer: Value, offset: number, difference: Value): void {
    const { builder } = this
    const old = builder.emit({ op: 'load', size: 2, offset, from: 'packet' }, pointer)
    builder.emit({ op: 'store', size: 2, offset, to: 'packet' }, pointer, this.updated(old, difference))
  }

  updated(old: Value, difference: Value): Value {
    const sum = this.alu('add', difference, this.alu('xor', old, 0xffff))
    return this.alu('xor', this.fold(sum, 16), 0xffff)
  }

  private halves(value: Value): Value[] {
    return [this.builder.emit({ op: 'low32' }, value), this.alu('rsh', value, 32)]
  }
}
