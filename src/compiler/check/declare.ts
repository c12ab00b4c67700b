/** Names for values: declarations, and what is taken apart. */
import type { Part, Pattern, Span, Statement } from '../narrow/tree.ts'
import { nameOfType, type Typed, type TypedStatement } from '../typed.ts'
import { lacks } from './absent.ts'
import { coerce } from './convert.ts'
import { expression } from './expression.ts'
import { indexed } from './indexed.ts'
import { member, present } from './member.ts'
import { originOf } from './owed.ts'
import { assigned, keep, rangeOfValue } from './ranges.ts'
import { declareRecord, isRecord, keepRecord, recordToTake } from './record.ts'
import { collecting } from './report.ts'
import { type Checked, isStatic, type Scope } from './scope.ts'
import { typeOfConstant, typeOfKept } from './type.ts'

export function declare(scope: Scope, node: Extract<Statement, { kind: 'declare' }>): TypedStatement[] {
  const at = scope.at(node.span)
  if (scope.isDeclared(node.name))
    throw scope.unfit(node.span, `\`${node.name}\` is declared twice`, 'give one of them another name')
  if (node.value.kind === 'record' && !node.mutable) return declareRecord(scope, node.name, node.value)
  const given = expression(scope, node.value)
  if (!isStatic(given) && given.type.kind === 'list') {
    if (node.mutable) throw scope.unfit(node.span, `\`${node.name}\` holds a list, which cannot change`, 'write const')
    bindList(scope, node.name, given, node.value.span)
    return []
  }
  if (isStatic(given)) {
    // The subject of a switch: the arms compare with it.
    if (node.name.startsWith('switch@') && given.static !== 'host')
      throw scope.unfit(node.span, 'a switch chooses by a number', 'write if and else')
    if (node.mutable || given.static === 'null')
      throw scope.unfit(node.span, `\`${node.name}\` cannot hold this`, 'write const, or give it a number')
    scope.bind(node.name, { kind: 'static', value: given })
    return []
  }
  if (isRecord(given)) {
    if (node.mutable)
      throw scope.unfit(node.span, `\`${node.name}\` holds a record, which cannot change`, 'write const')
    return keepRecord(scope, node.name, given, node.value.span)
  }
  if (given.type.kind === 'verdict')
    throw scope.unfit(node.span, 'a verdict cannot be kept in a variable', 'return it at once')
  if (given.type.kind === 'void') throw scope.unfit(node.span, 'there is no value to keep', 'call it as a statement')
  if (given.type.kind === 'reference' && node.mutable)
    throw scope.unfit(
      node.span,
      `\`${node.name}\` holds a reference, which cannot change`,
      `write const ${node.name} = …`,
    )
  const declared = typeOfKept(scope, node.annotation, given.type)
  const type =
    declared ??
    (given.type.kind === 'constant' ? typeOfConstant(given.op === 'constant' ? given.value : 0n) : given.type)
  const typed = coerce(scope, given, type, node.value.span)
  const variable = scope.variable(node.name, type, originOf(given))
  scope.bind(node.name, { kind: 'variable', variable, mutable: node.mutable })
  if (node.mutable) assigned(scope, variable, typed)
  else keep(scope, variable, rangeOfValue(scope, typed))
  return [{ op: 'assign', variable, value: typed, at }]
}

export function take(scope: Scope, node: Extract<Statement, { kind: 'take' }>): TypedStatement[] {
  const parts = namedIn(node.pattern)
  for (const [index, { name, span }] of parts.entries())
    if (scope.isDeclared(name) || parts.findIndex((one) => one.name === name) < index)
      throw scope.unfit(span, `\`${name}\` is declared twice`, 'give one of them another name')
  const given = expression(scope, node.value)
  return bindValue(scope, node.pattern, isStatic(given) ? given : present(scope, given, node.value), node.value.span)
}

/** The names that a pattern declares. */
export const namesIn = (pattern: Pattern): readonly string[] =>
  typeof pattern === 'string' ? [pattern] : namedIn(pattern).map(({ name }) => name)

const namedIn = (parts: readonly Part[]): readonly { readonly name: string; readonly span: Span }[] =>
  parts.flatMap(({ to, span }) => (typeof to === 'string' ? [{ name: to, span }] : namedIn(to)))

/** A name for a list that stays where it is. */
export function bindList(scope: Scope, name: string, list: Typed, span: Span): void {
  if (list.op !== 'field' || list.base.op !== 'variable')
    throw scope.unfit(span, 'this list may be another one later', 'keep what it belongs to: const entry = …')
  scope.bind(name, { kind: 'alias', typed: list })
}

/** Names for a value that does not change, or for parts of it. */
export function bindValue(scope: Scope, pattern: Pattern, given: Checked, span: Span): TypedStatement[] {
  if (typeof pattern !== 'string') return bindParts(scope, pattern, given, span)
  if (isStatic(given)) {
    scope.bind(pattern, { kind: 'static', value: given })
    return []
  }
  if (given.op === 'constant' || given.op === 'wired' || given.op === 'address') {
    scope.bind(pattern, { kind: 'alias', typed: given })
    return []
  }
  if (given.type.kind === 'list') {
    bindList(scope, pattern, given, span)
    return []
  }
  const variable = scope.variable(pattern, given.type, originOf(given))
  scope.bind(pattern, { kind: 'variable', variable, mutable: false })
  keep(scope, variable, rangeOfValue(scope, given))
  return [{ op: 'assign', variable, value: given, at: scope.at(span) }]
}

function bindParts(scope: Scope, parts: readonly Part[], given: Checked, span: Span): TypedStatement[] {
  for (const name of namesIn(parts)) scope.bind(name, { kind: 'broken' })
  const { before, whole } = wholeOf(scope, given, span)
  const bound = parts.flatMap(
    (part) => collecting(scope.compilation.diagnostics, () => bindPart(scope, part, span, whole)) ?? [],
  )
  return [...before, ...bound]
}

/** What parts are taken out of, computed once. */
function wholeOf(scope: Scope, given: Checked, span: Span): { before: TypedStatement[]; whole: Checked } {
  if (isStatic(given) || given.op === 'variable' || given.type.kind === 'list') return { before: [], whole: given }
  if (isRecord(given)) {
    const { first, whole } = recordToTake(given)
    return { before: [first], whole }
  }
  if (given.type.kind !== 'reference' && given.type.kind !== 'address')
    throw scope.unfit(span, `${nameOfType(given.type)} has no fields`, 'only headers and table entries have fields')
  const variable = scope.variable('whole', given.type, originOf(given))
  const at = scope.at(span)
  const whole: Typed = { op: 'variable', variable, type: given.type, at }
  return { before: [{ op: 'assign', variable, value: given, at }], whole }
}

function bindPart(scope: Scope, { of, to, otherwise, span }: Part, place: Span, whole: Checked): TypedStatement[] {
  const object = { kind: 'null', span: place } as const
  if (typeof of === 'number') {
    const index = { kind: 'number', value: BigInt(of), span } as const
    return bindValue(scope, to, indexed(scope, { kind: 'index', object, index, span }, whole), span)
  }
  const isLeftOut = otherwise !== undefined && isStatic(whole) && lacks(whole, of)
  const node = { kind: 'member', object, property: of, propertySpan: span, span } as const
  return bindValue(scope, to, isLeftOut ? expression(scope, otherwise) : member(scope, node, whole), span)
}
