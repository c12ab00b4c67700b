/** How far a variable gets in one round of a loop: at least, and at most, on all ways through its body. */
import { assignments } from './ranges.ts'
import type { Expression, Span, Statement, While } from './tree.ts'

interface Distance {
  readonly least: bigint
  readonly most: bigint
}

/** Where a way through some statements leads, and how far the variable has got there. */
interface Ways {
  /** To their end; undefined where no way does. */
  readonly on: Distance | undefined
  /** To the next round, by `continue`. */
  readonly next: Distance | undefined
  /** Out of a switch, by `break`. */
  readonly out: Distance | undefined
}

const hull = (a: Distance | undefined, b: Distance | undefined): Distance | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return { least: a.least < b.least ? a.least : b.least, most: a.most > b.most ? a.most : b.most }
}

const NOWHERE: Ways = { on: undefined, next: undefined, out: undefined }

/** Thrown at an assignment that is no step. */
class Strange extends Error {
  readonly span: Span
  constructor(span: Span) {
    super()
    this.span = span
  }
}

/**
 * `constant` gives the value of an expression that is one. Where some assignment is no step into the right direction, or is in
 * a loop of its own, `strange` is its place.
 */
export function stepsOf(
  { body, update }: While,
  name: string,
  upwards: boolean,
  constant: (node: Expression) => bigint | undefined,
): { readonly least: bigint | undefined; readonly most: bigint } | { readonly strange: Span } {
  const step = (node: Extract<Statement, { kind: 'assign' }>): bigint => {
    const by = node.operator === '+' || node.operator === '-' ? constant(node.value) : undefined
    if (by === undefined) throw new Strange(node.span)
    const forward = (node.operator === '+') === upwards ? by : -by
    if (forward < 0n) throw new Strange(node.span)
    return forward
  }
  const sequence = (list: readonly Statement[], start: Distance): Ways => {
    let ways: Ways = { ...NOWHERE, on: start }
    for (const node of list) {
      if (ways.on === undefined) break
      const after = through(node, ways.on)
      ways = { on: after.on, next: hull(ways.next, after.next), out: hull(ways.out, after.out) }
    }
    return ways
  }
  const through = (node: Statement, at: Distance): Ways => {
    switch (node.kind) {
      case 'assign': {
        if (node.target.kind !== 'name' || node.target.name !== name) return { ...NOWHERE, on: at }
        const by = step(node)
        return { ...NOWHERE, on: { least: at.least + by, most: at.most + by } }
      }
      case 'declare':
        // Another variable of that name would hide this one.
        if (node.name === name) throw new Strange(node.span)
        return { ...NOWHERE, on: at }
      case 'if': {
        const [yes, no] = [sequence(node.whenTrue, at), sequence(node.whenFalse, at)]
        return { on: hull(yes.on, no.on), next: hull(yes.next, no.next), out: hull(yes.out, no.out) }
      }
      case 'block':
        return sequence(node.body, at)
      case 'switch': {
        const inside = sequence(node.body, at)
        return { on: hull(inside.on, inside.out), next: inside.next, out: undefined }
      }
      case 'loop':
      case 'while':
      case 'each': {
        const inner = assignments([node]).find((one) => one.name === name)
        if (inner !== undefined) throw new Strange(inner.statement.span)
        return { ...NOWHERE, on: at }
      }
      case 'continue':
        return { ...NOWHERE, next: at }
      case 'break':
        return { ...NOWHERE, out: at }
      case 'return':
        return NOWHERE
      default:
        return { ...NOWHERE, on: at }
    }
  }
  try {
    const { on, next } = sequence(body, { least: 0n, most: 0n })
    const round = hull(on, next)
    const all = round && sequence(update, round).on
    return { least: all?.least ?? 1n, most: all?.most ?? 0n }
  } catch (error) {
    if (!(error instanceof Strange)) throw error
    return { strange: error.span }
  }
}
