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

export interface Result extends Part {
  readonly name: string
  readonly machine: string
  readonly instructions?: Part
  readonly verified?: Part
  readonly compile?: Part
}

export type Comparison = (options: { readonly quick: boolean }) => Promise<Omit<Result, 'name' | 'machine'>>

export function part(unit: string, measured: readonly Omit<Case, 'ratio'>[]): Part {
  const cases = measured.map((one) => ({ ...one, ratio: one.ours / one.peer }))
  const geomean = Math.exp(cases.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / cases.length)
  return { unit, cases, geomean }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
