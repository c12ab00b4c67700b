/** What anybody can cause as often as they like is told of a few times, and then counted. */
export interface SparingOptions {
  /** Of each, in `window` milliseconds. */
  readonly most: number
  readonly window: number
  /** Milliseconds; its differences count. */
  readonly now: () => number
}

interface Told {
  told: number
  quiet: number
}

export class Sparing {
  readonly #options: SparingOptions
  readonly #whose = new Map<string, Told>()
  #began = Number.NEGATIVE_INFINITY

  constructor(options: SparingOptions) {
    this.#options = options
  }

  /** Whether to tell of one more and, if so, of how many before it nobody was told. */
  next(whose: string): { readonly untold: number } | undefined {
    this.#renew()
    const found = this.#whose.get(whose) ?? { told: 0, quiet: 0 }
    this.#whose.set(whose, found)
    if (found.told >= this.#options.most) {
      found.quiet++
      return undefined
    }
    found.told++
    const { quiet: untold } = found
    found.quiet = 0
    return { untold }
  }

  /** Whoever has caused nothing for a whole window is forgotten. */
  #renew(): void {
    const { window, now } = this.#options
    const at = now()
    if (at - this.#began < window) return
    this.#began = at
    for (const [whose, { quiet }] of this.#whose)
      if (quiet === 0) this.#whose.delete(whose)
      else this.#whose.set(whose, { told: 0, quiet })
  }
}
