/** By what loops end that do not say how often they run. */
import { type Block, successors, type Value } from '../ir.ts'
import type { Dominators } from './dominators.ts'
import type { Loop } from './loops.ts'
import { sourcesOf } from './sources.ts'

/**
 * What the verifier has to see of a loop, so that it comes to its end: of what goes round it the one number that each round steps
 * by the same constant, and that ends it soonest. Where there is none, all that constants are added to on every way.
 */
export function endsOf({ header, body }: Loop, dominators: Dominators): ReadonlySet<Value> {
  const latches = header.predecessors.filter((one) => body.has(one))
  const exits = [...body].filter((block) => !successors(block).every((next) => body.has(next)))
  const candidates = header.values
    .filter(({ op }) => op === 'phi')
    .flatMap((phi): Candidate[] => {
      const carried = phi.arguments.filter((_, index) => body.has(header.predecessors[index] ?? header))
      const steps = carried.map((one) => stepsTo(one, phi))
      if (steps.some((one) => one === undefined || one.has(0n))) return []
      const tests = exits.filter(({ end }) => end?.op === 'branch' && sourcesOf([end.left, end.right]).has(phi))
      const [step, ...others] = new Set(steps.flatMap((one) => [...(one ?? [])]))
      const start = phi.arguments.find((_, index) => !body.has(header.predecessors[index] ?? header))
      const rounds = tests
        .filter((block) => latches.every((latch) => dominators.dominates(block, latch)))
        .map((block) => (others.length > 0 || step === undefined ? undefined : roundsUntil(block, start, step)))
      return tests.length === 0 ? [] : [{ phi, rounds: rounds.reduce(fewer, undefined) }]
    })
  const soonest = candidates.reduce(
    (least: Candidate | undefined, one) => (isSooner(one, least) ? one : least),
    undefined,
  )
  return new Set(soonest === undefined ? candidates.map(({ phi }) => phi) : [soonest.phi])
}

interface Candidate {
  readonly phi: Value
  /** Undefined where it is not known. */
  readonly rounds: bigint | undefined
}

const fewer = (a: bigint | undefined, b: bigint | undefined): bigint | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a

const isSooner = ({ rounds }: Candidate, than: Candidate | undefined): boolean =>
  rounds !== undefined && (than?.rounds === undefined || rounds < than.rounds)

/** How often something steps from one constant to another. */
function roundsUntil({ end }: Block, start: Value | undefined, step: bigint): bigint | undefined {
  if (end?.op !== 'branch' || start?.op !== 'const') return undefined
  const limit = [end.left, end.right].find(({ op }) => op === 'const')
  if (limit?.op !== 'const') return undefined
  const distance = BigInt.asIntN(end.bits, limit.value - start.value)
  return distance === 0n || distance > 0n !== step > 0n ? undefined : distance / step
}

type Steps = ReadonlySet<bigint> | undefined

/** What is added to the phi on the ways that lead to the value; undefined where it is not always a constant. */
function stepsTo(value: Value, phi: Value, known = new Map<Value, Steps>()): Steps {
  if (value === phi) return new Set([0n])
  const [first, second] = value.arguments
  if (value.op === 'phi') {
    if (known.has(value)) return known.get(value)
    // On the ways that lead round an inner loop.
    known.set(value, new Set())
    const ways = value.arguments.map((one) => stepsTo(one, phi, known))
    const all = ways.some((one) => one === undefined) ? undefined : new Set(ways.flatMap((one) => [...(one ?? [])]))
    known.set(value, all)
    return all
  }
  if (first === undefined) return undefined
  if (value.op === 'low32' || value.op === 'sext32') return stepsTo(first, phi, known)
  if (value.op !== 'alu' || second?.op !== 'const') return undefined
  if (value.alu === 'and') return stepsTo(first, phi, known)
  if (value.alu !== 'add' && value.alu !== 'sub') return undefined
  const by = BigInt.asIntN(value.bits, second.value)
  const before = stepsTo(first, phi, known)
  return before && new Set([...before].map((one) => (value.alu === 'add' ? one + by : one - by)))
}
