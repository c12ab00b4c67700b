/** Fields: those of headers and entries, and what there is by name in everything else. */
import { suggestion } from '../../base/suggest.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { nameOfType, type Typed, U16, U32 } from '../typed.ts'
import { describeStatic, REMEDY } from './expression.ts'
import { refuseUnlocked } from './lock.ts'
import { PACKET_METHODS } from './move.ts'
import { host, NO_HEAP } from './name.ts'
import { isRecord } from './record.ts'
import type { Unfit } from './report.ts'
import { builtinsOf, type Checked, isStatic, ofOtherShape, type Scope, Silent, type Static } from './scope.ts'
import { isOfCell, methodsOf } from './table.ts'
import { typeOfDeclared } from './type.ts'

export const member = (scope: Scope, node: Of<'member'>, object: Checked): Checked =>
  isStatic(object) ? staticMember(scope, node, object) : valueMember(scope, node, object)

function valueMember(scope: Scope, node: Of<'member'>, object: Typed): Checked {
  const { property, propertySpan } = node
  const at = scope.at(node.span)
  if (object.type.kind === 'list') return listMember(scope, node, object)
  if (object.type.kind === 'address' && property === 'at') return { static: 'method', of: object, name: 'at', at }
  if (isRecord(object))
    throw scope.unfit(
      node.object.span,
      'a record is taken apart where it is returned',
      'keep it first: const { … } = …',
    )
  if (object.type.kind !== 'reference')
    throw scope.unfit(
      propertySpan,
      `${nameOfType(object.type)} has no fields`,
      object.type.kind === 'bool'
        ? 'keep what may be null instead: const tcp = isTcp ? packet.read(Tcp, 34) : null'
        : object.type.kind === 'address'
          ? "take an octet, address[0], or compare its beginning: contains(prefix('10.0.0.0/8'), address)"
          : 'only headers and table entries have fields',
    )
  refuseUnlocked(scope, object, node.span)
  const { struct } = object.type
  const type = struct.fields[property]
  const field = struct.layout.fields.find((one) => one.name === property)
  if (field === undefined || type === undefined) throw unknown(scope, node, struct.name, Object.keys(struct.fields))
  return { op: 'field', base: present(scope, object, node.object), field, struct, type: typeOfDeclared(type), at }
}

function listMember(scope: Scope, node: Of<'member'>, list: Typed): Checked {
  if (list.type.kind !== 'list') throw new Error(`${list.op} is no list`)
  const at = scope.at(node.span)
  if (node.property === 'length')
    return { op: 'constant', value: BigInt(list.type.list.length), type: { kind: 'constant' }, at }
  if (node.property === 'at') return { static: 'method', of: list, name: 'at', at }
  throw scope.unfit(
    node.propertySpan,
    `${nameOfType(list.type)} has no \`${node.property}\``,
    suggestion(node.property, ['length', 'at']),
  )
}

function staticMember(scope: Scope, node: Of<'member'>, object: Static): Checked {
  const { property, propertySpan } = node
  const at = scope.at(node.span)
  switch (object.static) {
    case 'packet':
      if (property === 'length') return { op: 'length', type: U32, at }
      if (property === 'vlan') return { op: 'vlan', type: U16, at }
      if (property === 'segmentSize') return { op: 'segmentSize', type: U32, at }
      if (PACKET_METHODS.includes(property)) return { static: 'method', of: 'packet', name: property, at }
      throw unknown(scope, node, 'the packet', ['length', 'vlan', 'segmentSize', ...PACKET_METHODS])
    case 'context': {
      if (property === 'state') return { static: 'state', at }
      const { cube } = scope.compilation
      const own = cube.shape === 'transparent' ? 'direction' : 'port'
      if (property === 'config' || property === own)
        return { static: 'host', value: scope.compilation[property], name: property, at }
      const builtin = builtinsOf(cube).find((one) => one === property)
      const remedy = ofOtherShape(cube, property)
      if (remedy !== undefined) throw scope.unfit(propertySpan, `\`${cube.name}\` has no \`${property}\``, remedy)
      if (builtin === undefined)
        throw unknown(scope, node, 'the context', ['state', 'config', own, ...builtinsOf(cube)])
      return { static: 'builtin', name: builtin, at }
    }
    case 'state': {
      const { state } = scope.compilation.cube
      const table = state[property]
      if (table === undefined || !Object.hasOwn(state, property))
        throw unknown(scope, node, 'the state', Object.keys(state))
      return { static: 'table', table: { name: property, table }, at }
    }
    case 'record': {
      const found = object.fields.get(property)
      if (found === undefined) throw unknown(scope, node, 'the record', object.fields.keys())
      return { ...found, at }
    }
    case 'table':
      if (isOfCell(object.table, property))
        throw scope.unfit(
          node.span,
          `\`${property}\` is a field of what the cell holds`,
          `write state.${object.table.name}.get().${property}`,
        )
      if (!methodsOf(object.table).includes(property))
        throw unknown(scope, node, `the table \`${object.table.name}\``, methodsOf(object.table))
      return { static: 'method', of: object.table, name: property, at }
    case 'host':
      return hostMember(scope, node, object)
    default:
      throw scope.unfit(node.span, `${describeStatic(object)} has no fields`, REMEDY[object.static])
  }
}

function hostMember(scope: Scope, node: Of<'member'>, object: Extract<Static, { static: 'host' }>): Checked {
  const { property } = node
  const holder = object.value
  const holds = (typeof holder === 'object' || typeof holder === 'function') && holder !== null
  // Nothing is run here, getters included: only what simply lies there can be meant.
  const found = holds ? Object.getOwnPropertyDescriptor(holder, property) : undefined
  const nothing = found === undefined || found.value === undefined || found.value === null
  if (nothing && scope.unreached) throw new Silent()
  if (found === undefined || !('value' in found))
    throw isHeap(holder)
      ? scope.unfit(node.span, `\`${object.name}\` is no value that a packet can meet`, NO_HEAP)
      : lacking(scope, node, object.name, holds ? Object.keys(holder) : [])
  return host(scope, found.value, `${object.name}.${property}`, node.span)
}

/** A live value that keeps others. */
const isHeap = (value: unknown): boolean =>
  value instanceof Map || value instanceof Set || value instanceof WeakMap || value instanceof WeakSet

const unknown = (
  scope: Scope,
  { property, propertySpan }: Of<'member'>,
  what: string,
  known: Iterable<string>,
): Unfit => scope.unfit(propertySpan, `${what} has no \`${property}\``, suggestion(property, known))

function lacking(
  scope: Scope,
  { property, propertySpan }: Of<'member'>,
  name: string,
  known: readonly string[],
): Unfit {
  const remedy = suggestion(property, known)
  // A record of a list of the configuration, which others of that list may have more in.
  const isRecord = name.endsWith(']') && !remedy.startsWith('did')
  const others = `; where it may be left out, test first: if (x.${property} !== undefined) …`
  return scope.unfit(propertySpan, `\`${name}\` has no \`${property}\``, isRecord ? `${remedy}${others}` : remedy)
}

const WHY_NULL = {
  packet: (name: string) => `the packet may end before ${name}`,
  table: () => 'there may be no such entry',
  locked: () => 'there may be no such entry',
  copy: () => 'there may be none',
} as const

/** A reference that is known not to be null here. */
export function present(scope: Scope, base: Typed, node: Expression): Typed {
  if (base.type.kind !== 'reference' || !base.type.nullable) return base
  if (base.op === 'variable' && (scope.lenient || scope.nonNull.has(base.variable))) return base
  const why = WHY_NULL[base.type.space](base.type.struct.name)
  if (base.op !== 'variable')
    throw scope.unfit(node.span, `this may be null: ${why}`, `keep it and test it first: const x = …; if (!x) return …`)
  const { name } = base.variable
  throw scope.unfit(node.span, `\`${name}\` may be null: ${why}`, `test it first: if (!${name}) return …`)
}
