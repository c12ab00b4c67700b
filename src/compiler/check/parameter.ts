/** What calls pass to functions: what exists only while compiling, as it is; the rest in variables. */
import type { Expression, FunctionTree, Parameter, Pattern, Span } from '../narrow/tree.ts'
import { Decisive } from '../shared.ts'
import { nameOfType, type Typed, type TypedStatement, U64, type ValueType, type Variable } from '../typed.ts'
import type { Call } from './call.ts'
import { coerce } from './convert.ts'
import { bindValue, namesIn } from './declare.ts'
import { expression } from './expression.ts'
import { present } from './member.ts'
import { checkedFields, isRecord } from './record.ts'
import { type Checked, isStatic, type Scope, type Static } from './scope.ts'
import { fieldTypes, typeOfKept } from './type.ts'

interface Passed {
  /** What takes parameters apart, at the start of the body. */
  readonly before: TypedStatement[]
  readonly parameters: Variable[]
  readonly given: Typed[]
  /** Equal for calls that can share a body. */
  readonly key: readonly string[]
}

/** Binds the parameters of a call. `first`: the first argument, if it was checked before. */
export function passed(scope: Scope, inner: Scope, node: Call, tree: FunctionTree, first: Typed | undefined): Passed {
  const passing = new Passing(scope, inner)
  const key = tree.parameters.map((parameter, index) => {
    const argument = node.arguments[index]
    if (argument === undefined) return passing.otherwise(parameter)
    if (argument.kind === 'record') return passing.record(parameter, argument)
    return passing.one(parameter, index === 0 && first !== undefined ? first : expression(scope, argument), argument)
  })
  inner.nonNull = passing.nonNull
  const { before, parameters, given } = passing
  return { before, parameters, given, key }
}

class Passing {
  readonly before: TypedStatement[] = []
  readonly parameters: Variable[] = []
  readonly given: Typed[] = []
  readonly nonNull = new Set<Variable>()
  private readonly scope: Scope
  private readonly inner: Scope

  constructor(scope: Scope, inner: Scope) {
    this.scope = scope
    this.inner = inner
  }

  /** Nothing is passed. */
  otherwise({ otherwise, ...parameter }: Parameter): string {
    const { inner } = this
    if (otherwise === undefined) throw new Error('the number of arguments was checked before')
    const checked = expression(inner, otherwise)
    const isKnown = isStatic(checked)
      ? checked.static === 'host'
      : checked.op === 'constant' || checked.op === 'address'
    if (!isKnown)
      throw inner.unfit(otherwise.span, 'what a parameter is by default is a constant', 'pass it in the call')
    if (isStatic(checked)) return this.static(parameter.pattern, checked, parameter.span)
    return this.value(inner, parameter, checked, otherwise.span)
  }

  one(parameter: Parameter, checked: Checked, argument: Expression): string {
    const { scope } = this
    if (!isStatic(checked)) {
      if (isRecord(checked))
        throw scope.unfit(argument.span, 'a record cannot be passed on', 'take it apart first: const { … } = …')
      return this.value(scope, parameter, checked, argument.span, argument)
    }
    if (checked.static !== 'record') return this.static(parameter.pattern, checked, parameter.span)
    const fields = [...checked.fields].map(([name, typed]) => ({ name, typed, span: argument.span }))
    return this.fields(parameter, fields, argument.span)
  }

  record(parameter: Parameter, argument: Expression & { readonly kind: 'record' }): string {
    return this.fields(parameter, checkedFields(this.scope, argument, 'passed on'), argument.span)
  }

  private static(pattern: Pattern, checked: Static, span: Span): string {
    this.before.push(...bindValue(this.inner, pattern, checked, span))
    return keyOfStatic(this.inner, checked)
  }

  /** Each field by itself. Without a declared type it has that of what is given; a constant stays one. */
  private fields(
    parameter: Parameter,
    given: readonly { name: string; typed: Checked; span: Span }[],
    span: Span,
  ): string {
    const { inner, scope } = this
    const types = fieldTypes(inner, parameter.annotation)
    for (const name of types?.keys() ?? [])
      if (!given.some((one) => one.name === name))
        throw scope.unfit(span, `the record lacks \`${name}\``, `pass { ${[...(types?.keys() ?? [])].join(', ')} }`)
    const fields = new Map<string, Checked>()
    const keys = given.map(({ name, typed, span: place }) => {
      const type = types?.get(name)
      const typedAs = isStatic(typed) || type === undefined ? typed : coerce(scope, typed, type, place)
      if (!isStatic(typedAs) && typedAs.op === 'wired') throw new Decisive(`${name} of a record`, [typedAs.wired])
      if (isStatic(typedAs) || typedAs.op === 'constant' || typedAs.op === 'address') {
        fields.set(name, typedAs)
        return `${name}: ${isStatic(typedAs) ? keyOfStatic(inner, typedAs) : keyOfConstant(typedAs)}`
      }
      const key = inner.block(() => {
        const made = this.value(scope, { pattern: name, span: place }, typedAs, place)
        fields.set(name, expression(inner, { kind: 'name', name, span: place }))
        return made
      })
      return `${name}: ${key}`
    })
    const whole: Static = { static: 'record', fields, at: scope.at(span) }
    this.before.push(...bindValue(inner, parameter.pattern, whole, parameter.span))
    return `{ ${keys.join()} }`
  }

  /** `from`: where it is computed. */
  private value(
    from: Scope,
    { pattern, annotation, span }: Parameter,
    typed: Typed,
    place: Span,
    node?: Expression,
  ): string {
    const { inner, parameters, given } = this
    if (typed.type.kind === 'verdict' || typed.type.kind === 'void')
      throw from.unfit(place, `${nameOfType(typed.type)} cannot be passed on`, 'return it at once')
    const name = typeof pattern === 'string' ? pattern : 'whole'
    if (typed.type.kind === 'list' && typed.op === 'field') {
      const base = inner.variable(name, typed.base.type)
      parameters.push(base)
      given.push(typed.base)
      const reference: Typed = { op: 'variable', variable: base, type: base.type, at: typed.at }
      this.nonNull.add(base)
      this.before.push(...bindValue(inner, pattern, { ...typed, base: reference }, span))
      return `list ${inner.compilation.functions.identity(typed.struct.layout)} ${typed.field.name}`
    }
    if (typeof pattern !== 'string' && typed.type.kind !== 'reference' && typed.type.kind !== 'address')
      throw from.unfit(place, `${nameOfType(typed.type)} has no fields`, `pass { ${namesIn(pattern).join(', ')} }`)
    const whole = typeof pattern === 'string' || node === undefined ? typed : present(from, typed, node)
    const declared = typeOfKept(inner, annotation, whole.type)
    const type = declared ?? (whole.type.kind === 'constant' ? U64 : whole.type)
    const variable = inner.variable(name, type)
    parameters.push(variable)
    given.push(coerce(from, whole, type, place))
    const isPresent = typeof pattern !== 'string' || (whole.op === 'variable' && from.nonNull.has(whole.variable))
    if (isPresent) this.nonNull.add(variable)
    inner.nonNull = this.nonNull
    if (typeof pattern === 'string')
      inner.bind(pattern, { kind: 'variable', variable, mutable: type.kind !== 'reference' })
    else this.before.push(...bindValue(inner, pattern, { op: 'variable', variable, type, at: whole.at }, span))
    return keyOfType(inner, type, isPresent)
  }
}

function keyOfType({ compilation: { functions } }: Scope, type: ValueType, isPresent: boolean): string {
  if (type.kind !== 'reference') return nameOfType(type)
  return `${type.space} ${type.table} ${functions.identity(type.struct.layout)} ${type.nullable && !isPresent}`
}

const keyOfConstant = (typed: Typed): string =>
  `${nameOfType(typed.type)} ${typed.op === 'constant' ? typed.value : typed.op === 'address' ? typed.octets.join('.') : ''}`

/** Equal keys, equal things. */
function keyOfStatic({ compilation: { functions } }: Scope, given: Static): string {
  switch (given.static) {
    case 'host':
      return `value ${functions.identity(given.value)}`
    case 'table':
      return `table ${given.table.name}`
    case 'method':
      if (given.of === 'packet') return `method packet ${given.name}`
      return `method ${'op' in given.of ? functions.identity(given.of) : `table ${given.of.name}`} ${given.name}`
    case 'builtin':
      return given.name
    case 'function':
      return `function ${given.module.path}:${given.name}`
    default:
      return given.static
  }
}
