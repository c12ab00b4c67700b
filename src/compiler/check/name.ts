/** What names stand for, and values that are known when a data plane is compiled. */
import { suggestion } from '../../base/suggest.ts'
import { addressOf, roleOf } from '../../lang/address.ts'
import { type Resolved, resolve } from '../modules.ts'
import { narrowExpression } from '../narrow/narrow.ts'
import type { Expression, Of, RecordField, Span } from '../narrow/tree.ts'
import { BOOL, type Typed } from '../typed.ts'
import { Wired } from '../wired.ts'
import { addressTyped } from './address.ts'
import { expression } from './expression.ts'
import { Unfit } from './report.ts'
import { type Checked, isStatic, Scope, Silent } from './scope.ts'
import { useReference } from './stale.ts'

/** `isTest`: it is only asked whether a reference is null. */
export function name(scope: Scope, node: Of<'name'>, isTest = false): Checked {
  const binding = scope.lookup(node.name)
  const at = scope.at(node.span)
  if (node.name === 'undefined')
    throw scope.unfit(
      node.span,
      'there is no undefined in a data plane',
      'write null; only what the configuration may leave out is compared with undefined',
    )
  switch (binding?.kind) {
    case 'broken':
      throw new Silent()
    case 'later':
      throw declaredLater(scope, node)
    case 'static':
      return { ...binding.value, at }
    case 'alias':
      useReference(scope, binding.typed, node.span)
      return { ...binding.typed, at }
    case 'variable': {
      const typed: Typed = { op: 'variable', variable: binding.variable, type: binding.variable.type, at }
      useReference(scope, typed, node.span, isTest)
      return typed
    }
    case undefined:
      return nameOfModule(scope, node)
  }
}

/** Any expression, of which it is only asked whether it is null. */
export const tested = (scope: Scope, node: Expression): Checked =>
  node.kind === 'name' ? name(scope, node, true) : expression(scope, node)

export const declaredLater = (scope: Scope, { name, span }: Of<'name'>) =>
  scope.unfit(span, `\`${name}\` is used before it is declared`, `move its declaration up`)

function nameOfModule(scope: Scope, node: Of<'name'>): Checked {
  const found = resolve(scope.compilation.modules, scope.module, node.name)
  switch (found?.kind) {
    case 'value':
      return host(scope, found.value, node.name, node.span)
    case 'function':
      return { static: 'function', module: found.module, name: found.name, at: scope.at(node.span) }
    case 'constant':
      return unexported(scope, node, found)
    case undefined: {
      const { functions, constants, imports } = scope.module
      const names = [...scope.names(), ...functions.keys(), ...constants.keys(), ...imports.keys()]
      throw scope.unfit(
        node.span,
        `\`${node.name}\` is not known here`,
        scope.module.unusable.get(node.name) ?? GLOBALS[node.name] ?? suggestion(node.name, names),
      )
    }
  }
}

/** A constant that is not exported has no live value: it is computed from its text. */
function unexported(
  scope: Scope,
  { name, span }: Of<'name'>,
  { module, syntax }: Extract<Resolved, { kind: 'constant' }>,
): Checked {
  const id = `${module.path}:const ${name}`
  const { diagnostics } = scope.compilation
  const before = diagnostics.length
  try {
    if (scope.callers.includes(id)) throw new Silent()
    const inner = new Scope(scope.compilation, module, name, [...scope.callers, id])
    const constant = known(inner, narrowExpression(module, syntax), name)
    if (isStatic(constant) ? constant.static === 'host' : isKnown(constant)) return { ...constant, at: scope.at(span) }
  } catch (error) {
    if (!(error instanceof Unfit || error instanceof Silent)) throw error
    if (error instanceof Unfit && syntax.type === 'Literal')
      throw scope.unfit(span, `\`${name}\`: ${error.diagnostic.message}`, error.diagnostic.remedy)
  }
  // What it calls is no data plane, and no fault is to be found with it.
  diagnostics.length = before
  const remedy = syntax.type === 'NewExpression' ? NO_HEAP : `write export const ${name} = …`
  throw scope.unfit(span, `\`${name}\` has no value that is known here`, remedy)
}

const MATH = 'call Math.min, Math.max, Math.abs, Math.floor or Math.trunc'
const NO_TEXT = 'nothing is printed in a kernel: count it in a table, or emit an event'
export const NO_HEAP = 'there is no heap; keep state in a table of the schema'

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
