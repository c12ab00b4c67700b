/** How far a variable gets in one round of a loop: at least, and at most, on all ways through its body. */
import type { Breakable, Do, Each, Expression, Leave, Loop, Span, Statement, While } from '../narrow/tree.ts'
import { assignments } from './ranges.ts'

interface Distance {
  readonly least: bigint
  readonly most: bigint
}

/** Where a way through some statements leads, and how far the variable has got there. */
interface Ways {
  /** To their end; undefined where no way does. */
  readonly on: Distance | undefined
  /** Out of them, by `break` and `continue`: by the text of that, with its label. */
  readonly out: ReadonlyMap<string, Distance>
}

const hull = (a: Distance | undefined, b: Distance | undefined): Distance | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return { least: a.least < b.least ? a.least : b.least, most: a.most > b.most ? a.most : b.most }
}

function both(a: Ways['out'], b: Ways['out']): Ways['out'] {
  const all = new Map(a)
  for (const [leave, distance] of b) all.set(leave, hull(all.get(leave), distance) ?? distance)
  return all
}

const going = (on: Distance | undefined): Ways => ({ on, out: new Map() })

const leaveOf = (kind: Leave['kind'], label: string | undefined): string => `${kind} ${label ?? ''}`

/** With what ends here going on here. `ended` leave it, with its label or without. */
function ending({ on, out }: Ways, ended: readonly string[]): Ways {
  const here = [...out].filter(([leave]) => ended.includes(leave)).map(([, distance]) => distance)
  return { on: here.reduce(hull, on), out: new Map([...out].filter(([leave]) => !ended.includes(leave))) }
}

/** How what is inside of a loop or a breakable leaves just this. */
function leavesOf(node: Breakable | Loop | While | Do | Each): string[] {
  const kinds = node.kind !== 'breakable' ? (['break', 'continue'] as const) : ENDED[node.of]
  const labels = node.kind === 'breakable' && node.of === 'block' ? [node.label] : [undefined, node.label]
  return kinds.flatMap((kind) => labels.map((label) => leaveOf(kind, label)))
}

const ENDED: Readonly<Record<Breakable['of'], readonly Leave['kind'][]>> = {
  switch: ['break'],
  block: ['break'],
  turn: ['continue'],
}

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
  { body, update, label }: While,
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
    let ways = going(start)
    for (const node of list) {
      if (ways.on === undefined) break
      const after = through(node, ways.on)
      ways = { on: after.on, out: both(ways.out, after.out) }
    }
    return ways
  }
  const through = (node: Statement, at: Distance): Ways => {
    switch (node.kind) {
      case 'assign': {
        if (node.target.kind !== 'name' || node.target.name !== name) return going(at)
        const by = step(node)
        return going({ least: at.least + by, most: at.most + by })
      }
      case 'declare':
        // Another variable of that name would hide this one.
        if (node.name === name) throw new Strange(node.span)
        return going(at)
      case 'if': {
        const [yes, no] = [sequence(node.whenTrue, at), sequence(node.whenFalse, at)]
        return { on: hull(yes.on, no.on), out: both(yes.out, no.out) }
      }
      case 'block':
        return sequence(node.body, at)
      case 'breakable':
        return ending(sequence(node.body, at), leavesOf(node))
      case 'loop':
      case 'while':
      case 'do':
      case 'each': {
        const inner = assignments([node]).find((one) => one.name === name)
        if (inner !== undefined) throw new Strange(inner.statement.span)
        return { ...ending(sequence(node.body, at), leavesOf(node)), on: at }
      }
      case 'continue':
      case 'break':
        return { on: undefined, out: new Map([[leaveOf(node.kind, node.label), at]]) }
      case 'return':
        return going(undefined)
      default:
        return going(at)
    }
  }
  try {
    const { on } = ending(sequence(body, { least: 0n, most: 0n }), [
      leaveOf('continue', undefined),
      leaveOf('continue', label),
    ])
    const all = on && sequence(update, on).on
    return { least: all?.least ?? 1n, most: all?.most ?? 0n }
  } catch (error) {
    if (!(error instanceof Strange)) throw error
    return { strange: error.span }
  }
}
