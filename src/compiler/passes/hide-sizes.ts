import type { Graph, Value } from '../ir.ts'
import { sourcesOf } from './sources.ts'
import { isNumber, SIZED } from './tested.ts'

interface Sizes {
  /** What the verifier has to know, however it was chosen. */
  readonly known: ReadonlySet<Value>
  /** What that is computed from. */
  readonly hidden: ReadonlySet<Value>
}

/**
 * What helpers are told of how much memory there is comes to be of numbers that nothing else is made of, which `hide` gives: the
 * verifier would tell ways apart by the number itself, the packet's length, wherever that is compared, with the count of a loop
 * in each round, say. It has to know only what the size is compared with.
 */
export function hideSizes({ blocks }: Graph, hide: (value: Value) => Value): Sizes {
  const known = new Set<Value>()
  const waiting = blocks.flatMap(({ values }) =>
    values.flatMap((value) => (value.op === 'call' && SIZED.has(value.helper) ? value.arguments : [])),
  )
  const stepped = new Set<Value>()
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (known.has(value)) continue
    known.add(value)
    const [first] = value.arguments
    if (value.op === 'phi') waiting.push(...value.arguments)
    else if (isStep(value)) first?.op === 'phi' || (first && isStep(first)) ? waiting.push(first) : stepped.add(value)
    else for (const source of sourcesOf([value])) known.add(source)
  }
  const hidden = new Set<Value>()
  for (const block of blocks)
    block.values = block.values.flatMap((value) => {
      const [first] = value.arguments
      if (!stepped.has(value) || first === undefined) return [value]
      const other = hide(first)
      hidden.add(other)
      value.arguments = value.arguments.with(0, other)
      return [other, value]
    })
  return { known, hidden }
}

/** A constant more or less than a number. */
export const isStep = (value: Value): boolean => {
  const [first, second] = value.arguments
  const adds = value.op === 'alu' && value.bits === 64 && (value.alu === 'add' || value.alu === 'sub')
  return adds && first !== undefined && isNumber(first) && second?.op === 'const'
}
