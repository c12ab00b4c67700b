/** What a data plane has of JavaScript's `Math`, and of arrays that are known now. */
import type { Expression, Span } from '../narrow/tree.ts'
import { BOOL, nameOfType, type Typed } from '../typed.ts'
import { common } from './arithmetic.ts'
import { arity, type Call } from './call.ts'
import { compareValues } from './condition.ts'
import { convert } from './convert.ts'
import { expression, value } from './expression.ts'
import { LONGEST_LOOP } from './loop.ts'
import { host } from './name.ts'
import { acts } from './ranges.ts'
import { type Checked, isStatic, type Scope } from './scope.ts'

const FUNCTIONS = ['min', 'max', 'abs', 'floor', 'trunc'] as const

/** `Math.min(a, b)`. Undefined where the call is of something else. */
export function mathCall(scope: Scope, node: Call): Typed | undefined {
  const { callee } = node
  if (callee.kind !== 'member' || callee.object.kind !== 'name' || callee.object.name !== 'Math') return undefined
  if (scope.lookup('Math') !== undefined) return undefined
  const name = FUNCTIONS.find((one) => one === callee.property)
  if (name === undefined)
    throw scope.unfit(callee.span, `Math.${callee.property} is not in the language`, `known: ${FUNCTIONS.join(', ')}`)
  const isChoice = name === 'min' || name === 'max'
  arity(scope, node, isChoice ? 2 : 1, isChoice ? 16 : 1, `write Math.${name}(${isChoice ? 'a, b' : 'x'})`)
  const [first, ...others] = node.arguments.map((one) => integer(scope, one))
  if (first === undefined) throw new Error('the number of arguments was checked before')
  if (isChoice) return others.reduce((a, b) => chosen(scope, node.span, name === 'min' ? '<=' : '>=', a, b), first)
  const isSigned = first.op === 'constant' ? first.value < 0n : first.type.kind === 'int' && first.type.signed
  if (name === 'trunc' || !isSigned) return first
  if (name === 'floor')
    throw scope.unfit(node.span, 'a division of signed integers rounds towards zero', 'write Math.trunc(x), or nothing')
  const at = scope.at(node.span)
  if (first.op === 'constant') return { ...first, value: -first.value, at }
  const zero: Typed = { op: 'constant', value: 0n, type: first.type, at }
  const test = compareValues(scope, '<', first, zero, node.span)
  const negative: Typed = { op: 'negate', operand: first, type: first.type, at }
  return { op: 'conditional', test, whenTrue: negative, whenFalse: first, type: first.type, at }
}

function integer(scope: Scope, node: Expression): Typed {
  const typed = value(scope, node)
  if (typed.type.kind !== 'int' && typed.type.kind !== 'constant')
    throw scope.unfit(node.span, `${nameOfType(typed.type)} is not an integer`, 'write x ? 1 : 0')
  if (acts(typed)) throw scope.unfit(node.span, 'what is called here would be called twice', 'keep it in a const first')
  return typed
}

function chosen(scope: Scope, span: Span, operator: '<=' | '>=', a: Typed, b: Typed): Typed {
  const at = scope.at(span)
  if (a.op === 'constant' && b.op === 'constant' && a.type.kind === 'constant' && b.type.kind === 'constant')
    return { ...(a.value <= b.value === (operator === '<=') ? a : b), at }
  const type = common(scope, a, b, span)
  const [whenTrue, whenFalse] = [convert(a, type), convert(b, type)]
  return {
    op: 'conditional',
    test: compareValues(scope, operator, whenTrue, whenFalse, span),
    whenTrue,
    whenFalse,
    type,
    at,
  }
}

/** `[80, 443].includes(x)` and `config.ports.includes(x)`. Undefined where the call is of something else. */
export function includesCall(scope: Scope, node: Call): Typed | undefined {
  const { callee } = node
  if (callee.kind !== 'member' || callee.property !== 'includes') return undefined
  const elements = elementsOf(scope, callee.object)
  if (elements === undefined) return undefined
  arity(scope, node, 1, 1, 'write [a, b].includes(x)')
  const argument = node.arguments[0] as Expression
  const asked = expression(scope, argument)
  const at = scope.at(node.span)
  if (isStatic(asked) && asked.static === 'host') {
    const isThere = elements.some((one) => isStatic(one) && one.static === 'host' && one.value === asked.value)
    return { op: 'constant', value: isThere ? 1n : 0n, type: BOOL, at }
  }
  const typed = value(scope, argument)
  if (acts(typed))
    throw scope.unfit(
      argument.span,
      'what is called here would be called for every element',
      'keep it in a const first',
    )
  if (elements.length > LONGEST_LOOP)
    throw scope.unfit(
      callee.object.span,
      `more than ${LONGEST_LOOP} comparisons would be compiled in`,
      'keep what is long in a table of the schema',
    )
  const tests = elements.map((one) => {
    if (isStatic(one)) throw scope.unfit(callee.object.span, 'these cannot be compared with', 'name a field of each')
    return compareValues(scope, '===', typed, one, node.span)
  })
  return anyOf(tests) ?? { op: 'constant', value: 0n, type: BOOL, at }
}

function elementsOf(scope: Scope, node: Expression): readonly Checked[] | undefined {
  if (node.kind === 'elements') return node.elements.map((one) => expression(scope, one))
  const known = expression(scope, node)
  if (!isStatic(known) || known.static !== 'host' || !Array.isArray(known.value)) return undefined
  return known.value.map((one: unknown, index) => host(scope, one, `${known.name}[${index}]`, node.span))
}

/** As flat as it can be: there may be thousands. */
function anyOf(tests: readonly Typed[]): Typed | undefined {
  const known = tests.find((one) => one.op === 'constant' && one.value !== 0n)
  if (known !== undefined) return known
  const [first, ...others] = tests.filter(({ op }) => op !== 'constant')
  if (first === undefined || others.length === 0) return first
  const all = [first, ...others]
  const [left, right] = [anyOf(all.slice(0, all.length >> 1)), anyOf(all.slice(all.length >> 1))]
  return left && right && { op: 'or', left, right, type: BOOL, at: left.at }
}
