/** Tables, queues and cells: calls of the kernel's helpers, with keys and values on the stack. */
import type { Layout } from '../../isa/layout.ts'
import { F_LOCK, UPDATE } from '../../isa/opcodes.ts'
import { isLocked, type StructType, swapped as swappedKind, wholeLength } from '../../lang/index.ts'
import type { StackObject, Value } from '../ir.ts'
import { loadPieces, type Pieces, padding, plainParts, storePieces, swapped } from '../pieces.ts'
import type { Position, StructField, Typed } from '../typed.ts'
import type { Reference, Values } from './reference.ts'

type Node<Op extends Typed['op']> = Extract<Typed, { op: Op }>

const FLAGS = { set: UPDATE.any, add: UPDATE.noExist, replace: UPDATE.exist } as const

/** Zero where it was done, as helpers return it. */
export function stateCall(
  values: Values,
  node: Node<'set' | 'add' | 'replace' | 'delete' | 'push' | 'emit' | 'has'>,
): Value {
  const { builder } = values
  const { name, table } = node.table
  if (node.op === 'push' || node.op === 'emit' || node.op === 'has') {
    const given = record(values, node.value, table.value, `a value of \`${name}\``, node.at)
    const map = values.map(name)
    const none = builder.constant(0)
    // A Bloom filter looks at what it is given, where a queue would write.
    if (node.op === 'has') return builder.emit({ op: 'call', helper: 'map_peek_elem' }, map, given)
    if (node.op === 'push') return builder.emit({ op: 'call', helper: 'map_push_elem' }, map, given, none)
    return builder.emit({ op: 'call', helper: 'ringbuf_output' }, map, given, builder.constant(table.value.size), none)
  }
  const key = record(values, node.key, table.key, `the key of \`${name}\``, node.at)
  const value =
    node.op === 'delete' ? [] : [record(values, node.value, table.value, `the value of \`${name}\``, node.at)]
  const map = values.map(name)
  if (node.op === 'delete') return builder.emit({ op: 'call', helper: 'map_delete_elem' }, map, key)
  const flags = builder.constant(FLAGS[node.op] | (isLocked(table.kind) ? F_LOCK : 0))
  return builder.emit({ op: 'call', helper: 'map_update_elem' }, map, key, ...value, flags)
}

export function stateReference(values: Values, node: Node<'get' | 'cell' | 'pop' | 'peek'>): Reference {
  const { builder } = values
  const { name, table } = node.table
  switch (node.op) {
    case 'get': {
      const key = record(values, node.key, table.key, `the key of \`${name}\``, node.at)
      const map = values.map(name)
      const pointer =
        swappedKind(table.kind) === undefined
          ? builder.emit({ op: 'call', helper: 'map_lookup_elem' }, map, key)
          : lookInside(values, map, key, node.at)
      return { pointer, present: [{ comparison: 'ne', bits: 64, left: pointer, right: builder.constant(0) }] }
    }
    case 'cell':
      return { pointer: builder.emit({ op: 'mapValue', name: values.nameOf(name), offset: 0 }), present: [] }
    case 'pop':
    case 'peek':
      return taken(values, node)
  }
}

/** In a map of maps: none where there is no map in it. */
function lookInside(values: Values, map: Value, key: Value, at: Position): Value {
  const { builder } = values
  const place = builder.emit({ op: 'stack', object: { size: 4, align: 8, what: 'the place of a map', at } })
  builder.emit({ op: 'store', size: 4, offset: 0 }, place, builder.constant(0))
  const inner = builder.emit({ op: 'call', helper: 'map_lookup_elem' }, map, place)
  const [there, missing] = [builder.newBlock(), builder.newBlock()]
  builder.branch('ne', 64, inner, builder.constant(0), there, missing)
  const [pointer] = values.join(
    there,
    missing,
    () => [builder.emit({ op: 'call', helper: 'map_lookup_elem' }, inner, key)],
    // Null, and in the register that the other one comes in.
    () => [inner],
  )
  if (pointer === undefined) throw new Error('no pointer')
  return pointer
}

/** What a queue gave, in registers: the place on the stack that it was written to is soon used again. */
function taken(values: Values, node: Node<'pop' | 'peek'>): Reference {
  const { builder } = values
  const { name, table } = node.table
  const object: StackObject = { size: table.value.size, align: 8, what: `a value of \`${name}\``, at: node.at }
  const pointer = builder.emit({ op: 'stack', object })
  const map = values.map(name)
  const helper = node.op === 'pop' ? 'map_pop_elem' : 'map_peek_elem'
  const left = builder.emit({ op: 'call', helper }, map, pointer)
  // Where there is none, zeros were written.
  const load = (layout: Layout, offset: number): [number, Pieces][] =>
    layout.kind === 'list'
      ? Array.from({ length: layout.length }, (_, index) =>
          load(layout.element, offset + index * layout.element.size),
        ).flat()
      : [[offset, loadPieces(builder, pointer, { name: '', offset, layout }, 'constant')]]
  const parts = new Map(plainParts(table.value.layout).flatMap(({ layout, offset }) => load(layout, offset)))
  const present = [{ comparison: 'eq', bits: 64, left, right: builder.constant(0) }] as const
  return { pointer, present, copy: { parts, offset: 0 } }
}

/** A struct on the stack, every byte of it written: padding would be garbage to a hash, and the verifier says no. */
function record(values: Values, fields: readonly StructField[], struct: StructType, what: string, at: Position): Value {
  const { builder } = values
  const given = fields.map(({ field, value }) => ({ field, pieces: values.value(value) }))
  builder.at = at
  const object: StackObject = { size: struct.size, align: 8, what, at }
  const base = builder.emit({ op: 'stack', object })
  // In network order are the keys of LPM tries: before their fields is a length, and we ask with all bits.
  const isPrefix = struct.order === 'network'
  for (const { offset, size } of padding(struct))
    builder.emit(
      { op: 'store', size, offset },
      base,
      builder.constant(isPrefix && offset === 0 ? wholeLength(struct) : 0),
    )
  for (const { field, pieces } of given)
    storePieces(builder, base, field, isPrefix ? swapped(builder, field.layout, pieces) : pieces)
  return base
}
