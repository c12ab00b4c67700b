/** Elements: of lists, of addresses, and of arrays that are known when a data plane is compiled. */
import type { Expression, Of, Span } from '../narrow/tree.ts'
import { nameOfType, type Typed } from '../typed.ts'
import { carried, expression, value } from './expression.ts'
import { element } from './list.ts'
import { member } from './member.ts'
import { host } from './name.ts'
import { type Checked, isStatic, type Scope, type Static } from './scope.ts'

/** How single bytes are read. */
export const BYTES =
  "write packet.read(Byte, 14)?.value ?? 0, with export const Byte = header('Byte', { value: u8 }) above"

/** `known`: its object, as it was checked. */
export function indexed(scope: Scope, node: Of<'index'>, known: Checked): Checked {
  if (isStatic(known) && known.static === 'host') return constantElement(scope, node, known)
  if (isStatic(known) && known.static === 'packet') throw scope.unfit(node.span, 'a packet is read by headers', BYTES)
  const object = carried(scope, known, node.object)
  if (object.type.kind === 'list') return element(scope, node.span, object, node.index)
  if (object.type.kind !== 'address')
    throw scope.unfit(node.span, `${nameOfType(object.type)} has no elements`, 'lists and addresses have: address[0]')
  return octet(scope, node.span, object, node.index)
}

/** `address[0]` */
export function octet(scope: Scope, span: Span, object: Typed, index: Expression): Typed {
  const at = scope.at(span)
  if (object.type.kind !== 'address') throw new Error(`${object.op} is no address`)
  const place = value(scope, index)
  const size = { mac: 6, ipv4: 4, ipv6: 16, raw: 0 }[object.type.role]
  if (place.op !== 'constant' || place.value < 0n || place.value >= BigInt(size))
    throw scope.unfit(
      index.span,
      `an octet of ${object.type.role} is chosen by a constant from 0 to ${size - 1}`,
      'write address[0]',
    )
  if (object.op === 'address') {
    const known = BigInt(object.octets[Number(place.value)] ?? 0)
    return { op: 'constant', value: known, type: { kind: 'int', bits: 8, signed: false }, at }
  }
  return { op: 'byte', base: object, index: Number(place.value), type: { kind: 'int', bits: 8, signed: false }, at }
}

/** Of an array that is known now. */
function constantElement(scope: Scope, node: Of<'index'>, object: Extract<Static, { static: 'host' }>): Checked {
  const chosen = expression(scope, node.index)
  const holder: unknown = object.value
  if (isStatic(chosen) && chosen.static === 'host' && typeof chosen.value === 'string') {
    const { object: of, index, span } = node
    return member(scope, { kind: 'member', object: of, property: chosen.value, propertySpan: index.span, span }, object)
  }
  const place = carried(scope, chosen, node.index)
  if (!Array.isArray(holder))
    throw scope.unfit(
      node.object.span,
      `\`${object.name}\` has no elements`,
      'lists, addresses and constant arrays have',
    )
  if (place.op !== 'constant')
    throw scope.unfit(
      node.index.span,
      'an element of a constant array is chosen by a constant',
      `write for (const one of ${object.name}) { … }, or keep it in an array of the schema`,
    )
  if (place.value < 0n || place.value >= holder.length)
    throw scope.unfit(
      node.index.span,
      `\`${object.name}\` has no element ${place.value}`,
      holder.length === 0 ? 'it is empty' : `0 to ${holder.length - 1} are there`,
    )
  return host(scope, holder[Number(place.value)], `${object.name}[${place.value}]`, node.span)
}
