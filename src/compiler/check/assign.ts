/** Assignments: to variables, and to fields of headers and entries. */
import type { Field } from '../../isa/layout.ts'
import type { StructType } from '../../lang/index.ts'
import type { Expression, Span, Statement } from '../narrow/tree.ts'
import { nameOfType, type Typed, type TypedStatement } from '../typed.ts'
import { coerce } from './convert.ts'
import { elementGiven, listAssigned } from './copy.ts'
import { expression, value } from './expression.ts'
import { declaredLater } from './name.ts'
import { fieldWritten } from './owed.ts'
import { acts, assigned } from './ranges.ts'
import { type Binding, isStatic, type Scope, Silent } from './scope.ts'
import { useReference } from './stale.ts'

type Assignment = Extract<Statement, { kind: 'assign' }>

/** `stepping`: what a loop does with its own variable. */
export function assign(scope: Scope, node: Assignment, stepping = false): TypedStatement[] {
  const at = scope.at(node.span)
  const { target, operator } = node
  const right =
    operator === undefined
      ? node.value
      : ({ kind: 'binary', operator, left: target, right: node.value, span: node.span } as const)
  if (target.kind === 'name') {
    const binding = scope.lookup(target.name)
    if (binding?.kind === 'broken') throw new Silent()
    if (binding?.kind === 'later') throw declaredLater(scope, target)
    if (binding?.kind !== 'variable' || !(binding.mutable || stepping))
      throw scope.unfit(target.span, `\`${target.name}\` cannot be assigned to`, assignable(target.name, binding))
    const typed = coerce(scope, value(scope, right), binding.variable.type, node.value.span)
    assigned(scope, binding.variable, typed)
    return [{ op: 'assign', variable: binding.variable, value: typed, at }]
  }
  const place = expression(scope, target)
  if (operator !== undefined && !isStatic(place) && acts(place))
    throw scope.unfit(target.span, 'what is called here would be called twice', 'keep it in a const first')
  if (isStatic(place) || (place.op !== 'field' && place.op !== 'element'))
    throw scope.unfit(
      target.span,
      'this cannot be assigned to',
      (isStatic(place) ? undefined : OF_PACKET[place.op]) ??
        'assign to a let variable, or to a field of a header or an entry',
    )
  const { base } = place
  if (base.type.kind === 'reference' && base.type.space === 'copy')
    throw scope.unfit(
      target.span,
      `this is a copy of ${base.type.struct.name}: writing to it changes nothing`,
      'push another value',
    )
  const isWhole = place.op === 'element' || place.type.kind === 'list'
  if (isWhole && operator !== undefined)
    throw scope.unfit(
      node.span,
      `${nameOfType(place.type)} is no integer`,
      'write it element by element, field by field',
    )
  const stored = isWhole ? assignParts(scope, node, place) : [assignField(scope, node, place, right)]
  fieldWritten(scope, place)
  return stored
}

type Place = Typed & { readonly op: 'field' | 'element' }

function assignField(
  scope: Scope,
  node: Assignment,
  place: Typed & { op: 'field' },
  right: Expression,
): TypedStatement {
  const given = value(scope, right)
  // What is assigned may have made it stale.
  useReference(scope, place.base, node.target.span)
  const { base, field, struct } = place
  const typed = fitting(scope, field, coerce(scope, given, place.type, node.value.span), node.value.span)
  return { op: 'store', base, field, struct, value: typed, at: scope.at(node.span) }
}

/** A list, or an element that is a struct: each part by itself, and all of them are computed before. */
function assignParts(scope: Scope, node: Assignment, place: Place): TypedStatement[] {
  const at = scope.at(node.span)
  if (acts(place))
    throw scope.unfit(
      node.target.span,
      'what is called here would be called for every part',
      'keep it in a const first',
    )
  const [base, struct, parts] =
    place.op === 'field'
      ? [place.base, place.struct, listAssigned(scope, place, node.value)]
      : [place, structOf(place), elementGiven(scope, structOf(place), node.value)]
  useReference(scope, base, node.target.span)
  const kept = parts.map(({ field, value }) => {
    const typed = fitting(scope, field, value, node.value.span)
    if (parts.length === 1 || typed.op === 'constant') return { field, typed, before: [] }
    const variable = scope.variable(field.name, typed.type)
    const before: TypedStatement = { op: 'assign', variable, value: typed, at }
    return { field, typed: { op: 'variable', variable, type: variable.type, at } as const, before: [before] }
  })
  return [
    ...kept.flatMap(({ before }) => before),
    ...kept.map(({ field, typed }): TypedStatement => ({ op: 'store', base, field, struct, value: typed, at })),
  ]
}

function structOf({ type }: Typed): StructType {
  if (type.kind !== 'reference') throw new Error(`${type.kind} has no fields`)
  return type.struct
}

/** Constants must fit into the bits of a field; of others the low ones are kept. */
function fitting(scope: Scope, { bits }: Field, typed: Typed, span: Span): Typed {
  if (bits === undefined || typed.op !== 'constant' || typed.value < 1n << BigInt(bits.width)) return typed
  throw scope.unfit(
    span,
    `${typed.value} does not fit into ${bits.width} bits`,
    `0 to ${2n ** BigInt(bits.width) - 1n} do`,
  )
}

function assignable(name: string, binding: Binding | undefined): string {
  if (binding === undefined)
    return `declare it where it is used: let ${name} = …; what later packets are to find is a cell or a table of the state`
  if (binding.kind !== 'variable') return `what a data plane is given does not change: let mine = …`
  if (binding.counts) return 'a loop steps its variable itself; leave early with break'
  if (binding.variable.type.kind === 'reference')
    return 'a reference stays what it is: give the other one a name of its own'
  return 'declare it with let'
}

/** What changes the packet otherwise. */
const OF_PACKET: Partial<Readonly<Record<Typed['op'], string>>> = {
  vlan: 'write packet.popVlan(), and packet.pushVlan(id)',
  length: 'write packet.truncate(length), packet.growTail(bytes) or packet.shrinkTail(bytes)',
}
