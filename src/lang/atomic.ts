/** The integers of an entry. Those of 32 and 64 bits have atomic operations; the compiler refuses others. */
export type IntegersOf<Entry> = { [K in keyof Entry]-?: Entry[K] extends number ? K : never }[keyof Entry]

/** Changes an integer of a table's entry at once, whatever other CPUs do to it meanwhile. Returns what it was before. */
type Change = <Entry extends object>(entry: Entry, field: IntegersOf<Entry>, value: number) => number

export type AtomicName = 'add' | 'or' | 'and' | 'xor' | 'exchange' | 'compareExchange'

interface Atomics {
  /** Adds, and wraps at the field's width. With a result that nobody uses it is the cheaper instruction without one. */
  readonly add: Change
  readonly or: Change
  readonly and: Change
  readonly xor: Change
  /** Stores. */
  readonly exchange: Change
  /** Stores `value` if the field is `expected`. It was, if that is the result. */
  readonly compareExchange: <Entry extends object>(
    entry: Entry,
    field: IntegersOf<Entry>,
    expected: number,
    value: number,
  ) => number
}

const MARK = Symbol('atomic')

const operation = (name: AtomicName) =>
  Object.assign(
    (): never => {
      throw new TypeError(`atomic.${name} is for data planes`)
    },
    { [MARK]: name },
  )

/**
 * What several CPUs may do to one field without losing any of it, in the manner of JavaScript's `Atomics`:
 * `atomic.add(entry, 'packets', 1)`. Fields are of 32 or 64 bits.
 */
export const atomic: Atomics = {
  add: operation('add'),
  or: operation('or'),
  and: operation('and'),
  xor: operation('xor'),
  exchange: operation('exchange'),
  compareExchange: operation('compareExchange'),
}

/** Which operation a live value is; undefined for everything else. */
export const atomicName = (value: unknown): AtomicName | undefined =>
  typeof value === 'function' && MARK in value ? (value as { [MARK]: AtomicName })[MARK] : undefined
