/** References that are chosen or returned, and those to elements of lists. */
import type { Field } from '../../isa/layout.ts'
import type { StructType } from '../../lang/index.ts'
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import { width } from '../pieces.ts'
import type { Typed, ValueType } from '../typed.ts'
import { elementPointer } from './list.ts'
import type { Passage } from './packet.ts'
import {
  isInPacket,
  type PacketReference,
  type PartOfHeader,
  type Reference,
  type Test,
  type Values,
} from './reference.ts'

/** What lowering references takes from lowering everything else. */
export interface References extends Values {
  /** The address of the lock that is held. */
  readonly lock: Value | undefined
  reference(node: Typed): Reference
  condition(node: Typed, whenTrue: Block, whenFalse: Block): void
}

export function chosen(values: References, node: Extract<Typed, { op: 'conditional' }>): Reference {
  const { builder } = values
  const [whenTrue, whenFalse, after] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
  const result = builder.own()
  values.condition(node.test, whenTrue, whenFalse)
  builder.enter(whenTrue)
  bring(values, node.whenTrue, result, after)
  builder.enter(whenFalse)
  bring(values, node.whenFalse, result, after)
  builder.enter(after)
  return referenceTo(builder, builder.read(result), node.type)
}

/** Where references meet, one is a pointer, or 0: its tests are made before. */
export function bring(values: References, node: Typed, result: number, to: Block): void {
  const { builder } = values
  const { pointer, present } = node.op === 'null' ? nothing(builder) : values.reference(node)
  const isNullable = node.type.kind === 'reference' && node.type.nullable
  const tests = isNullable ? present.filter((test) => !isOfPointer(test, pointer)) : []
  const absent = builder.newBlock()
  for (const { comparison, bits, left, right } of tests) {
    const next = builder.newBlock()
    builder.branch(comparison, bits, left, right, next, absent)
    builder.enter(next)
  }
  builder.write(result, pointer)
  builder.jump(to)
  if (tests.length === 0) return
  builder.enter(absent)
  builder.write(result, builder.constant(0))
  builder.jump(to)
}

const nothing = (builder: Builder): Reference => ({ pointer: builder.constant(0), present: [] })

/** `pointer !== 0` */
const isOfPointer = ({ comparison, left, right }: Test, pointer: Value): boolean =>
  comparison === 'ne' && left === pointer && right.op === 'const' && right.value === 0n

export function referenceTo(builder: Builder, pointer: Value, type: ValueType): Reference {
  const isNullable = type.kind === 'reference' && type.nullable
  const test: Test = { comparison: 'ne', bits: 64, left: pointer, right: builder.constant(0) }
  return { pointer, present: isNullable ? [test] : [], loops: builder.loops }
}

/** Of a header that was chosen from others only the pointer is known. */
export function inPacket(builder: Builder, packet: Passage, reference: Reference): PacketReference {
  if (isInPacket(reference)) return reference
  const distance = builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, reference.pointer, packet.data())
  const { loops = builder.loops } = reference
  return { ...reference, key: reference, offset: builder.emit({ op: 'low32' }, distance), loops }
}

/** An element of a list, wherever that is. */
export function elementOf(
  values: References,
  packet: Passage,
  { base: of, field, index, at }: Extract<Typed, { op: 'element' }>,
): Reference {
  const { builder } = values
  const owner = values.reference(of)
  const isHeader = of.type.kind === 'reference' && of.type.space === 'packet'
  const base = isHeader ? inPacket(builder, packet, owner) : owner
  const { pointer, present, copy } = base
  const { layout } = field
  if (layout.kind !== 'list') throw new Error(`${field.name} is no list`)
  const [place] = values.value(index)
  if (place === undefined) throw new Error(`no value for ${index.op}`)
  builder.at = at
  const { size: stride } = layout.element
  if (copy !== undefined && index.op === 'constant') {
    const offset = copy.offset + field.offset + Number(index.value) * stride
    return { pointer, present, copy: { ...copy, offset } }
  }
  const end = isInPacket(base) ? packet.dataEnd() : undefined
  const list = { offset: field.offset, stride, length: layout.length, end, lock: values.lock }
  const element = {
    pointer: elementPointer(builder, pointer, { value: place, bits: width(index.type) }, list),
    present,
  }
  if (!isInPacket(base)) return element
  if (of.type.kind !== 'reference') throw new Error(`${of.op} is no header`)
  const part = partOf(builder, base, of.type.struct, field, place, stride)
  const inside: PacketReference = { ...base, ...element, part }
  return inside
}

function partOf(
  builder: Builder,
  base: PacketReference,
  struct: StructType,
  field: Field,
  index: Value,
  stride: number,
): PartOfHeader {
  const around = base.part ?? { header: base, struct, field, start: 0, more: undefined }
  const start = around.start + field.offset
  if (index.op === 'const') return { ...around, start: start + Number(index.value) * stride }
  if (stride % 2 === 0) return { ...around, start }
  const sum = around.more === undefined ? index : builder.emit({ op: 'alu', alu: 'add', bits: 32 }, around.more, index)
  return { ...around, start, more: sum }
}
