/** What a comparison gives: ours against a peer, case by case, measured side by side in one run. */
export interface Part {
  readonly unit: string
  readonly cases: readonly Case[]
  readonly geomean: number
}

export interface Case {
  readonly case: string
  readonly ours: number
  readonly peer: number
  /** ours / peer */
  readonly ratio: number
}

/** A number that has no peer. */
export interface Figure {
  readonly unit: string
  readonly value: number
}

export interface Result extends Part {
  readonly name: string
  readonly machine: string
  readonly instructions?: Part
  readonly verified?: Part
  readonly compile?: Part
  readonly memory?: Part
  readonly interpreter?: Part
  readonly polycube?: Part
  readonly three?: Part
  readonly silent?: Part
  readonly translation?: Figure
  readonly instances?: Figure
  /** To compile a bridge of three ports, warm. */
  readonly bridge_ms?: number
  readonly punts_per_s?: number
  readonly roundtrips_per_s?: number
  /** Of changes under load: packets sent meanwhile, those that did not arrive, and those that met cubes of two changes. */
  readonly changes?: number
  readonly sent?: number
  readonly lost?: number
  readonly mixed?: number
  readonly median_ms?: number
  readonly p99_ms?: number
  /** Of changes that make the compiler compile all programs anew. */
  readonly compiled_ms?: number
  /** A thousand instances, from the file to all programs, and what the process has at most. */
  readonly thousand?: { readonly ms: number; readonly mib: number }
  /**
   * So many bridges in this kernel, on so many interfaces: seconds to apply them from nothing, to apply them again, to change one, to
   * ask for all counters, and to remove them; MiB of the process at most, and of the kernel.
   */
  readonly loaded?: {
    readonly bridges: number
    readonly interfaces: number
    readonly apply: number
    readonly again: number
    readonly change: number
    readonly status: number
    readonly delete: number
    readonly mib: number
    readonly kernel_mib: number
  }
  /** Of the daemon: what is resident, and the share of a core, while nothing happens; a start until it serves; requests. */
  readonly idle_mib?: number
  readonly idle_percent?: number
  readonly start_ms?: number
  readonly reads_per_s?: number
  readonly list_ms?: number
  readonly get_ms?: number
}

export interface Options {
  readonly quick: boolean
  /** The cases that are asked for; empty for all. */
  readonly cases: readonly string[]
}

export type Comparison = (options: Options) => Promise<Omit<Result, 'name' | 'machine'>>

/** Of all cases those that are asked for, which must be there. */
export function chosen(all: readonly string[], cases: readonly string[]): readonly string[] {
  const unknown = cases.find((one) => !all.includes(one))
  if (unknown !== undefined) throw new RangeError(`there is no case "${unknown}": ${all.join(', ')}`)
  return cases.length === 0 ? all : cases
}

export function part(unit: string, measured: readonly Omit<Case, 'ratio'>[]): Part {
  const cases = measured.map((one) => ({ ...one, ratio: one.ours / one.peer }))
  const geomean = Math.exp(cases.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / cases.length)
  return { unit, cases, geomean }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length

/** What a quarter of them are below. */
export const lowerQuartile = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 2] ?? 0

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
