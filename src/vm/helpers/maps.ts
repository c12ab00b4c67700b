/** Helpers for maps. They return 0, or a negated error number, but for the lookup. */

import type { Registers } from '../engine.ts'
import { ERRNO } from '../errno.ts'
import { type Memory, TAKES, valueIn } from '../memory.ts'
import { bytesIn, changeableMap, flags, keyedMap, mapIn, sequenceIn, unsigned } from './arguments.ts'

/** The address of a value, or 0. */
export function lookup(memory: Memory, code: Registers): void {
  const map = keyedMap(memory, code)
  const key = bytesIn(memory, code, 2, map.description.key.size, TAKES.key)
  if (map.inner !== undefined) {
    const index = memory.heap.view.getUint32(key, true)
    code.lo[0] = 0
    code.hi[0] = index < map.description.entries ? map.inner.id : 0
    return
  }
  const slot = map.find(memory.heap.bytes, key, 'program')
  code.lo[0] = slot < 0 ? 0 : slot * map.stride
  code.hi[0] = slot < 0 ? 0 : valueIn(map.id + 1, slot)
}

export function update(memory: Memory, code: Registers): number {
  const map = changeableMap(memory, code)
  const { bytes } = memory.heap
  const key = bytesIn(memory, code, 2, map.description.key.size, TAKES.key)
  const value = bytesIn(memory, code, 3, map.description.value.size, TAKES.value)
  return map.update(bytes, key, bytes, value, flags(code, 4))
}

export function remove(memory: Memory, code: Registers): number {
  const map = changeableMap(memory, code)
  return map.delete(memory.heap.bytes, bytesIn(memory, code, 2, map.description.key.size, TAKES.key))
}

export function push(memory: Memory, code: Registers): number {
  const value = valueGiven(memory, code)
  return mapIn(memory, code).bloom?.add(value, flags(code, 3)) ?? sequenceIn(memory, code).push(value, flags(code, 3))
}

export const pop = (memory: Memory, code: Registers): number => give(memory, code, sequenceIn(memory, code).pop())

/** A Bloom filter is asked for the value, where a queue gives one. */
export function peek(memory: Memory, code: Registers): number {
  const { bloom } = mapIn(memory, code)
  if (bloom === undefined) return give(memory, code, sequenceIn(memory, code).peek())
  return bloom.has(valueGiven(memory, code)) ? 0 : -ERRNO.ENOENT
}

/** A copy of the value that r2 points to. */
function valueGiven(memory: Memory, code: Registers): Uint8Array {
  const { size } = mapIn(memory, code).description.value
  const at = bytesIn(memory, code, 2, size, TAKES.value)
  return memory.heap.bytes.slice(at, at + size)
}

/** A value, or zeros where there is none, to where r2 points. */
function give(memory: Memory, code: Registers, value: Uint8Array | undefined): number {
  const { size } = mapIn(memory, code).description.value
  memory.heap.bytes.set(value ?? new Uint8Array(size), memory.result(code.hi[2] ?? 0, unsigned(code, 2), size))
  return value === undefined ? -ERRNO.ENOENT : 0
}
