declare const held: unique symbol

/** An entry of a table with locks: its fields are reached by {@link withLock}. */
export interface Locked<Entry> {
  readonly [held]: Entry
}

const MARK = Symbol('withLock')

/**
 * Runs `update` on an entry of a `locked` table and on what else is passed, while no other CPU and no control plane can
 * reach it: `withLock(bucket, take, now(), packet.length)`. `update` is a function of a module, and only computes with what
 * it is given: under a lock, the kernel can be asked nothing.
 */
export const withLock: <Entry, Rest extends readonly unknown[], Result>(
  entry: Locked<Entry>,
  update: (entry: Entry, ...rest: Rest) => Result,
  ...rest: Rest
) => Result = Object.assign(
  (): never => {
    throw new TypeError('withLock is for data planes')
  },
  { [MARK]: true },
)

export const isWithLock = (value: unknown): boolean => typeof value === 'function' && MARK in value
