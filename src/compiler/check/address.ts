/** Addresses and prefixes that are written down, made, masked, and converted to numbers and back. */
import { maskOctet, PARSERS, type Role, roleOf } from '../../lang/address.ts'
import { contains, masked, type Prefix, prefix, type Type } from '../../lang/index.ts'
import type { Expression } from '../narrow/tree.ts'
import { BOOL, type IntType, nameOfType, type Typed, U32, U64, type ValueType } from '../typed.ts'
import { arity, type Call } from './call.ts'
import { coerce } from './convert.ts'
import { expression, value } from './expression.ts'
import { rangeOfValue } from './ranges.ts'
import { type Checked, isStatic, type Scope } from './scope.ts'

const SIZE: Readonly<Record<Role, number>> = { mac: 6, ipv4: 4, ipv6: 16 }
const EXAMPLE: Readonly<Record<Role, string>> = {
  mac: "mac('02:00:00:00:00:01')",
  ipv4: "ipv4('10.0.0.1')",
  ipv6: "ipv6('fd00::1')",
}
/** The integers that hold an address: the number whose digits, in base 256, are its octets. */
const NUMBERS: Readonly<Record<string, readonly Role[]>> = { u32: ['ipv4'], u64: ['ipv4', 'mac'] }
const U8: IntType = { kind: 'int', bits: 8, signed: false }

const typeOf = (role: Role): ValueType => ({ kind: 'address', role })
const isRole = (text: string): text is Role => Object.hasOwn(SIZE, text)

export const addressTyped = (scope: Scope, span: Expression['span'], role: Role, octets: readonly number[]): Typed => ({
  op: 'address',
  octets,
  type: typeOf(role),
  at: scope.at(span),
})

/** What a call of one of the words of this file gives; undefined where it is a call of something else. */
export function addressCall(scope: Scope, node: Call, callee: unknown): Checked | undefined {
  if (callee === contains) return containsCall(scope, node)
  if (callee === masked) return maskedCall(scope, node)
  if (callee === prefix) return prefixCall(scope, node)
  const role = typeof callee === 'function' && 'kind' in callee ? (callee as unknown as Type).kind : ''
  return isRole(role) ? made(scope, node, role) : undefined
}

/** `mac('…')`, `ipv4(number)`, `ipv6([octet, …])` */
function made(scope: Scope, node: Call, role: Role): Typed {
  const form = `write ${EXAMPLE[role]}, or ${role}([first, …])`
  arity(scope, node, 1, 1, form)
  const [argument] = node.arguments as readonly [Expression]
  if (argument.kind === 'elements') return ofOctets(scope, node, role, argument.elements)
  const given = expression(scope, argument)
  if (isStatic(given)) {
    const text = given.static === 'host' ? given.value : undefined
    if (typeof text !== 'string')
      throw scope.unfit(argument.span, `${role} takes a text that is known now, or octets`, form)
    return addressTyped(scope, node.span, role, [...read(scope, argument, () => PARSERS[role](text))])
  }
  const { type } = given
  if (type.kind === 'address' && type.role === role) return given
  const isNumber = type.kind === 'int' || type.kind === 'constant'
  if (!isNumber || role === 'ipv6')
    throw scope.unfit(argument.span, `${nameOfType(type)} does not make ${role === 'mac' ? 'a' : 'an'} ${role}`, form)
  const typed = coerce(scope, given, role === 'mac' ? U64 : U32, argument.span)
  if (typed.op !== 'constant') return { op: 'convert', operand: typed, type: typeOf(role), at: scope.at(node.span) }
  const size = SIZE[role]
  const octets = Array.from({ length: size }, (_, index) =>
    Number((typed.value >> BigInt(8 * (size - 1 - index))) & 0xffn),
  )
  return addressTyped(scope, node.span, role, octets)
}

function ofOctets(scope: Scope, node: Call, role: Role, given: readonly Expression[]): Typed {
  const size = SIZE[role]
  if (given.length !== size)
    throw scope.unfit(node.span, `${given.length} octets, where ${size} belong`, `write ${EXAMPLE[role]}`)
  const elements = given.map((one) => coerce(scope, value(scope, one), U8, one.span))
  const constants = elements.flatMap((one) => (one.op === 'constant' ? [Number(one.value)] : []))
  if (constants.length === size) return addressTyped(scope, node.span, role, constants)
  return { op: 'octets', elements, type: typeOf(role), at: scope.at(node.span) }
}

/** What a text says; a RangeError is a mistake in it. */
function read<T>(scope: Scope, node: Expression, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RangeError) throw scope.unfit(node.span, error.message)
    throw error
  }
}

/** An address as a number: `u32(ip.source)`. */
export function numberOf(scope: Scope, node: Call, typed: Typed, to: IntType): Typed {
  const name = nameOfType(to)
  const role = typed.type.kind === 'address' ? typed.type.role : 'raw'
  if (!(NUMBERS[name] ?? []).some((one) => one === role))
    throw scope.unfit(
      node.span,
      `${name} does not hold ${role === 'mac' ? 'a' : 'an'} ${role}`,
      role === 'ipv6' ? 'take its octets: address[0]' : `write ${role === 'mac' ? 'u64' : 'u32'}(address)`,
    )
  if (typed.op !== 'address') return { op: 'convert', operand: typed, type: to, at: scope.at(node.span) }
  const number = typed.octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
  return { op: 'constant', value: number, type: to, at: scope.at(node.span) }
}

function prefixCall(scope: Scope, node: Call): Checked {
  arity(scope, node, 1, 1, "write prefix('10.0.0.0/8')")
  const [argument] = node.arguments as readonly [Expression]
  const given = expression(scope, argument)
  const text = isStatic(given) && given.static === 'host' ? given.value : undefined
  if (typeof text !== 'string')
    throw scope.unfit(argument.span, 'a prefix is a text that is known now', "write prefix('10.0.0.0/8')")
  return { static: 'host', value: read(scope, argument, () => prefix(text)), name: 'prefix', at: scope.at(node.span) }
}

/** The address is masked and compared: where the prefix is known, that is an instruction or two. */
function containsCall(scope: Scope, node: Call): Typed {
  const form = "write contains(prefix('10.0.0.0/8'), address)"
  arity(scope, node, 2, 2, form)
  const [first, second] = node.arguments as readonly [Expression, Expression]
  const given = expression(scope, first)
  const known = isStatic(given) && given.static === 'host' ? prefixOf(given.value) : undefined
  if (known === undefined) throw scope.unfit(first.span, 'this is not a prefix that is known now', form)
  const { role, octets, length } = known
  const address = value(scope, second)
  if (address.type.kind !== 'address' || address.type.role === 'mac')
    throw scope.unfit(second.span, `a prefix has no ${nameOfType(address.type)}`, form)
  const at = scope.at(node.span)
  // Of the other family: so that a list of the configuration may have both.
  if (address.type.role !== role) return { op: 'constant', value: 0n, type: BOOL, at }
  const left = mask(scope, node, address, { op: 'constant', value: BigInt(length), type: U32, at })
  const right = addressTyped(scope, first.span, role, octets)
  if (left.op === 'address')
    return { op: 'constant', value: left.octets.join() === octets.join() ? 1n : 0n, type: BOOL, at }
  return { op: 'compare', operator: '===', left, right, type: BOOL, at }
}

function prefixOf(given: unknown): { role: Role; octets: readonly number[]; length: number } | undefined {
  if (typeof given !== 'object' || given === null || !('address' in given) || !('length' in given)) return undefined
  const { address, length } = given as Prefix
  const role = roleOf(address)
  return role === undefined || !Number.isInteger(length) ? undefined : { role, octets: [...address], length }
}

/** `masked(address, length)` */
function maskedCall(scope: Scope, node: Call): Typed {
  const form = 'write masked(address, 24)'
  arity(scope, node, 2, 2, form)
  const [first, second] = node.arguments as readonly [Expression, Expression]
  const address = value(scope, first)
  if (address.type.kind !== 'address' || !isRole(address.type.role))
    throw scope.unfit(first.span, `${nameOfType(address.type)} is not an address`, form)
  const bits = 8 * SIZE[address.type.role]
  const given = value(scope, second)
  if (given.type.kind !== 'int' && given.type.kind !== 'constant')
    throw scope.unfit(second.span, `${nameOfType(given.type)} is not a length`, form)
  const { least, most } = rangeOfValue(scope, given)
  if (least < 0n || most > bits)
    throw scope.unfit(
      second.span,
      `this length may be ${least < 0n ? least : most}; ${address.type.role} has ${bits} bits`,
      given.op === 'constant' ? form : `keep it in a const and test it first: if (length <= ${bits}) …`,
    )
  return mask(scope, node, address, coerce(scope, given, U32, second.span))
}

function mask(scope: Scope, node: Call, base: Typed, length: Typed): Typed {
  const at = scope.at(node.span)
  if (base.op === 'address' && length.op === 'constant')
    return { ...base, octets: base.octets.map((octet, index) => octet & maskOctet(Number(length.value), index)), at }
  return { op: 'mask', base, length, type: base.type, at }
}
