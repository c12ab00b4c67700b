/** How many entries tables have. */

/** Of the time, at most so much is spent on counting a table. */
const SHARE = 1 / 200
/** Milliseconds. What takes no longer costs next to nothing. */
const QUICK = 2
/** Milliseconds after which it is forgotten what was counted. */
const LONG = 10_000

/** Entries have to be walked to be counted: of a large table seldom, and what was found is told meanwhile. */
export class Fill {
  private readonly now: () => number
  private readonly seldom: number
  private readonly known = new Map<string, { readonly entries: number; readonly until: number }>()

  /** In milliseconds: the time, and between two counts of a table, at least. */
  constructor(now: () => number, seldom = 0) {
    this.now = now
    this.seldom = seldom
  }

  count(path: string, walk: () => number | undefined): number | undefined {
    const begun = this.now()
    const known = this.known.get(path)
    if (known !== undefined && begun < known.until) return known.entries
    const entries = walk()
    if (entries === undefined) return undefined
    const ended = this.now()
    const took = ended - begun
    this.known.set(path, { entries, until: ended + Math.max(this.seldom, took < QUICK ? 0 : took / SHARE) })
    return entries
  }

  /** Forgets what nobody has asked for lately. */
  tidy(): void {
    const now = this.now()
    for (const [path, { until }] of this.known) if (now > until + LONG) this.known.delete(path)
  }
}
