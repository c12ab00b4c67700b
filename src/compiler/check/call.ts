/** Calls: of what a data plane is given, of conversions, and of other data-plane functions. */
import { suggestion } from '../../base/suggest.ts'
import { atomicName, isWithLock } from '../../lang/index.ts'
import { declares } from '../modules.ts'
import type { Expression } from '../narrow/tree.ts'
import { nameOfType, type Typed, U64, type ValueType, VERDICT, wrap } from '../typed.ts'
import { addressCall, numberOf } from './address.ts'
import { atomicCall } from './atomic.ts'
import { asIntType, coerce, convert } from './convert.ts'
import { carried, expression, value } from './expression.ts'
import { functionCall } from './function.ts'
import { octet } from './indexed.ts'
import { element } from './list.ts'
import { lockCall } from './lock.ts'
import { includesCall, mathCall } from './math.ts'
import { packetMethod } from './move.ts'
import { puntCall } from './punt.ts'
import { type Builtin, type Checked, isStatic, type Scope } from './scope.ts'
import { tableMethod } from './table.ts'

export type Call = Extract<Expression, { kind: 'call' }>

const U16: ValueType = { kind: 'int', bits: 16, signed: false }

export function call(scope: Scope, node: Call): Checked {
  const known = mathCall(scope, node) ?? includesCall(scope, node)
  if (known !== undefined) return known
  const callee = expression(scope, node.callee)
  const to = asIntType(callee)
  if (to !== undefined) {
    arity(scope, node, 1, 1, 'write u16(x)')
    const typed = value(scope, node.arguments[0] as Expression)
    if (typed.op === 'constant' && typed.type.kind !== 'bool')
      return { ...typed, value: wrap(to, typed.value), type: to }
    if (typed.type.kind === 'address') return numberOf(scope, node, typed, to)
    if (typed.type.kind !== 'int')
      throw scope.unfit(node.span, `${nameOfType(typed.type)} is not an integer`, 'write x ? 1 : 0')
    return convert(typed, to)
  }
  const address = isStatic(callee) && callee.static === 'host' ? addressCall(scope, node, callee.value) : undefined
  if (address !== undefined) return address
  const operation = isStatic(callee) && callee.static === 'host' ? atomicName(callee.value) : undefined
  if (operation !== undefined) return atomicCall(scope, node, operation)
  if (isStatic(callee) && callee.static === 'host' && isWithLock(callee.value)) return lockCall(scope, node)
  if (!isStatic(callee)) throw scope.unfit(node.callee.span, 'this is not a function', 'call a function by its name')
  switch (callee.static) {
    case 'builtin':
      return builtin(scope, node, callee.name)
    case 'method':
      if (callee.of === 'packet') return packetMethod(scope, node, callee.name)
      return 'op' in callee.of ? at(scope, node, callee.of) : tableMethod(scope, node, callee.of, callee.name)
    case 'function':
      if (declares(callee.module))
        throw scope.unfit(
          node.span,
          `${callee.name}(…) declares something, once and for all packets`,
          `write it at the top of a module, export const … = ${callee.name}(…), or in the schema`,
        )
      return functionCall(scope, node, callee.module, callee.name)
    default:
      throw scope.unfit(
        node.callee.span,
        'this cannot be called in a data plane',
        'call functions of the language, or of modules written in it',
      )
  }
}

export function arity(scope: Scope, node: Call, least: number, most: number, form: string): void {
  const given = node.arguments.length
  if (given < least || given > most)
    throw scope.unfit(
      node.span,
      `${given} argument${given === 1 ? '' : 's'}, where ${least === most ? least : `${least} to ${most}`} belong`,
      form,
    )
}

/** `list.at(i)`, `address.at(0)` */
function at(scope: Scope, node: Call, of: Typed): Typed {
  const chosen = of.type.kind === 'address' ? octet : element
  arity(scope, node, 1, 1, of.type.kind === 'address' ? 'write address.at(0)' : 'write list.at(i)')
  return chosen(scope, node.span, of, node.arguments[0] as Expression)
}

function builtin(scope: Scope, node: Call, name: Builtin): Typed {
  const at = scope.at(node.span)
  switch (name) {
    case 'now':
      arity(scope, node, 0, 0, 'write now()')
      return { op: 'now', type: U64, at }
    case 'flood':
    case 'pass':
    case 'next':
      arity(scope, node, 0, 0, `write return ${name}()`)
      return { op: name, type: VERDICT, at }
    case 'punt':
      return puntCall(scope, node)
    case 'forward': {
      arity(scope, node, 1, 1, 'write return forward(port)')
      const argument = node.arguments[0] as Expression
      const given = expression(scope, argument)
      if (isStatic(given) && given.static === 'host')
        throw scope.unfit(
          argument.span,
          'a port is forwarded to by its number',
          'take a portId that a table keeps, or port.id; what a port is for is said by its configuration: port.uplink',
        )
      return {
        op: 'forward',
        port: coerce(scope, carried(scope, given, argument), U16, argument.span),
        type: VERDICT,
        at,
      }
    }
    case 'drop': {
      const reasons = Object.keys(scope.compilation.cube.drops)
      arity(scope, node, 1, 1, `name the reason: drop('${reasons[0] ?? 'reason'}')`)
      const argument = node.arguments[0] as Expression
      const given = expression(scope, argument)
      const reason =
        isStatic(given) && given.static === 'host' && typeof given.value === 'string' ? given.value : undefined
      if (reason === undefined)
        throw scope.unfit(argument.span, 'a drop reason is a name', `write drop('${reasons[0] ?? 'reason'}')`)
      if (!reasons.includes(reason))
        throw scope.unfit(
          argument.span,
          `"${reason}" is not declared in the schema's drops`,
          suggestion(reason, reasons),
        )
      return { op: 'drop', reason: reasons.indexOf(reason), type: VERDICT, at }
    }
  }
}
