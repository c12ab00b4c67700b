/** What a control plane that runs apart and the thread that looks after it say to each other: values of `node:v8`, each after its length. */
import { deserialize, serialize } from 'node:v8'
import { viewOf } from '../../base/bytes.ts'
import type { Injected } from '../../engine/control-plane.ts'
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

/** Pieces → values. A RangeError where one is too long. */
export class Frames {
  private rest = new Uint8Array()

  take(piece: Uint8Array): unknown[] {
    const values: unknown[] = []
    let bytes = piece
    if (this.rest.length > 0) {
      bytes = new Uint8Array(this.rest.length + piece.length)
      bytes.set(this.rest)
      bytes.set(piece, this.rest.length)
    }
    let at = 0
    while (bytes.length - at >= 4) {
      const length = viewOf(bytes).getUint32(at, true)
      if (length > LONGEST) throw new RangeError(`a message of ${length} bytes`)
      if (bytes.length - at - 4 < length) break
      values.push(deserialize(bytes.subarray(at + 4, at + 4 + length)))
      at += 4 + length
    }
    this.rest = bytes.slice(at)
    return values
  }
}
