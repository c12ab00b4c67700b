/** How many ways lead through a function. The verifier follows each of them, where it cannot tell that two come to the same. */
import { addParts, type Node } from './parts.ts'
import type { Typed, TypedFunction, TypedStatement } from './typed.ts'

/** Ways to the end of some statements, out of the loop or switch around them, and out of the function. */
interface Ways {
  readonly onwards: number
  readonly left: number
  readonly returned: number
}

/** `waysOf` a function that is called counts once for each way to the call. */
export const countWays = (body: readonly TypedStatement[], waysOf: (callee: TypedFunction) => number): number => {
  const { onwards, returned } = statements(body, waysOf)
  return limited(onwards + returned)
}

/** More than anybody asks for; sums and products of it are still numbers. */
const limited = (ways: number): number => Math.min(ways, 1e12)

function statements(body: readonly TypedStatement[], waysOf: (callee: TypedFunction) => number): Ways {
  let all: Ways = { onwards: 1, left: 0, returned: 0 }
  for (const one of body) all = then(all, statement(one, waysOf))
  return all
}

const then = (first: Ways, second: Ways): Ways => ({
  onwards: limited(first.onwards * second.onwards),
  left: limited(first.left + first.onwards * second.left),
  returned: limited(first.returned + first.onwards * second.returned),
})

function statement(node: TypedStatement, waysOf: (callee: TypedFunction) => number): Ways {
  switch (node.op) {
    case 'if': {
      const [yes, no] = [statements(node.whenTrue, waysOf), statements(node.whenFalse, waysOf)]
      const both = {
        onwards: yes.onwards + no.onwards,
        left: yes.left + no.left,
        returned: yes.returned + no.returned,
      }
      return then(inside([node.test], waysOf), both)
    }
    case 'loop':
    case 'while':
      return repeated(Array(node.times).fill(statements(node.body, waysOf)))
    case 'rounds':
      return repeated(node.rounds.map((round) => statements(round, waysOf)))
    case 'breakable':
      return repeated([statements(node.body, waysOf)])
    case 'break':
    case 'continue':
      return { onwards: 0, left: 1, returned: 0 }
    case 'return': {
      const { onwards } = inside(node.value === undefined ? [] : [node.value], waysOf)
      return { onwards: 0, left: 0, returned: onwards }
    }
    default:
      return inside([node], waysOf)
  }
}

/** What leaves a round, and what comes to its end, goes on behind it. */
const repeated = (rounds: readonly Ways[]): Ways =>
  rounds
    .map(({ onwards, left, returned }) => ({ onwards: onwards + left, left: 0, returned }))
    .reduce(then, { onwards: 1, left: 0, returned: 0 })

/** Through values: every choice between two doubles the ways. */
function inside(values: readonly (Typed | TypedStatement)[], waysOf: (callee: TypedFunction) => number): Ways {
  const waiting: Node[] = [...values]
  let onwards = 1
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.op === 'conditional') onwards *= 2
    if (node.op === 'call') onwards *= waysOf(node.callee)
    onwards = limited(onwards)
    addParts(node, waiting)
  }
  return { onwards, left: 0, returned: 0 }
}
