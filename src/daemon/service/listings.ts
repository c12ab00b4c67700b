/**
 * Tables in pieces, in the order of their keys. The kernel has no such order: whoever asks for the first piece has all keys read and
 * sorted, and those that follow are looked up one by one, as long as somebody goes on asking.
 */
import type { MachineMap } from '../../backend/machine.ts'
import { concat } from '../../base/bytes.ts'
import type { Layout } from '../../isa/layout.ts'
import type { StructType } from '../../lang/index.ts'

export interface Asked {
  readonly limit: number
  /** The last key of the piece before. */
  readonly after: Uint8Array | undefined
  /** Looked up, prefixes give what contains them: of these, each piece is read anew. */
  readonly isPrefixed: boolean
}

export interface Piece {
  readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]
  /** To be asked for next; undefined where there is nothing behind. */
  readonly next: Uint8Array | undefined
}

/** Milliseconds for which keys are kept that nobody has asked for. */
const PATIENCE = 30_000
/** Listings that are kept at the same time. */
const MOST = 16

interface Begun {
  /** One behind the other. */
  readonly keys: Uint8Array
  readonly end: NodeJS.Timeout
}

export class Listings {
  private readonly begun = new Map<string, Begun>()

  /** What is there all the time is in the pieces once. `name` is of this table alone. */
  piece(name: string, map: MachineMap, key: StructType, asked: Asked): Piece {
    const { limit, after, isPrefixed } = asked
    const compare = comparing(key, isPrefixed)
    const begun = after === undefined || isPrefixed ? undefined : this.find(name, key.size)
    if (begun !== undefined && after !== undefined) return lookedUp(map, begun, key.size, { limit, after, compare })
    const sorted = [...map.entries()].sort(([a], [b]) => compare(a, b))
    const from = after === undefined ? 0 : firstBehind(sorted.length, (at) => compare(sorted[at]?.[0] ?? after, after))
    const entries = sorted.slice(from, from + limit)
    if (from + limit >= sorted.length) return { entries, next: undefined }
    if (!isPrefixed) this.keep(name, concat(...sorted.map(([one]) => one)))
    return { entries, next: entries.at(-1)?.[0] }
  }

  private find(name: string, size: number): Uint8Array | undefined {
    const { keys, end } = this.begun.get(name) ?? {}
    // A table may have come by another layout since.
    if (keys === undefined || keys.length % size !== 0) return undefined
    end?.refresh()
    return keys
  }

  private keep(name: string, keys: Uint8Array): void {
    this.forget(name)
    const [oldest] = this.begun.keys()
    if (oldest !== undefined && this.begun.size >= MOST) this.forget(oldest)
    this.begun.set(name, { keys, end: setTimeout(() => this.begun.delete(name), PATIENCE).unref() })
  }

  private forget(name: string): void {
    clearTimeout(this.begun.get(name)?.end)
    this.begun.delete(name)
  }
}

type Compare = (a: Uint8Array, b: Uint8Array) => number

/** Of the keys that there were, those that are still there. */
function lookedUp(
  map: MachineMap,
  keys: Uint8Array,
  size: number,
  { limit, after, compare }: { readonly limit: number; readonly after: Uint8Array; readonly compare: Compare },
): Piece {
  const keyAt = (at: number) => keys.subarray(at * size, (at + 1) * size)
  const count = keys.length / size
  const entries: (readonly [Uint8Array, Uint8Array])[] = []
  let at = firstBehind(count, (at) => compare(keyAt(at), after))
  for (; at < count && entries.length < limit; at++) {
    const value = map.lookup(keyAt(at))
    if (value !== undefined) entries.push([keyAt(at), value])
  }
  return { entries, next: at < count ? keyAt(at - 1) : undefined }
}

/** How many of `count` are not behind, by how each compares with where that begins. */
function firstBehind(count: number, compare: (at: number) => number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(middle) > 0) high = middle
    else low = middle + 1
  }
  return low
}

/** By the values of fields, one after the other; prefixes by their addresses, and then by how long they are. */
function comparing({ layout, order }: StructType, isPrefixed: boolean): Compare {
  const places = layout.fields.flatMap(({ layout, offset }) => significant(layout, offset, order === 'host'))
  if (isPrefixed) places.push(3, 2, 1, 0)
  return (a, b) => {
    for (const at of places) {
      const difference = (a[at] ?? 0) - (b[at] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  }
}

/** Where the bytes of a value are, the most significant first. */
function significant(layout: Layout, offset: number, isLittle: boolean): number[] {
  switch (layout.kind) {
    case 'scalar':
    case 'bytes': {
      const places = Array.from({ length: layout.size }, (_, at) => offset + at)
      return layout.kind === 'scalar' && isLittle ? places.reverse() : places
    }
    case 'struct':
      return layout.fields.flatMap((field) => significant(field.layout, offset + field.offset, isLittle))
    case 'list':
      return Array.from({ length: layout.length }, (_, at) => at).flatMap((at) =>
        significant(layout.element, offset + at * layout.element.size, isLittle),
      )
  }
}
