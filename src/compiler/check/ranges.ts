/**
 * What values an integer can have where it is used: intervals, computed over the typed tree. They decide whether an index is
 * one of a list and how often a loop runs at most.
 */
import type { Statement } from '../narrow/tree.ts'
import { type IntType, rangeOf, type Typed, type TypedStatement, type Variable } from '../typed.ts'
import type { Scope } from './scope.ts'

export interface Range {
  readonly least: bigint
  readonly most: bigint
}

/** What is known of variables at some point, beyond their types. */
export type Ranges = ReadonlyMap<Variable, Range>

const ofType = (type: IntType): Range => {
  const [least, most] = rangeOf(type)
  return { least, most }
}

const ANYTHING: Range = { least: -(2n ** 128n), most: 2n ** 128n }

const within = (inner: Range, outer: Range): boolean => inner.least >= outer.least && inner.most <= outer.most
const hull = (a: Range, b: Range): Range => ({
  least: a.least < b.least ? a.least : b.least,
  most: a.most > b.most ? a.most : b.most,
})
const upTo = (most: bigint): Range => ({ least: 0n, most })

/** All values that an integer may have here, and perhaps more. */
export function rangeOfValue(scope: Scope, typed: Typed): Range {
  if (typed.op === 'constant') return { least: typed.value, most: typed.value }
  if (typed.type.kind === 'bool') return upTo(1n)
  if (typed.type.kind !== 'int') return ANYTHING
  const all = ofType(typed.type)
  const known = computed(scope, typed)
  return known !== undefined && within(known, all) ? known : all
}

function computed(scope: Scope, typed: Typed): Range | undefined {
  switch (typed.op) {
    case 'variable':
      return scope.ranges.get(typed.variable) ?? scope.compilation.fixed?.get(typed.variable)
    case 'field':
      return typed.field.bits && upTo(2n ** BigInt(typed.field.bits.width) - 1n)
    case 'vlan':
      return upTo(4095n)
    case 'convert':
      return rangeOfValue(scope, typed.operand)
    case 'bound':
      return rangeOfValue(scope, typed.body)
    case 'conditional':
      return hull(
        whereTest(scope, typed.test, true, typed.whenTrue),
        whereTest(scope, typed.test, false, typed.whenFalse),
      )
    case 'call':
      return returned(typed.callee.body)
        .map((one) => rangeOfValue(scope, one))
        .reduce<Range | undefined>((all, one) => (all === undefined ? one : hull(all, one)), undefined)
    case 'arithmetic':
      return arithmetic(typed, rangeOfValue(scope, typed.left), rangeOfValue(scope, typed.right))
    default:
      return undefined
  }
}

/** What a value can be where a test holds, or does not. */
function whereTest(scope: Scope, test: Typed, holds: boolean, typed: Typed): Range {
  const { ranges } = scope
  scope.ranges = narrowed(scope, ranges, test, holds)
  const range = rangeOfValue(scope, typed)
  scope.ranges = ranges
  return range
}

function arithmetic({ operator }: Extract<Typed, { op: 'arithmetic' }>, a: Range, b: Range): Range | undefined {
  const natural = a.least >= 0n && b.least >= 0n
  switch (operator) {
    case '+':
      return { least: a.least + b.least, most: a.most + b.most }
    case '-':
      return { least: a.least - b.most, most: a.most - b.least }
    case '*':
      return natural ? { least: a.least * b.least, most: a.most * b.most } : undefined
    case '/':
      // By 0 it gives 0.
      return natural ? upTo(a.most / (b.least > 0n ? b.least : 1n)) : undefined
    case '%':
      // By 0 it gives the dividend.
      return natural ? upTo(b.least > 0n && b.most <= a.most ? b.most - 1n : a.most) : undefined
    case '&': {
      const masks = [a, b].filter(({ least }) => least >= 0n).map(({ most }) => most)
      const [first, second = first] = masks
      return first === undefined || second === undefined ? undefined : upTo(first < second ? first : second)
    }
    case '|':
    case '^':
      return natural ? upTo(2n ** BigInt((a.most > b.most ? a.most : b.most).toString(2).length) - 1n) : undefined
    case '<<':
      return natural && b.most < 64n ? { least: a.least << b.least, most: a.most << b.most } : undefined
    case '>>':
    case '>>>':
      return natural && b.most < 32n ? { least: a.least >> b.most, most: a.most >> b.least } : undefined
  }
}

/** What a function's body returns, wherever. */
function returned(body: readonly TypedStatement[]): Typed[] {
  return body.flatMap((node) => {
    switch (node.op) {
      case 'return':
        return node.value === undefined ? [] : [node.value]
      case 'if':
        return [...returned(node.whenTrue), ...returned(node.whenFalse)]
      case 'loop':
      case 'while':
      case 'breakable':
        return returned(node.body)
      case 'rounds':
        return node.rounds.flatMap(returned)
      default:
        return []
    }
  })
}

/** What is known when a condition has turned out to hold, or not to. */
export function narrowed(scope: Scope, known: Ranges, test: Typed, holds: boolean): Ranges {
  const { ranges } = scope
  // What is known where the test is made, not where the scope has got to.
  scope.ranges = known
  try {
    return whenTested(scope, known, test, holds)
  } finally {
    scope.ranges = ranges
  }
}

function whenTested(scope: Scope, known: Ranges, test: Typed, holds: boolean): Ranges {
  switch (test.op) {
    case 'not':
      return narrowed(scope, known, test.operand, !holds)
    case 'and':
    case 'or':
      if ((test.op === 'and') !== holds) return known
      return narrowed(scope, narrowed(scope, known, test.left, holds), test.right, holds)
    case 'compare': {
      const operator = holds ? test.operator : OPPOSITE[test.operator]
      const left = limited(scope, known, test.left, operator, test.right)
      return limited(scope, left, test.right, MIRRORED[operator], test.left)
    }
    default:
      return known
  }
}

const OPPOSITE = { '===': '!==', '!==': '===', '<': '>=', '<=': '>', '>': '<=', '>=': '<' } as const
const MIRRORED = { '===': '===', '!==': '!==', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

function limited(scope: Scope, known: Ranges, side: Typed, operator: keyof typeof MIRRORED, other: Typed): Ranges {
  const typed = unconverted(scope, side)
  if (typed.op !== 'variable' || typed.type.kind !== 'int' || operator === '!==') return known
  const { least, most } = rangeOfValue(scope, other)
  const before = known.get(typed.variable) ?? rangeOfValue(scope, typed)
  const below = { '===': most, '<': most - 1n, '<=': most, '>': before.most, '>=': before.most }[operator]
  const above = { '===': least, '>': least + 1n, '>=': least, '<': before.least, '<=': before.least }[operator]
  const range = {
    least: above > before.least ? above : before.least,
    most: below < before.most ? below : before.most,
  }
  // A condition that cannot be so says nothing.
  return range.least > range.most ? known : withFact(known, typed.variable, range)
}

/** A value behind conversions that change nothing of it. */
export function unconverted(scope: Scope, typed: Typed): Typed {
  if (typed.op !== 'convert' || typed.type.kind !== 'int') return typed
  return within(rangeOfValue(scope, typed.operand), ofType(typed.type)) ? unconverted(scope, typed.operand) : typed
}

/** What holds where two ways meet. */
export function met(a: Ranges, b: Ranges): Ranges {
  if (a === b) return a
  const both = [...a].flatMap(([variable, range]) => {
    const other = b.get(variable)
    return other === undefined ? [] : [[variable, hull(range, other)] as const]
  })
  return new Map(both)
}

/** More facts than these at one point are not kept: every branch copies them. */
const MOST_FACTS = 200

/** A variable that changes has its value's range from then on. */
export function assigned(scope: Scope, variable: Variable, value: Typed): void {
  if (variable.type.kind !== 'int') return
  const range = rangeOfValue(scope, value)
  const says = !within(ofType(variable.type), range)
  if (!says && !scope.ranges.has(variable)) return
  scope.ranges = withFact(scope.ranges, variable, says ? range : undefined)
}

/** Changes what is known of one variable. The oldest fact makes room. */
function withFact(ranges: Ranges, variable: Variable, range: Range | undefined): Ranges {
  const changed = new Map(ranges)
  changed.delete(variable)
  const [oldest] = changed.keys()
  if (changed.size >= MOST_FACTS && oldest !== undefined) changed.delete(oldest)
  return range === undefined ? changed : changed.set(variable, range)
}

/** A variable that never changes. */
export function keep(scope: Scope, variable: Variable, range: Range): void {
  if (variable.type.kind !== 'int' || !within(range, ofType(variable.type))) return
  scope.compilation.fixed ??= new Map()
  scope.compilation.fixed.set(variable, range)
}

/** One value more that a variable may have which nobody looks at before all of them are known. */
export function mayBe(scope: Scope, variable: Variable, value: Typed): void {
  const known = scope.compilation.fixed?.get(variable)
  const range = rangeOfValue(scope, value)
  keep(scope, variable, known === undefined ? range : hull(known, range))
}

/** Forgets about the variables that some statements assign to. */
export function forget(scope: Scope, statements: readonly Statement[]): void {
  if (scope.ranges.size === 0) return
  const names = new Set(assignments(statements).map(({ name }) => name))
  scope.ranges = new Map([...scope.ranges].filter(([{ name }]) => !names.has(name)))
}

export interface Assignment {
  readonly name: string
  readonly statement: Extract<Statement, { kind: 'assign' }>
}

/** All assignments to variables in some statements, by the names that stand there. */
export function assignments(statements: readonly Statement[]): Assignment[] {
  return statements.flatMap((node): Assignment[] => {
    switch (node.kind) {
      case 'assign':
        return node.target.kind === 'name' ? [{ name: node.target.name, statement: node }] : []
      case 'if':
        return [...assignments(node.whenTrue), ...assignments(node.whenFalse)]
      case 'while':
      case 'do':
        return [...assignments(node.body), ...assignments(node.update)]
      case 'loop':
      case 'each':
      case 'block':
      case 'breakable':
        return assignments(node.body)
      default:
        return []
    }
  })
}

/** Whether computing it twice would do something twice. */
export function acts(typed: Typed): boolean {
  switch (typed.op) {
    case 'call':
    case 'set':
    case 'add':
    case 'replace':
    case 'emit':
    case 'move':
    case 'encapsulate':
    case 'decapsulate':
    case 'delete':
    case 'push':
    case 'pop':
    case 'atomic':
      return true
    case 'field':
    case 'byte':
      return acts(typed.base)
    case 'element':
      return acts(typed.base) || acts(typed.index)
    case 'mask':
      return acts(typed.base) || acts(typed.length)
    case 'octets':
      return typed.elements.some(acts)
    case 'get':
      return typed.key.some(({ value }) => acts(value))
    case 'isNull':
    case 'not':
    case 'complement':
    case 'negate':
    case 'convert':
      return acts(typed.operand)
    case 'arithmetic':
    case 'compare':
    case 'and':
    case 'or':
      return acts(typed.left) || acts(typed.right)
    case 'bound':
      return acts(typed.value) || acts(typed.body)
    case 'conditional':
      return acts(typed.test) || acts(typed.whenTrue) || acts(typed.whenFalse)
    default:
      return false
  }
}
