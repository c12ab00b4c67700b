/** Lists: their elements, and what stands for a list in a key or a value. */
import type { Field, Scalar } from '../../isa/layout.ts'
import { elementAt, elementOf, fill, isType, type ListType, type StructType, struct } from '../../lang/index.ts'
import type { Expression } from '../narrow/tree.ts'
import { wordsOf } from '../pieces.ts'
import { Decisive } from '../shared.ts'
import { type IntType, nameOfType, type StructField, type Typed } from '../typed.ts'
import { coerce } from './convert.ts'
import { listCopied } from './copy.ts'
import { expression, value } from './expression.ts'
import { acts, rangeOfValue } from './ranges.ts'
import { isStatic, type Scope } from './scope.ts'
import { record } from './table.ts'
import { typeOfDeclared } from './type.ts'

const views = { host: new WeakMap<ListType, StructType>(), network: new WeakMap<ListType, StructType>() }

/** An element as a struct: of lists of plain values, one with a field for it. */
function viewOf(list: ListType, { order }: StructType, field: Field): StructType {
  if (!isType(list.element)) return elementOf(list.element, order)
  const known = views[order].get(list)
  if (known !== undefined) return known
  const place = { ...elementAt(field, 0), name: 'element', offset: 0 }
  const { size, align } = place.layout
  const view: StructType = {
    ...struct(list.name, { element: list.element }),
    order,
    layout: { kind: 'struct', size, align, fields: [place] },
    size,
  }
  views[order].set(list, view)
  return view
}

/** `entry.words[i]` */
export function element(scope: Scope, span: Expression['span'], list: Typed, index: Expression): Typed {
  if (list.type.kind !== 'list' || list.op !== 'field') throw new Error(`${list.op} is no list`)
  const { length } = list.type.list
  const place = value(scope, index)
  if (place.op === 'wired') throw new Decisive(`an element by ${place.wired.name}`, [place.wired])
  if (place.type.kind !== 'int' && place.type.kind !== 'constant')
    throw scope.unfit(
      index.span,
      `an element is chosen by a number, and this is ${nameOfType(place.type)}`,
      'write [0]',
    )
  const { least, most } = rangeOfValue(scope, place)
  if (place.op === 'constant' && (least < 0n || most >= length))
    throw scope.unfit(index.span, `${list.type.list.name} has no element ${least}`, `0 to ${length - 1} are there`)
  if (least < 0n || most >= length)
    throw scope.unfit(
      index.span,
      `this index may be ${least < 0n ? least : most}; ${list.type.list.name} has elements 0 to ${length - 1}`,
      withinForm(scope, index, length),
    )
  if (list.base.type.kind === 'reference' && list.base.type.space === 'copy' && place.op !== 'constant')
    throw scope.unfit(
      index.span,
      `an element of ${list.base.type.struct.name} is chosen by a constant: it is in registers`,
      'keep what must be searched in a table',
    )
  return elementOfList(scope, span, list, place)
}

function withinForm(scope: Scope, { span }: Expression, length: number): string {
  const text = scope.module.text.slice(span.start, span.end)
  const isPower = (length & (length - 1)) === 0
  const kept = isPower ? `mask it: [${text} & ${length - 1}]` : `take the remainder: [${text} % ${length}]`
  return `keep it in a const and test it first: if (i < ${length}) …; or ${kept}`
}

/** The element at an index that is known to be one. */
export function elementOfList(scope: Scope, span: Expression['span'], list: Typed, index: Typed): Typed {
  if (list.type.kind !== 'list' || list.op !== 'field' || list.base.type.kind !== 'reference')
    throw new Error(`${list.op} is no list`)
  const at = scope.at(span)
  const type = list.type.list
  const view = viewOf(type, list.struct, list.field)
  const reference: Typed = {
    op: 'element',
    base: list.base,
    field: list.field,
    index,
    type: { ...list.base.type, struct: view, nullable: false },
    at,
  }
  if (!isType(type.element)) return reference
  const [field] = view.layout.fields
  if (field === undefined) throw new Error('an element without a place')
  return { op: 'field', base: reference, field, struct: view, type: typeOfDeclared(type.element), at }
}

/** What is given for a list in a key or a value: `[a, b]`, `fill(0)`, or a list of the same type. */
export function listFields(
  scope: Scope,
  struct: StructType,
  field: Field,
  type: ListType,
  node: Expression,
): StructField[] {
  if (node.kind === 'elements') {
    if (node.elements.length !== type.length)
      throw scope.unfit(
        node.span,
        `${node.elements.length} elements, where ${type.length} belong`,
        `write them all out, or fill(0)`,
      )
    return node.elements.flatMap((one, index) => elementFields(scope, struct, elementAt(field, index), type, one))
  }
  const filling = node.kind === 'call' && node.arguments.length === 1 ? expression(scope, node.callee) : undefined
  if (
    node.kind === 'call' &&
    filling !== undefined &&
    isStatic(filling) &&
    filling.static === 'host' &&
    filling.value === fill
  ) {
    const [one] = node.arguments
    return one === undefined ? [] : filled(scope, struct, field, type, one)
  }
  return listCopied(
    scope,
    struct,
    field,
    type,
    value(scope, node),
    node.span,
    'write its elements: [a, b, …], or fill(0)',
  )
}

function elementFields(
  scope: Scope,
  struct: StructType,
  place: Field,
  { element }: ListType,
  node: Expression,
): StructField[] {
  if (isType(element)) {
    const typed = coerce(scope, value(scope, node), typeOfDeclared(element), node.span)
    return [{ field: place, value: typed }]
  }
  const view = elementOf(element, struct.order)
  return record(scope, node, view, `write { ${Object.keys(element).join(', ')} }`).map((one) => ({
    ...one,
    field: { ...one.field, offset: place.offset + one.field.offset, name: `${place.name}.${one.field.name}` },
  }))
}

/** `fill(x)`: every element is x. Constants are stored in whole words. */
function filled(scope: Scope, struct: StructType, field: Field, type: ListType, node: Expression): StructField[] {
  const all = Array.from({ length: type.length }, (_, index) => elementAt(field, index))
  const each = () => all.flatMap((place) => elementFields(scope, struct, place, type, node))
  const { element } = type
  if (!isType(element) || element.layout.kind !== 'scalar' || struct.order !== 'host') return each()
  const typed = coerce(scope, value(scope, node), typeOfDeclared(element), node.span)
  if (acts(typed)) throw scope.unfit(node.span, 'this would be called for every element', 'keep it in a const first')
  if (typed.op !== 'constant') return all.map((place) => ({ field: place, value: typed }))
  const { size } = element.layout
  const words = wordsOf(field.offset, field.layout.size)
  return words.map(({ offset, size: width }) => {
    const copies = Math.max(1, width / size)
    const bits = BigInt(8 * size)
    let word = 0n
    for (let copy = 0; copy < copies; copy++) word = (word << bits) | BigInt.asUintN(Number(bits), typed.value)
    const layout: Scalar = { kind: 'scalar', size: width, signed: false, align: width }
    const of: IntType = { kind: 'int', bits: (8 * width) as IntType['bits'], signed: false }
    return { field: { name: `${field.name}[…]`, offset, layout }, value: { ...typed, value: word, type: of } }
  })
}
