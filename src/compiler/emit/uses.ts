/** How the values of a graph are used, as far as that decides which instructions they become. */
import type { Graph, Value } from '../ir.ts'

export interface Uses {
  /** How often. */
  readonly count: ReadonlyMap<Value, number>
  /** What was proved of a value would be lost if it were loaded again. */
  readonly proved: ReadonlySet<Value>
  /** Sums that only loads and stores use, which take the distance into their instructions. */
  readonly folded: ReadonlySet<Value>
}

export function usesOf({ blocks }: Graph): Uses {
  const count = new Map<Value, number>()
  const proved = new Set<Value>()
  const addresses = new Set<Value>()
  const others = new Set<Value>()
  const use = (value: Value, as: Set<Value> = others) => {
    count.set(value, (count.get(value) ?? 0) + 1)
    as.add(value)
  }
  for (const { values, end } of blocks) {
    for (const value of values) {
      const [base, ...rest] = value.arguments
      const isAddress = value.op === 'load' || value.op === 'store' || value.op === 'atomic'
      if (base !== undefined) use(base, isAddress ? addresses : others)
      for (const one of rest) use(one)
    }
    if (end?.op === 'return') use(end.value)
    if (end?.op === 'branch') for (const one of [end.left, end.right]) use(one)
    if (end?.op === 'branch' && end.proof) proved.add(end.left)
  }
  const folded = new Set([...addresses].filter((value) => isNear(value) && !others.has(value)))
  return { count, proved, folded }
}

/** A sum that fits into the offset of a load. */
export const isNear = (value: Value): boolean => {
  const distance = value.arguments[1]
  return value.op === 'alu' && value.alu === 'add' && distance?.op === 'const' && distance.value < 0x7000n
}
