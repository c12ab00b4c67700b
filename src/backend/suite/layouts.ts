import { alignUp, viewOf } from '../../base/bytes.ts'
import type { Layout } from '../../isa/layout.ts'
import type { MapDescription, MapKind } from '../../isa/program.ts'
import type { MachineMap } from '../machine.ts'

const scalar = (size: 1 | 2 | 4 | 8): Layout => ({ kind: 'scalar', size, signed: false, align: size })

/** 32-bit keys, 64-bit values. */
export const mapOf = (kind: MapKind, entries: number): MapDescription => ({
  kind,
  key: scalar(4),
  value: scalar(8),
  entries,
})

export function key(number: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, number, true)
  return bytes
}

export function value(number: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  viewOf(bytes).setBigUint64(0, number, true)
  return bytes
}

/** A value for each CPU that the map wants one for: this number, and zeros. */
export function ofFirstCpu(map: MachineMap, number: bigint): Uint8Array {
  const bytes = new Uint8Array(map.valueSize)
  bytes.set(value(number))
  return bytes
}

/** The values of all CPUs of one entry of a per-CPU map, added up. */
export function sum(bytes: Uint8Array | undefined): bigint {
  if (bytes === undefined) throw new RangeError('there is no such entry')
  const each = alignUp(8, 8)
  return Array.from({ length: bytes.length / each }, (_, cpu) => viewOf(bytes).getBigUint64(cpu * each, true)).reduce(
    (total, one) => total + one,
    0n,
  )
}

/** The entries of a map of 32-bit keys and 64-bit values, in the order of their keys. */
export const listing = (map: MachineMap): [number, bigint][] =>
  map
    .entries()
    .map(([k, v]): [number, bigint] => [viewOf(k).getUint32(0, true), viewOf(v).getBigUint64(0, true)])
    .sort(([a], [b]) => a - b)
