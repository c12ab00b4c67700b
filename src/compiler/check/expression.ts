/** Expressions: names, fields and octets; operators are in arithmetic.ts and condition.ts. */
import { suggestion } from '../../base/suggest.ts'
import { addressOf, roleOf } from '../../lang/address.ts'
import { resolve } from '../modules.ts'
import { narrowExpression } from '../narrow/narrow.ts'
import type { Expression, Of, RecordField, Span } from '../narrow/tree.ts'
import { BOOL, nameOfType, type Typed, U32 } from '../typed.ts'
import { Wired } from '../wired.ts'
import { addressTyped } from './address.ts'
import { arithmetic, power, unary } from './arithmetic.ts'
import { call } from './call.ts'
import { compare, condition, conditional } from './condition.ts'
import { either } from './either.ts'
import { element } from './list.ts'
import { refuseUnlocked } from './lock.ts'
import { PACKET_METHODS } from './move.ts'
import { otherwise } from './optional.ts'
import { isRecord } from './record.ts'
import { Unfit } from './report.ts'
import { builtinsOf, type Checked, isStatic, ofOtherShape, Scope, Silent, type Static } from './scope.ts'
import { useReference } from './stale.ts'
import { isOfCell, methodsOf } from './table.ts'
import { typeOfDeclared } from './type.ts'

/** Checks an expression that must have a value at run time. */
export function value(scope: Scope, node: Expression): Typed {
  return carried(scope, expression(scope, node), node)
}

/** What was checked, as a value. */
export function carried(scope: Scope, checked: Checked, node: Expression): Typed {
  if (!isStatic(checked)) return checked
  const text = textOf(checked)
  throw scope.unfit(
    node.span,
    `${describeStatic(checked)} is not a value that a packet can carry`,
    text === undefined ? REMEDY[checked.static] : remedyOfText(text),
  )
}

const textOf = (checked: Static): string | undefined =>
  checked.static === 'host' && typeof checked.value === 'string' ? checked.value : undefined

/** Of an address that stands there as a text, the form that is one. */
function remedyOfText(text: string): string {
  const kind = ADDRESSES.find(([form]) => form.test(text))?.[1]
  return kind === undefined
    ? "texts are known now, and only compared: config.mode === 'strict'"
    : `write ${kind}('${text}')`
}

const ADDRESSES = [
  [/^\d+(\.\d+){3}$/, 'ipv4'],
  [/^[\da-f]{2}(:[\da-f]{2}){5}$/i, 'mac'],
  [/^[\da-f]*:[\da-f:.]*:[\da-f:.]*$/i, 'ipv6'],
  [/^[\da-f:.]+\/\d+$/i, 'prefix'],
] as const

const REMEDY: Readonly<Record<Static['static'], string>> = {
  packet: 'write packet.length, or packet.read(Ethernet)',
  context: 'take what you need out of it: { state, config, drop }',
  state: 'name a table: state.stations.get(…)',
  null: 'null can only be compared with',
  host: 'name one of its fields',
  record: 'name one of its fields',
  table: 'write .get({ … }), .set({ … }, { … }) or .delete({ … })',
  builtin: 'call it',
  method: 'call it',
  function: 'call it',
}

function describeStatic(checked: Static): string {
  switch (checked.static) {
    case 'host':
      return typeof checked.value === 'string' ? 'a text' : `\`${checked.name}\``
    case 'record':
      return 'a record'
    case 'table':
      return `the table \`${checked.table.name}\``
    case 'builtin':
    case 'method':
    case 'function':
      return `the function \`${checked.name}\``
    default:
      return checked.static === 'null' ? 'null' : `the ${checked.static}`
  }
}

/** Checks any expression. `object` stands in for the object of a member expression that has been checked already. */
export function expression(scope: Scope, node: Expression, object?: Static): Checked {
  const at = scope.at(node.span)
  switch (node.kind) {
    case 'number':
      return { op: 'constant', value: node.value, type: { kind: 'constant' }, at }
    case 'boolean':
      return { op: 'constant', value: node.value ? 1n : 0n, type: BOOL, at }
    case 'null':
      return { static: 'null', at }
    case 'text':
      return { static: 'host', value: node.value, name: `'${node.value}'`, at }
    case 'name':
      return name(scope, node)
    case 'member':
      return member(scope, node, object ?? expression(scope, node.object))
    case 'index':
      return indexed(scope, node, expression(scope, node.object))
    case 'call':
      return call(scope, node)
    case 'record':
      throw scope.unfit(
        node.span,
        'a record stands only for a key or a value of a table, or after const',
        'write state.table.set({ … }, { … }), or const key = { … }',
      )
    case 'elements':
      throw scope.unfit(
        node.span,
        'an array stands only for a list of a table, or after for … of',
        'declare a table in the schema: array({ value: { … }, entries: 16 })',
      )
    case 'optional':
      throw scope.unfit(node.span, 'this may be undefined', 'write x?.field ?? 0, or test x first')
    case 'not':
      return condition(scope, node).typed
    case 'and':
    case 'or':
      return either(scope, node)
    case 'compare':
      return compare(scope, node)
    case 'negate':
    case 'complement':
      return unary(scope, node)
    case 'binary':
      return arithmetic(scope, node)
    case 'power':
      return power(scope, node)
    case 'otherwise':
      return otherwise(scope, node)
    case 'conditional':
      return conditional(scope, node)
  }
}

export const declaredLater = (scope: Scope, { name, span }: Of<'name'>) =>
  scope.unfit(span, `\`${name}\` is used before it is declared`, `move its declaration up`)

/** The same where it is only asked whether a reference is null. */
export const tested = (scope: Scope, node: Expression): Checked =>
  node.kind === 'name' ? name(scope, node, true) : expression(scope, node)

function name(scope: Scope, node: Of<'name'>, isTest = false): Checked {
  const binding = scope.lookup(node.name)
  const at = scope.at(node.span)
  if (node.name === 'undefined')
    throw scope.unfit(
      node.span,
      'there is no undefined in a data plane',
      'write null; only what the configuration may leave out is compared with undefined',
    )
  if (binding?.kind === 'broken') throw new Silent()
  if (binding?.kind === 'later') throw declaredLater(scope, node)
  if (binding?.kind === 'static') return { ...binding.value, at }
  if (binding?.kind === 'alias') {
    useReference(scope, binding.typed, node.span)
    return { ...binding.typed, at }
  }
  if (binding?.kind === 'variable') {
    const typed: Typed = { op: 'variable', variable: binding.variable, type: binding.variable.type, at }
    useReference(scope, typed, node.span, isTest)
    return typed
  }
  const { modules } = scope.compilation
  const found = resolve(modules, scope.module, node.name)
  if (found === undefined)
    throw scope.unfit(
      node.span,
      `\`${node.name}\` is not known here`,
      scope.module.unusable.get(node.name) ??
        GLOBALS[node.name] ??
        suggestion(node.name, [
          ...scope.names(),
          ...scope.module.functions.keys(),
          ...scope.module.constants.keys(),
          ...scope.module.imports.keys(),
        ]),
    )
  if (found.kind === 'value') return host(scope, found.value, node.name, node.span)
  if (found.kind === 'function') return { static: 'function', module: found.module, name: found.name, at }
  // A constant that is not exported has no live value: it is computed from its text.
  const id = `${found.module.path}:const ${node.name}`
  const { diagnostics } = scope.compilation
  const before = diagnostics.length
  try {
    if (scope.callers.includes(id)) throw new Silent()
    const inner = new Scope(scope.compilation, found.module, node.name, [...scope.callers, id])
    const constant = known(inner, narrowExpression(found.module, found.syntax), node.name)
    if (isStatic(constant) ? constant.static === 'host' : isKnown(constant)) return { ...constant, at }
  } catch (error) {
    if (!(error instanceof Unfit || error instanceof Silent)) throw error
    if (error instanceof Unfit && found.syntax.type === 'Literal')
      throw scope.unfit(node.span, `\`${node.name}\`: ${error.diagnostic.message}`, error.diagnostic.remedy)
  }
  // What it calls is no data plane, and no fault is to be found with it.
  diagnostics.length = before
  throw scope.unfit(
    node.span,
    `\`${node.name}\` has no value that is known here`,
    found.syntax.type === 'NewExpression' ? NO_HEAP : `write export const ${node.name} = …`,
  )
}

const MATH = 'call Math.min, Math.max, Math.abs, Math.floor or Math.trunc'
const NO_TEXT = 'nothing is printed in a kernel: count it in a table, or emit an event'
const NO_HEAP = 'there is no heap; keep state in a table of the schema'

/** What JavaScript has everywhere, and what a data plane does instead. */
const GLOBALS: Readonly<Record<string, string>> = {
  console: NO_TEXT,
  Math: MATH,
  Date: 'write now(): nanoseconds since the machine started',
  performance: 'write now(): nanoseconds since the machine started',
  Number: 'convert with u8(…), u16(…), u32(…) or u64(…)',
  BigInt: 'convert with u64(…): numbers have 64 bits here',
  Boolean: 'write x !== 0',
  Array: NO_HEAP,
  Object: NO_HEAP,
  Map: NO_HEAP,
  Set: NO_HEAP,
}

/** A live value that keeps others. */
const isHeap = (value: unknown): boolean =>
  value instanceof Map || value instanceof Set || value instanceof WeakMap || value instanceof WeakSet

const isKnown = ({ op }: Typed): boolean => op === 'constant' || op === 'address'

/** The value of a module's constant: arrays and objects of constants are as live as those of the configuration. */
function known(scope: Scope, node: Expression, name: string): Checked {
  if (node.kind !== 'elements' && node.kind !== 'record') return expression(scope, node)
  const value =
    node.kind === 'elements'
      ? node.elements.map((one) => liveValue(scope, one))
      : Object.fromEntries(node.fields.flatMap((field) => liveFields(scope, field)))
  return { static: 'host', value, name, at: scope.at(node.span) }
}

function liveFields(scope: Scope, { name, value, spread }: RecordField): [string, unknown][] {
  const live = liveValue(scope, value)
  if (spread !== true) return [[name, live]]
  if (typeof live === 'object' && live !== null) return Object.entries(live)
  throw scope.unfit(value.span, 'this has no fields that are known here', 'write them out')
}

function liveValue(scope: Scope, node: Expression): unknown {
  const checked = known(scope, node, '')
  if (isStatic(checked) && checked.static === 'host') return checked.value
  if (!isStatic(checked) && checked.op === 'constant')
    return checked.type.kind === 'bool' ? checked.value !== 0n : checked.value
  if (!isStatic(checked) && checked.op === 'address' && checked.type.kind === 'address' && checked.type.role !== 'raw')
    return addressOf(checked.type.role, checked.octets)
  throw scope.unfit(node.span, 'this has no value that is known here', 'export the constant')
}

/** A live JavaScript value: numbers and booleans are constants, the rest is for looking into. */
export function host(scope: Scope, given: unknown, name: string, span: Span): Checked {
  const at = scope.at(span)
  if (typeof given === 'boolean') return { op: 'constant', value: given ? 1n : 0n, type: BOOL, at }
  if (typeof given === 'bigint') return { op: 'constant', value: given, type: { kind: 'constant' }, at }
  if (given instanceof Wired) return { op: 'wired', wired: given, type: { kind: 'constant' }, at }
  const role = roleOf(given)
  if (role !== undefined) return addressTyped(scope, span, role, given as readonly number[])
  if (typeof given !== 'number') return { static: 'host', value: given, name, at }
  if (!Number.isInteger(given))
    throw scope.unfit(
      span,
      `\`${name}\` is ${given}, a fraction; there are no floats in the kernel`,
      'count in a smaller unit',
    )
  return { op: 'constant', value: BigInt(given), type: { kind: 'constant' }, at }
}

export function member(scope: Scope, node: Of<'member'>, object: Checked): Checked {
  const { property, propertySpan } = node
  const at = scope.at(node.span)
  if (!isStatic(object)) {
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
            ? 'take an octet: address[0], or address.at(0)'
            : 'only headers and table entries have fields',
      )
    refuseUnlocked(scope, object, node.span)
    const { struct } = object.type
    const type = struct.fields[property]
    const field = struct.layout.fields.find((one) => one.name === property)
    if (field === undefined || type === undefined) throw unknown(scope, node, struct.name, Object.keys(struct.fields))
    return { op: 'field', base: present(scope, object, node.object), field, struct, type: typeOfDeclared(type), at }
  }
  switch (object.static) {
    case 'packet':
      if (property === 'length') return { op: 'length', type: U32, at }
      if (property === 'vlan') return { op: 'vlan', type: { kind: 'int', bits: 16, signed: false }, at }
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
    case 'host': {
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
    default:
      throw scope.unfit(node.span, `${describeStatic(object)} has no fields`, REMEDY[object.static])
  }
}

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
