/**
 * Records: values under names. They are in no one place at run time: `const key = { … }` is a `const` for each value, and what a
 * function returns as one are variables that it assigns before it returns, and that its caller takes over at once.
 */
import type { Expression, Of, Span } from '../narrow/tree.ts'
import { nameOfType, type Typed, type TypedStatement, type ValueType, type Variable } from '../typed.ts'
import { coerce } from './convert.ts'
import { bindValue } from './declare.ts'
import { expression, value } from './expression.ts'
import { mayBe } from './ranges.ts'
import { type Checked, isStatic, type Scope, type Static, verdictForm } from './scope.ts'
import { spreadOf } from './spread.ts'
import { typeOfConstant } from './type.ts'

export type RecordType = ValueType & { readonly kind: 'record' }
export type RecordTyped = Typed & { readonly type: RecordType }

export const isRecord = (typed: Typed): typed is RecordTyped => typed.type.kind === 'record'

/** `const key = { … }` */
export function declareRecord(scope: Scope, name: string, node: Of<'record'>): TypedStatement[] {
  const given = checkedFields(scope, node, 'kept')
  return bindRecord(scope, name, node.span, given)
}

/** `const key = f(…)`, where that returns a record. */
export function keepRecord(scope: Scope, name: string, given: RecordTyped, span: Span): TypedStatement[] {
  const fields = given.type.fields.map(({ name, variable }) => ({ name, typed: variableTyped(given, variable), span }))
  return [evaluated(given), ...bindRecord(scope, name, span, fields)]
}

/** `const { protocol } = f(…)`: what is to be done first, and what is taken apart. */
export function recordToTake(given: RecordTyped): { readonly first: TypedStatement; readonly whole: Static } {
  const fields = new Map(given.type.fields.map(({ name, variable }) => [name, variableTyped(given, variable)]))
  return { first: evaluated(given), whole: { static: 'record', fields, at: given.at } }
}

const evaluated = (value: Typed): TypedStatement => ({ op: 'evaluate', value, at: value.at })

const variableTyped = ({ at }: Typed, variable: Variable): Typed => ({
  op: 'variable',
  variable,
  type: variable.type,
  at,
})

export interface Given {
  readonly name: string
  readonly typed: Typed
  readonly span: Span
}

export function checkedFields(
  scope: Scope,
  { fields }: Of<'record'>,
  what: 'kept' | 'returned' | 'passed on',
): Given[] {
  const given = new Map<string, Given>()
  const written = new Set<string>()
  for (const { name, value: node, span, spread } of fields) {
    const all = spread === true ? spreadOf(scope, node) : [{ name, typed: value(scope, node), span: node.span }]
    for (const one of all) {
      if (spread !== true && given.has(one.name) && written.has(one.name))
        throw scope.unfit(span, `the record is given \`${name}\` twice`, 'take one of them out')
      refuseInside(scope, one.typed, one.span, what)
      given.set(one.name, one)
      if (spread !== true) written.add(one.name)
    }
  }
  return [...given.values()]
}

function refuseInside(scope: Scope, { type }: Typed, span: Span, what: string): void {
  const name = nameOfType(type)
  if (type.kind === 'verdict' || type.kind === 'void')
    throw scope.unfit(span, `${name} cannot be ${what}`, 'return it at once')
  if (type.kind === 'record') throw scope.unfit(span, 'a record in a record', 'take it apart first: const { … } = …')
  if (what === 'returned' && (type.kind === 'reference' || type.kind === 'list'))
    throw scope.unfit(span, `${name} cannot be returned in a record`, 'return its fields, or it alone')
}

/** A name for each of the values, and one for all of them. */
function bindRecord(scope: Scope, name: string, span: Span, given: readonly Given[]): TypedStatement[] {
  const fields = new Map<string, Checked>()
  const result = scope.block(() =>
    given.flatMap((one) => {
      const statements = bindValue(scope, one.name, one.typed, one.span)
      fields.set(one.name, expression(scope, { kind: 'name', name: one.name, span: one.span }))
      return statements
    }),
  )
  scope.bind(name, { kind: 'static', value: { static: 'record', fields, at: scope.at(span) } })
  return result
}

/** `return { … }`, or what was kept as one: each value into its variable. The first one says which there are. */
export function returnedRecord(scope: Scope, node: Expression): TypedStatement[] | undefined {
  if (node.kind === 'record') return results(scope, node.span, checkedFields(scope, node, 'returned'))
  const binding = node.kind === 'name' ? scope.lookup(node.name) : undefined
  if (binding?.kind !== 'static' || binding.value.static !== 'record') return undefined
  const given = [...binding.value.fields].flatMap(([name, typed]) => {
    if (isStatic(typed)) return []
    refuseInside(scope, typed, node.span, 'returned')
    return [{ name, typed, span: node.span }]
  })
  return results(scope, node.span, given)
}

/** `return f(…)`, where that returns a record. */
export function returnedAsRecord(scope: Scope, node: Expression, given: RecordTyped): TypedStatement[] {
  const fields = given.type.fields.map(({ name, variable }) => ({
    name,
    typed: variableTyped(given, variable),
    span: node.span,
  }))
  return [evaluated(given), ...results(scope, node.span, fields)]
}

function results(scope: Scope, span: Span, given: readonly Given[]): TypedStatement[] {
  const shown = `{ ${given.map(({ name }) => name).join(', ')} }`
  scope.returns ??= {
    kind: 'record',
    fields: given.map(({ name, typed }) => ({
      name,
      variable: scope.variable(`${scope.functionName}.${name}`, scope.returnedFields?.get(name) ?? typeOfResult(typed)),
    })),
  }
  const { returns } = scope
  if (returns.kind !== 'record')
    throw scope.unfit(
      span,
      `${shown} is returned here, and this function returns ${nameOfType(returns)}`,
      returns.kind === 'verdict' ? verdictForm(scope.compilation.cube) : 'return a value of one type',
    )
  if (
    given.length !== returns.fields.length ||
    given.some(({ name }) => !returns.fields.some((one) => one.name === name))
  )
    throw scope.unfit(
      span,
      `${shown} is returned here, and ${nameOfType(returns)} before`,
      'return records of the same fields',
    )
  return given.flatMap(({ name, typed, span }) => {
    const variable = returns.fields.find((one) => one.name === name)?.variable
    if (variable === undefined) return []
    if (scope.returnedFields?.has(name) !== true) refuseOther(scope, name, typed, variable, span)
    const value = coerce(scope, typed, variable.type, span)
    mayBe(scope, variable, value)
    return [{ op: 'assign', variable, value, at: scope.at(span) }]
  })
}

const typeOfResult = (typed: Typed): ValueType =>
  typed.type.kind === 'constant' ? typeOfConstant(typed.op === 'constant' ? typed.value : 0n) : typed.type

function refuseOther(scope: Scope, name: string, { type }: Typed, { type: before }: Variable, span: Span): void {
  if (type.kind !== 'int' || before.kind !== 'int') return
  if (type.bits === before.bits && type.signed === before.signed) return
  throw scope.unfit(
    span,
    `\`${name}\` is ${nameOfType(type)} here, and ${nameOfType(before)} where it was returned before`,
    `convert one of them: ${nameOfType(before)}(…)`,
  )
}
