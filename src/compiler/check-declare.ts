/** Names for values: declarations, and what is taken apart. */
import { coerce } from './check-convert.ts'
import { expression, member, present } from './check-expression.ts'
import { messageOf } from './check-owed.ts'
import { declareRecord, isRecord, keepRecord, recordToTake } from './check-record.ts'
import { typeOfConstant, typeOfKept } from './check-type.ts'
import { assigned, keep, rangeOfValue } from './ranges.ts'
import { collecting } from './report.ts'
import { type Checked, isStatic, type Scope, type Static } from './scope.ts'
import type { Pattern, Span, Statement } from './tree.ts'
import { nameOfType, type Typed, type TypedStatement } from './typed.ts'

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
  const variable = scope.variable(node.name, type, messageOf(given))
  scope.bind(node.name, { kind: 'variable', variable, mutable: node.mutable })
  if (node.mutable) assigned(scope, variable, typed)
  else keep(scope, variable, rangeOfValue(scope, typed))
  return [{ op: 'assign', variable, value: typed, at }]
}

export function take(scope: Scope, node: Extract<Statement, { kind: 'take' }>): TypedStatement[] {
  for (const [index, { name, span }] of node.pattern.entries())
    if (scope.isDeclared(name) || node.pattern.findIndex((one) => one.name === name) < index)
      throw scope.unfit(span, `\`${name}\` is declared twice`, 'give one of them another name')
  const given = expression(scope, node.value)
  if (!isStatic(given) && isRecord(given)) {
    const { first, whole } = recordToTake(given)
    return [first, ...bindValue(scope, node.pattern, whole, node.value.span)]
  }
  return bindValue(scope, node.pattern, isStatic(given) ? given : present(scope, given, node.value), node.value.span)
}

/** A name for a list that stays where it is. */
export function bindList(scope: Scope, name: string, list: Typed, span: Span): void {
  if (list.op !== 'field' || list.base.op !== 'variable')
    throw scope.unfit(span, 'this list may be another one later', 'keep what it belongs to: const entry = …')
  scope.bind(name, { kind: 'alias', typed: list })
}

/** Names for a value that does not change, or for parts of it. */
export function bindValue(scope: Scope, pattern: Pattern, given: Checked, span: Span): TypedStatement[] {
  if (isStatic(given)) {
    if (typeof pattern !== 'string') return pattern.flatMap((one) => bindPart(scope, one, span, given))
    scope.bind(pattern, { kind: 'static', value: given })
    return []
  }
  const at = scope.at(span)
  if (typeof pattern === 'string') {
    if (given.op === 'constant') {
      scope.bind(pattern, { kind: 'alias', typed: given })
      return []
    }
    if (given.type.kind === 'list') {
      bindList(scope, pattern, given, span)
      return []
    }
    const variable = scope.variable(pattern, given.type, messageOf(given))
    scope.bind(pattern, { kind: 'variable', variable, mutable: false })
    keep(scope, variable, rangeOfValue(scope, given))
    return [{ op: 'assign', variable, value: given, at }]
  }
  if (given.type.kind !== 'reference')
    throw scope.unfit(span, `${nameOfType(given.type)} has no fields`, 'only headers and table entries have fields')
  const whole = given.op === 'variable' ? given.variable : scope.variable('whole', given.type, messageOf(given))
  const reference: Typed = { op: 'variable', variable: whole, type: given.type, at }
  const parts = pattern.flatMap((one) => bindPart(scope, one, span, reference))
  return given.op === 'variable' ? parts : [{ op: 'assign', variable: whole, value: given, at }, ...parts]
}

function bindPart(scope: Scope, part: Exclude<Pattern, string>[number], span: Span, whole: Checked): TypedStatement[] {
  const { property, name, span: place } = part
  scope.bind(name, { kind: 'broken' })
  const object = { kind: 'null', span } as const
  const checked = member(scope, { kind: 'member', object, property, propertySpan: place, span: place }, whole)
  return bindValue(scope, name, checked, place)
}

/** Takes `{ property: name }` out of something that exists only while compiling. */
export function bindPattern(
  scope: Scope,
  whole: Static,
  pattern: readonly { property: string; name: string; span: { start: number; end: number } }[],
): void {
  for (const { property, name, span } of pattern) {
    scope.bind(name, { kind: 'broken' })
    collecting(scope.compilation.diagnostics, () => {
      const part = expression(
        scope,
        { kind: 'member', object: { kind: 'null', span }, property, propertySpan: span, span },
        whole,
      )
      if (isStatic(part)) scope.bind(name, { kind: 'static', value: part })
      else if (part.op === 'constant' || part.op === 'address') scope.bind(name, { kind: 'alias', typed: part })
      else
        throw scope.unfit(
          span,
          `\`${property}\` cannot be taken out here`,
          'name the parameter and write parameter.field',
        )
    })
  }
}
