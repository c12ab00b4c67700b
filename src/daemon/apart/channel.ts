/**
 * What a control plane that runs apart and the thread that looks after it say to each other: values of `node:v8`, each after its
 * length.
 */
import { deserialize, serialize } from 'node:v8'
import { concat, viewOf } from '../../base/bytes.ts'
import type { Injected } from '../../engine/control/control-plane.ts'
import type { MapDescription } from '../../isa/program.ts'
import type { Orders } from '../control-thread.ts'

/** File descriptors of the process: calls, each of which waits for its answer, and what it is told while it does something else. */
export const CALLS = 3
export const NEWS = 4

/** Bytes of one message; whoever says more is cut off. */
export const LONGEST = 64 << 20

export const MAP_METHODS = [
  'lookup',
  'update',
  'delete',
  'entries',
  'pop',
  'replaceAll',
  'has',
  'consume',
  'drain',
] as const
export type MapMethod = (typeof MAP_METHODS)[number]

export type Call =
  | { readonly do: 'open'; readonly path: string; readonly description: MapDescription }
  | { readonly do: 'map'; readonly map: number; readonly method: MapMethod; readonly words: readonly unknown[] }
  /** To be told once when there is something in a ring. */
  | { readonly do: 'await'; readonly map: number }
  | { readonly do: 'inject'; readonly packets: readonly Injected[] }
  | { readonly do: 'log'; readonly line: string }
  | { readonly do: 'running' }
  | { readonly do: 'alive' }
  | { readonly do: 'failed'; readonly why: string }

export type Answer = { readonly value: unknown } | { readonly error: string }

export type News =
  | { readonly is: 'orders'; readonly orders: Omit<Orders, 'folder' | 'gate' | 'slots' | 'apart'> }
  | { readonly is: 'ready'; readonly map: number }
  | { readonly is: 'alive?' }

export function framed(value: unknown): Uint8Array {
  const bytes = serialize(value)
  const frame = new Uint8Array(4 + bytes.length)
  viewOf(frame).setUint32(0, bytes.length, true)
  frame.set(bytes, 4)
  return frame
}

/** Pieces → values, one at a time: what nobody asked for yet stays as it came. */
export class Frames {
  private pieces: Uint8Array[] = []
  private size = 0

  add(piece: Uint8Array): void {
    this.pieces.push(piece)
    this.size += piece.length
  }

  /** Undefined where the next one is not there as a whole. A RangeError where it is too long. */
  next(): { readonly value: unknown } | undefined {
    if (this.size < 4) return undefined
    const length = viewOf(this.gather(4)).getUint32(0, true)
    if (length > LONGEST) throw new RangeError(`a message of ${length} bytes`)
    if (this.size - 4 < length) return undefined
    const bytes = this.gather(4 + length)
    this.pieces[0] = bytes.subarray(4 + length)
    this.size -= 4 + length
    return { value: deserialize(bytes.subarray(4, 4 + length)) }
  }

  /** The first piece, which has so many bytes from now on: each byte is copied once for its length and once for its message. */
  private gather(count: number): Uint8Array {
    let [taken, size] = [0, 0]
    while (size < count) size += this.pieces[taken++]?.length ?? 0
    const first = taken === 1 ? this.pieces[0] : undefined
    if (first !== undefined) return first
    const joined = concat(...this.pieces.slice(0, taken))
    this.pieces.splice(0, taken, joined)
    return joined
  }
}
