/** State: what each kind of table can be asked, and the keys and values that are written out there. */
import { own } from '../../base/own.ts'
import { suggestion } from '../../base/suggest.ts'
import { LIMIT } from '../../isa/opcodes.ts'
import { isArray } from '../../isa/program.ts'
import { describe, isList, isLocked, mapKind, type StructType, swapped } from '../../lang/index.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { BOOL, type NamedTable, type StructField, type Typed, type ValueType } from '../typed.ts'
import { arity } from './call.ts'
import { coerce } from './convert.ts'
import { expression, value } from './expression.ts'
import { BLOOM, keylessMethod, RING, SEQUENCE } from './keyless.ts'
import { listFields } from './list.ts'
import { isStatic, type Scope } from './scope.ts'
import { spreadFields } from './spread.ts'
import { tableAsked } from './stale.ts'
import { typeOfDeclared } from './type.ts'

const KEYED = ['get', 'set', 'add', 'replace', 'delete'] as const

export function methodsOf({ table }: NamedTable): readonly string[] {
  switch (table.kind) {
    case 'queue':
    case 'stack':
      return SEQUENCE
    case 'ringbuf':
    case 'packet_ringbuf':
      return RING
    case 'bloom_filter':
      return BLOOM
    case 'cell':
      return ['get']
    default:
      return KEYED
  }
}

export const isOfCell = ({ table }: NamedTable, field: string): boolean =>
  table.kind === 'cell' && Object.hasOwn(table.value.fields, field)

/** A call of one of a table's methods. */
export function tableMethod(scope: Scope, node: Of<'call'>, named: NamedTable, method: string): Typed {
  switch (named.table.kind) {
    case 'queue':
    case 'stack':
    case 'ringbuf':
    case 'packet_ringbuf':
    case 'bloom_filter':
      return keylessMethod(scope, node, named, method as Parameters<typeof keylessMethod>[3])
    case 'cell':
      arity(scope, node, 0, 0, `write state.${named.name}.get()`)
      return {
        op: 'cell',
        table: named,
        type: entryOf(named, `the cell ${named.name}`, false),
        at: scope.at(node.span),
      }
    default:
      return keyed(scope, node, named, method as (typeof KEYED)[number])
  }
}

const entryOf = ({ name: of, table }: NamedTable, name: string, nullable: boolean): ValueType => ({
  kind: 'reference',
  table: of,
  struct: { ...table.value, name },
  ...(isLocked(table.kind) ? { space: 'locked', lock: describe(table).lock } : { space: 'table' }),
  nullable,
})

function keyed(scope: Scope, node: Of<'call'>, named: NamedTable, method: (typeof KEYED)[number]): Typed {
  const at = scope.at(node.span)
  const { name, table } = named
  const { key, value: entry, kind } = table
  if (kind === 'lpm_trie' && method !== 'get') throw prefixesAreGiven(scope, node, named, method)
  if (swapped(kind) !== undefined && method !== 'get')
    throw scope.unfit(
      node.span,
      `the entries of \`${name}\` are the control plane's, which may replace all of them at any time`,
      'what packets leave behind belongs in a table of its own',
    )
  const hasValue = method !== 'get' && method !== 'delete'
  const form = `write state.${name}.${method}(${shape(key)}${hasValue ? `, ${shape(entry)}` : ''})`
  arity(scope, node, hasValue ? 2 : 1, hasValue ? 2 : 1, form)
  const [first, second] = node.arguments as readonly [Expression, Expression]
  const stack = key.size + (hasValue ? entry.size : 0)
  if (stack > LIMIT.stack)
    throw scope.unfit(
      node.span,
      `key and value of \`${name}\` take ${stack} bytes of stack; the kernel allows ${LIMIT.stack}`,
      'make the value smaller in the schema, or split the table',
    )
  const fields = record(scope, first, key, form)
  if (method === 'get')
    return { op: 'get', table: named, key: fields, type: entryOf(named, `an entry of ${name}`, true), at }
  if (isArray(mapKind(kind)) && method !== 'set')
    throw scope.unfit(
      node.span,
      'entries of an array are always there',
      method === 'delete' ? 'set its fields to 0 instead' : `write state.${name}.set(…)`,
    )
  const value = method === 'delete' ? [] : record(scope, second, entry, form)
  tableAsked(scope, named, method, fields)
  if (method === 'delete') return { op: 'delete', table: named, key: fields, type: BOOL, at }
  return { op: method, table: named, key: fields, value, type: BOOL, at }
}

/** A data plane has no prefixes, only whole values: a route learned from a packet is an entry of a hash table. */
function prefixesAreGiven(scope: Scope, node: Of<'call'>, { name, table }: NamedTable, method: string) {
  const shown = `{ ${[...Object.keys(table.key.fields), 'length'].join(', ')} }`
  return scope.unfit(
    node.span,
    `the prefixes of \`${name}\` are the control plane's to ${method}`,
    `in control.ts: state.${name}.${method}(${shown}${method === 'delete' ? '' : `, ${shape(table.value)}`}); single values belong in a hash`,
  )
}

export const shape = (struct: StructType): string => `{ ${Object.keys(struct.fields).join(', ')} }`

/** A key or a value that was written out before: `const key = { … }`. */
function fromRecord(scope: Scope, node: Expression, struct: StructType, form: string): StructField[] {
  const given = node.kind === 'name' ? expression(scope, node) : undefined
  if (given === undefined || !isStatic(given) || given.static !== 'record')
    throw scope.unfit(node.span, `${definite(struct)} is written out here`, form)
  for (const name of given.fields.keys())
    if (!Object.hasOwn(struct.fields, name))
      throw scope.unfit(
        node.span,
        `${definite(struct)} has no \`${name}\``,
        suggestion(name, Object.keys(struct.fields)),
      )
  return struct.layout.fields.flatMap((field) => {
    const [type, one] = [struct.fields[field.name], given.fields.get(field.name)]
    if (type === undefined || one === undefined || isStatic(one))
      throw scope.unfit(node.span, `${definite(struct)} lacks \`${field.name}\``, form)
    return [{ field, value: coerce(scope, one, typeOfDeclared(type), node.span) }]
  })
}

/** A key or a value: every field once, in any order. */
export function record(scope: Scope, node: Expression, struct: StructType, form: string): StructField[] {
  if (node.kind !== 'record') return fromRecord(scope, node, struct, form)
  // In the order in which they are written: that is the order in which they are computed.
  const spread = node.fields.flatMap((one, index) =>
    one.spread === true ? spreadFields(scope, node, index, struct) : [],
  )
  const written = node.fields.filter(({ spread }) => spread !== true)
  const fields = written.flatMap((given, index) => {
    const { name, span } = given
    const type = own(struct.fields, name)
    const field = struct.layout.fields.find((one) => one.name === name)
    if (field === undefined || type === undefined)
      throw scope.unfit(span, `${definite(struct)} has no \`${name}\``, suggestion(name, Object.keys(struct.fields)))
    if (written.findIndex((one) => one.name === name) < index)
      throw scope.unfit(span, `${definite(struct)} is given \`${name}\` twice`, 'take one of them out')
    if (isList(type)) return listFields(scope, struct, field, type, given.value)
    return [{ field, value: coerce(scope, value(scope, given.value), typeOfDeclared(type), given.value.span) }]
  })
  for (const { name } of struct.layout.fields)
    if (!written.some((given) => given.name === name) && !spread.some(({ name: given }) => given === name))
      throw scope.unfit(node.span, `${definite(struct)} lacks \`${name}\``, form)
  return [...spread.flatMap(({ fields }) => fields), ...fields]
}

const definite = ({ name }: StructType): string => (name.startsWith('an ') ? name : `the ${name}`)
