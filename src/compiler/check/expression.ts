/** Expressions: each kind is checked in a file of its own. */
import type { Expression } from '../narrow/tree.ts'
import { BOOL, type Typed } from '../typed.ts'
import { arithmetic, power, unary } from './arithmetic.ts'
import { call } from './call.ts'
import { compare, condition, conditional } from './condition.ts'
import { either } from './either.ts'
import { indexed } from './indexed.ts'
import { member } from './member.ts'
import { name } from './name.ts'
import { otherwise } from './optional.ts'
import { type Checked, isStatic, type Scope, type Static } from './scope.ts'

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

export const REMEDY: Readonly<Record<Static['static'], string>> = {
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

export function describeStatic(checked: Static): string {
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

/** Checks any expression. */
export function expression(scope: Scope, node: Expression): Checked {
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
      return member(scope, node, expression(scope, node.object))
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
