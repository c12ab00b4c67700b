/** Numbers of a wiring that are left open. */
import type { Way } from './assembly.ts'
import type { NodeWiring } from './wiring.ts'

/** A number below 2^31, out of those that are left open: see shared.ts. Those of one name are the same. */
export class Wired {
  readonly name: string
  readonly of: (numbers: readonly number[]) => number

  constructor(name: string, of: (numbers: readonly number[]) => number) {
    this.name = name
    this.of = of
  }
}

export type Open = number | Wired

/** Equal for those that are the same. */
export const nameOf = (open: Open): string => (open instanceof Wired ? open.name : `${open}`)

/** What is computed of a number, as an immediate of 32 bits. */
export const derived = (from: Open, name: string, compute: (value: number) => number): Open =>
  from instanceof Wired ? new Wired(`${name} of ${from.name}`, (numbers) => compute(from.of(numbers))) : compute(from)

/** The same wiring for all that are alike, and the numbers of this one. The first is its own port's. */
export function opened({ port, ways, ...others }: NodeWiring<number>): {
  wiring: NodeWiring
  numbers: readonly number[]
} {
  const numbers: number[] = []
  const open = (what: string, value: number): Wired => {
    const place = numbers.push(value) - 1
    return new Wired(`${what} ${place}`, (given) => given[place] ?? 0)
  }
  const own = open('port', port)
  const openWay = (way: Way<number>): Way<Open> => {
    const by = way.port === port ? own : open('port', way.port)
    return way.to === 'interface' ? { ...way, port: by, ifindex: open('interface', way.ifindex) } : { ...way, port: by }
  }
  return { wiring: { ...others, port: own, ways: ways.map(openWay) }, numbers }
}
