/** `punt(reason, metadata)`: the packet goes to the control plane, and no further. */
import { suggestion } from '../../base/suggest.ts'
import { type PuntReason, puntReasons } from '../../lang/index.ts'
import type { Expression } from '../narrow/tree.ts'
import { type Typed, VERDICT } from '../typed.ts'
import { arity, type Call } from './call.ts'
import { expression } from './expression.ts'
import { isStatic, type Scope } from './scope.ts'
import { record, shape } from './table.ts'

export function puntCall(scope: Scope, node: Call): Typed {
  const reasons = puntReasons(scope.compilation.cube.punts)
  const [first] = reasons
  if (first === undefined)
    throw scope.unfit(
      node.span,
      'this cube leaves no packets to its control plane',
      "declare the reason in the schema, punts: { unknown: 'why' }, or drop the packet",
    )
  const [given, told] = node.arguments
  if (given === undefined) throw scope.unfit(node.span, 'a punt has a reason', formOf(first))
  const reason = named(scope, given, reasons, first)
  const { name, metadata } = reason
  const takes = Object.keys(metadata.fields).length > 0
  if (!takes && told !== undefined)
    throw scope.unfit(
      told.span,
      `"${name}" is declared without metadata`,
      `declare it in the schema: punts: { ${name}: { summary: '…', metadata: { … } } }`,
    )
  arity(scope, node, takes ? 2 : 1, takes ? 2 : 1, formOf(reason))
  return {
    op: 'punt',
    reason: reasons.indexOf(reason),
    metadata: told === undefined ? [] : record(scope, told, metadata, formOf(reason)),
    type: VERDICT,
    at: scope.at(node.span),
  }
}

function named(scope: Scope, node: Expression, reasons: readonly PuntReason[], first: PuntReason): PuntReason {
  const given = expression(scope, node)
  if (!isStatic(given) || given.static !== 'host' || typeof given.value !== 'string')
    throw scope.unfit(node.span, 'a reason to punt is a name', formOf(first))
  const found = reasons.find(({ name }) => name === given.value)
  if (found === undefined)
    throw scope.unfit(
      node.span,
      `"${given.value}" is not declared in the schema's punts`,
      suggestion(
        given.value,
        reasons.map(({ name }) => name),
      ),
    )
  return found
}

const formOf = ({ name, metadata }: PuntReason): string =>
  Object.keys(metadata.fields).length > 0
    ? `write return punt('${name}', ${shape(metadata)})`
    : `write return punt('${name}')`
