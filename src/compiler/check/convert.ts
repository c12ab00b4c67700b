/** From one type to another: what is converted, and what only fits as it is. */
import { isStruct, isType, type ListType, type StructType } from '../../lang/index.ts'
import type { Span } from '../narrow/tree.ts'
import { Decisive } from '../shared.ts'
import { type IntType, nameOfType, rangeOf, type Typed, type ValueType, wrap } from '../typed.ts'
import { type Checked, isStatic, type Scope } from './scope.ts'
import { typeOfDeclared } from './type.ts'

/** Makes a value one of `type`, without asking whether that loses anything: {@link coerce} asks. */
export function convert(typed: Typed, type: IntType): Typed {
  if (typed.op === 'constant') return { ...typed, value: wrap(type, typed.value), type }
  if (typed.op === 'wired') {
    const bits = type.signed ? type.bits - 1 : type.bits
    if (bits < typed.wired.bits) throw new Decisive(`${typed.wired.name} as ${nameOfType(type)}`, [typed.wired])
    return { ...typed, type }
  }
  const from = typed.type
  if (from.kind === 'int' && from.bits === type.bits && from.signed === type.signed) return typed
  return { op: 'convert', operand: typed, type, at: typed.at }
}

/** A value where one of `type` is wanted: integers keep the bits that coerce, constants must fit as they are. */
export function coerce(scope: Scope, typed: Typed, type: ValueType, span: Span): Typed {
  const from = typed.type
  if (type.kind === 'int' && (from.kind === 'int' || from.kind === 'constant')) {
    const [least, most] = rangeOf(type)
    if (from.kind === 'constant' && typed.op === 'constant' && (typed.value < least || typed.value > most))
      throw scope.unfit(span, `${typed.value} does not fit into ${nameOfType(type)}`, `${least} to ${most} do`)
    return convert(typed, type)
  }
  const same =
    from.kind === type.kind &&
    (from.kind !== 'address' || (type.kind === 'address' && from.role === type.role)) &&
    (from.kind !== 'list' || (type.kind === 'list' && sameList(from.list, type.list))) &&
    (from.kind !== 'reference' || (type.kind === 'reference' && from.struct === type.struct))
  if (same) return typed
  const remedy = from.kind === 'bool' && type.kind === 'int' ? 'write x ? 1 : 0' : WANTED[type.kind]
  throw scope.unfit(span, `${nameOfType(type)} is wanted here, and this is ${nameOfType(from)}`, remedy)
}

/** Whether one can be copied into the other: elements that are structs lie differently in headers and tables. */
export const sameList = (a: ListType, b: ListType): boolean =>
  a.length === b.length && a.element === b.element && isType(a.element)

const WANTED: Readonly<Record<ValueType['kind'], string>> = {
  int: 'give it a number, or a field that holds one',
  constant: 'give it a number',
  bool: 'compare it with something: x !== 0',
  address: "take one of a header or a table, or write mac('…'), ipv4('…') or ipv6('…')",
  list: 'lists come from headers and tables',
  record: 'take it apart: const { … } = …',
  reference: 'give it what packet.read or a table gave',
  verdict: 'return drop(…), forward(…), flood() or pass()',
  void: 'write return without a value',
}

/** A live value that is a header: what `packet.read` takes. */
export const asStruct = (checked: Checked): StructType | undefined =>
  isStatic(checked) && checked.static === 'host' && isStruct(checked.value) ? checked.value : undefined

/** A live value that is an integer type: what a conversion calls. */
export function asIntType(checked: Checked): IntType | undefined {
  if (!isStatic(checked) || checked.static !== 'host' || !isType(checked.value) || checked.value.kind !== 'int')
    return undefined
  const type = typeOfDeclared(checked.value)
  return type.kind === 'int' ? type : undefined
}
