/** Numbers that are left open, to be put into a program when it has been compiled: see shared.ts. */

export interface WiredParts {
  /** Those of one name are the same. */
  readonly name: string
  /** It is less than 2 to the power of this. */
  readonly bits: number
  /** It is no less than this: 0 unless said otherwise. */
  readonly least?: number
  /** Out of those that are left open, which ones it is computed from. */
  readonly places: readonly number[]
  readonly of: (numbers: readonly number[]) => number
  /** A program that knew it would do no better in comparisons. */
  readonly isCompared?: boolean
}

export class Wired implements WiredParts {
  readonly name: string
  readonly bits: number
  readonly least: number
  readonly places: readonly number[]
  readonly of: (numbers: readonly number[]) => number
  readonly isCompared: boolean
  private readonly text: string

  constructor({ name, bits, least = 0, places, of, isCompared = false }: WiredParts) {
    this.name = name
    this.bits = bits
    this.least = least
    this.places = places
    this.of = of
    this.isCompared = isCompared
    this.text = `\0${name} of ${bits} bits`
  }

  /** Whether only a wide instruction has room for it, whichever number it is. */
  get isLong(): boolean {
    return this.least > 0xffff_ffff
  }

  /** What it is in the key of a program, and no text that a graph can have: of two with one name, one may be larger. */
  toJSON(): string {
    return this.text
  }
}

export type Open = number | Wired

/** Equal for those that are the same. */
export const nameOf = (open: Open): string => (open instanceof Wired ? open.name : `${open}`)

/** What is computed of a number, as an immediate of 32 bits: it becomes longer by 16 bits at most. */
export const derived = (from: Open, name: string, compute: (value: number) => number): Open =>
  from instanceof Wired
    ? new Wired({
        name: `${name} of ${from.name}`,
        bits: from.bits + 16,
        places: from.places,
        of: (numbers) => compute(from.of(numbers)),
      })
    : compute(from)
