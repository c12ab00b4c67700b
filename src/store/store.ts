/** Where it is kept what is wanted: keys and values, each change of which has a number. */
import { Refusal } from '../base/diagnostic.ts'

/**
 * One sequence of changes. Each {@link Store.commit} that changes something is the next revision, counted from 1; there is no time in it.
 * Keys are {@link isKey}, values any well-formed text up to {@link LONGEST_VALUE}.
 */
export interface Store extends AsyncDisposable {
  get(key: string): Promise<Entry | undefined>
  /** Entries whose keys begin with `prefix`, in the order of their keys, all as they are at one revision. */
  list(prefix: string, page?: Page): Promise<Listing>
  /**
   * All of it, or nothing: a {@link Conflict} where an entry is at another revision than expected, {@link NoRoom} where the disk is full.
   * It lasts when the promise resolves. Gives the revision that the store is at then; a commit that changes nothing is none.
   */
  commit(operations: readonly Operation[]): Promise<number>
  /**
   * The commits after a revision that touch keys with `prefix`, and then those that come, until `signal` or until the store is closed.
   * {@link Compacted} where they are not known any more, at the beginning or because the reader was too slow.
   */
  watch(prefix: string, options?: WatchOptions): AsyncIterable<Commit>
}

export interface Entry {
  readonly key: string
  readonly value: string
  /** Of its last change. */
  readonly revision: number
}

export interface Listing {
  /** Of the store: to watch from. */
  readonly revision: number
  readonly entries: readonly Entry[]
}

export interface Page {
  /** Entries that come after this key, which need not be there. */
  readonly after?: string | undefined
  readonly limit?: number | undefined
  /** From the last key to the first. */
  readonly descending?: boolean | undefined
}

/** `expected`: the revision that the entry has, 0 where it must not be there. Unless said, it may be any. A key is named once. */
export type Operation =
  | { readonly put: string; readonly value: string; readonly expected?: number | undefined }
  | { readonly delete: string; readonly expected?: number | undefined }
  | { readonly check: string; readonly expected: number }

export interface WatchOptions {
  /** Unless said, the revision that the store is at. */
  readonly after?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Commit {
  readonly revision: number
  readonly changes: readonly Change[]
}

export interface Change {
  readonly key: string
  /** Undefined: the entry is gone. */
  readonly value: string | undefined
}

/** How much of the past is kept to be watched: the newer commits, as many as are within both bounds, and always the last one. */
export interface HistoryBound {
  readonly commits: number
  /** Of keys and values together. */
  readonly characters: number
}

export const HISTORY: HistoryBound = { commits: 10_000, characters: 16 * 1024 * 1024 }

/** In characters. */
export const LONGEST_KEY = 400
export const LONGEST_VALUE = 16 * 1024 * 1024

/** Printable ASCII, so that all stores have the same order of them. */
export const isKey = (text: string): boolean => text.length <= LONGEST_KEY && /^[!-~]+$/.test(text)

/** Somebody else was quicker. */
export class Conflict extends Error {
  readonly conflicts: readonly Mismatch[]

  constructor(conflicts: readonly Mismatch[]) {
    super(
      conflicts
        .map(({ key, expected, found }) => `${key} is at revision ${found?.revision ?? 0}, not ${expected}`)
        .join('; '),
    )
    this.name = 'Conflict'
    this.conflicts = conflicts
  }
}

export interface Mismatch {
  readonly key: string
  readonly expected: number
  readonly found: Entry | undefined
}

/** What was asked for is too long ago, or of another store. Read again what there is, and go on from its revision. */
export class Compacted extends Error {
  constructor(after: number, oldest: number, newest: number) {
    super(`what came after revision ${after} is not known: the store knows what came after ${oldest}, up to ${newest}`)
    this.name = 'Compacted'
  }
}

/** Nothing was written. */
export class NoRoom extends Refusal {}

export const keyOf = (operation: Operation): string =>
  'put' in operation ? operation.put : 'delete' in operation ? operation.delete : operation.check

/** Throws a RangeError where a caller asks for what no store can do. */
export function mustBePossible(operations: readonly Operation[]): void {
  const keys = operations.map(keyOf)
  const wrong = keys.find((key) => !isKey(key))
  if (wrong !== undefined) throw new RangeError(`${JSON.stringify(wrong)} is no key`)
  if (new Set(keys).size < keys.length) throw new RangeError('a key is there twice')
  const long = operations.find((one) => 'put' in one && one.value.length > LONGEST_VALUE)
  if (long !== undefined) throw new RangeError(`the value of ${keyOf(long)} is too long`)
}

/** What of the operations is a change, or the Conflict that there is. */
export function changesOf(operations: readonly Operation[], get: (key: string) => Entry | undefined): Change[] {
  mustBePossible(operations)
  const found = operations.map((operation) => {
    const key = keyOf(operation)
    return { operation, key, expected: operation.expected, found: get(key) }
  })
  const conflicts = found.flatMap(({ key, expected, found }) =>
    expected === undefined || expected === (found?.revision ?? 0) ? [] : [{ key, expected, found }],
  )
  if (conflicts.length > 0) throw new Conflict(conflicts)
  return found.flatMap(({ operation, key, found }): Change[] => {
    if ('put' in operation) return [{ key, value: operation.value }]
    return 'delete' in operation && found !== undefined ? [{ key, value: undefined }] : []
  })
}

/** Characters of it that count for {@link HistoryBound}. */
export const lengthOf = ({ changes }: Commit): number =>
  changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
