/** Expressions: names, fields, arithmetic, comparisons, and what a condition proves about nullable references. */
import { suggestion } from '../base/suggest.ts'
import type { Field } from '../isa/layout.ts'
import { isStruct, isType, type StructType } from '../lang/index.ts'
import { typeOfDeclared } from './check.ts'
import { call } from './check-call.ts'
import { foldArithmetic, foldCompare } from './fold.ts'
import { resolve } from './modules.ts'
import { narrowExpression } from './narrow.ts'
import { Unfit } from './report.ts'
import { BUILTINS, type Checked, isStatic, Scope, Silent, type Static } from './scope.ts'
import type { BinaryOperator, CompareOperator, Expression, Span } from './tree.ts'
import {
  BOOL,
  type IntType,
  nameOfType,
  rangeOf,
  type Typed,
  U32,
  type ValueType,
  type Variable,
  wrap,
} from './typed.ts'

type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>

/** Checks an expression that must have a value at run time. */
export function value(scope: Scope, node: Expression): Typed {
  return carried(scope, expression(scope, node), node)
}

function carried(scope: Scope, checked: Checked, node: Expression): Typed {
  if (!isStatic(checked)) return checked
  throw scope.unfit(
    node.span,
    `${describeStatic(checked)} is not a value that a packet can carry`,
    REMEDY[checked.static],
  )
}

const REMEDY: Readonly<Record<Static['static'], string>> = {
  packet: 'write packet.length, or packet.read(Ethernet)',
  context: 'take what you need out of it: { state, config, drop }',
  state: 'name a table: state.stations.get(…)',
  null: 'null can only be compared with',
  host: 'name one of its fields',
  table: 'write .get({ … }), .set({ … }, { … }) or .delete({ … })',
  builtin: 'call it',
  method: 'call it',
  function: 'call it',
}

function describeStatic(checked: Static): string {
  switch (checked.static) {
    case 'host':
      return typeof checked.value === 'string' ? 'a text' : `\`${checked.name}\``
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
      return index(scope, node)
    case 'call':
      return call(scope, node)
    case 'record':
      throw scope.unfit(
        node.span,
        'a record stands only for a key or a value of a table',
        'write state.table.set({ … }, { … })',
      )
    case 'not':
    case 'and':
    case 'or':
      return condition(scope, node).typed
    case 'compare':
      return compare(scope, node)
    case 'negate':
    case 'complement':
      return unary(scope, node)
    case 'binary':
      return arithmetic(scope, node)
    case 'conditional':
      return conditional(scope, node)
  }
}

export const declaredLater = (scope: Scope, { name, span }: Of<'name'>) =>
  scope.unfit(span, `\`${name}\` is used before it is declared`, `move its declaration up`)

function name(scope: Scope, node: Of<'name'>): Checked {
  const binding = scope.lookup(node.name)
  const at = scope.at(node.span)
  if (binding?.kind === 'broken') throw new Silent()
  if (binding?.kind === 'later') throw declaredLater(scope, node)
  if (binding?.kind === 'static') return { ...binding.value, at }
  if (binding?.kind === 'variable')
    return { op: 'variable', variable: binding.variable, type: binding.variable.type, at }
  const { modules } = scope.compilation
  const found = resolve(modules, scope.module, node.name)
  if (found === undefined)
    throw scope.unfit(
      node.span,
      `\`${node.name}\` is not known here`,
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
  try {
    if (scope.callers.includes(id)) throw new Silent()
    const inner = new Scope(scope.compilation, found.module, node.name, [...scope.callers, id])
    const constant = expression(inner, narrowExpression(found.module, found.syntax))
    if (isStatic(constant) ? constant.static === 'host' : constant.op === 'constant') return { ...constant, at }
  } catch (error) {
    if (!(error instanceof Unfit || error instanceof Silent)) throw error
    if (error instanceof Unfit && found.syntax.type === 'Literal')
      throw scope.unfit(node.span, `\`${node.name}\`: ${error.diagnostic.message}`, error.diagnostic.remedy)
  }
  throw scope.unfit(
    node.span,
    `\`${node.name}\` has no value that is known here`,
    `write export const ${node.name} = …`,
  )
}

/** A live JavaScript value: numbers and booleans are constants, the rest is for looking into. */
function host(scope: Scope, given: unknown, name: string, span: Span): Checked {
  const at = scope.at(span)
  if (typeof given === 'boolean') return { op: 'constant', value: given ? 1n : 0n, type: BOOL, at }
  if (typeof given === 'bigint') return { op: 'constant', value: given, type: { kind: 'constant' }, at }
  if (typeof given !== 'number') return { static: 'host', value: given, name, at }
  if (!Number.isInteger(given))
    throw scope.unfit(
      span,
      `\`${name}\` is ${given}, a fraction; there are no floats in the kernel`,
      'count in a smaller unit',
    )
  return { op: 'constant', value: BigInt(given), type: { kind: 'constant' }, at }
}

function member(scope: Scope, node: Of<'member'>, object: Checked): Checked {
  const { property, propertySpan } = node
  const at = scope.at(node.span)
  const unknown = (what: string, known: Iterable<string>) =>
    scope.unfit(propertySpan, `${what} has no \`${property}\``, suggestion(property, known))
  if (!isStatic(object)) {
    if (object.type.kind !== 'reference')
      throw scope.unfit(
        propertySpan,
        `${nameOfType(object.type)} has no fields`,
        'only headers and table entries have fields',
      )
    const { struct } = object.type
    const type = struct.fields[property]
    const field = struct.layout.fields.find((one) => one.name === property)
    if (field === undefined || type === undefined) throw unknown(struct.name, Object.keys(struct.fields))
    return { op: 'field', base: present(scope, object, node.object), field, struct, type: typeOfDeclared(type), at }
  }
  switch (object.static) {
    case 'packet':
      if (property === 'length') return { op: 'length', type: U32, at }
      if (property === 'vlan') return { op: 'vlan', type: { kind: 'int', bits: 16, signed: false }, at }
      if (property === 'read') return { static: 'method', of: 'packet', name: property, at }
      throw unknown('the packet', ['length', 'vlan', 'read'])
    case 'context': {
      if (property === 'state') return { static: 'state', at }
      if (property === 'config' || property === 'port')
        return { static: 'host', value: scope.compilation[property], name: property, at }
      const builtin = BUILTINS.find((one) => one === property)
      if (builtin === undefined) throw unknown('the context', ['state', 'config', 'port', ...BUILTINS])
      return { static: 'builtin', name: builtin, at }
    }
    case 'state': {
      const { state } = scope.compilation.cube
      const table = state[property]
      if (table === undefined || !Object.hasOwn(state, property)) throw unknown('the state', Object.keys(state))
      return { static: 'table', table: { name: property, table }, at }
    }
    case 'table':
      if (!['get', 'set', 'delete'].includes(property))
        throw unknown(`the table \`${object.table.name}\``, ['get', 'set', 'delete'])
      return { static: 'method', of: object.table, name: property, at }
    case 'host': {
      const holder = object.value
      const holds = (typeof holder === 'object' || typeof holder === 'function') && holder !== null
      // Nothing is run here, getters included: only what simply lies there can be meant.
      const found = holds ? Object.getOwnPropertyDescriptor(holder, property) : undefined
      if (found === undefined || !('value' in found))
        throw unknown(`\`${object.name}\``, holds ? Object.keys(holder) : [])
      return host(scope, found.value, `${object.name}.${property}`, node.span)
    }
    default:
      throw scope.unfit(node.span, `${describeStatic(object)} has no fields`, REMEDY[object.static])
  }
}

/** A reference that is known not to be null here. */
function present(scope: Scope, base: Typed, node: Expression): Typed {
  if (base.type.kind !== 'reference' || !base.type.nullable) return base
  if (base.op === 'variable' && (scope.lenient || scope.nonNull.has(base.variable))) return base
  const why =
    base.type.space === 'packet' ? `the packet may end before ${base.type.struct.name}` : 'there may be no such entry'
  if (base.op !== 'variable')
    throw scope.unfit(node.span, `this may be null: ${why}`, `keep it and test it first: const x = …; if (!x) return …`)
  const { name } = base.variable
  throw scope.unfit(node.span, `\`${name}\` may be null: ${why}`, `test it first: if (!${name}) return …`)
}

function index(scope: Scope, node: Of<'index'>): Checked {
  const object = value(scope, node.object)
  const at = scope.at(node.span)
  if (object.type.kind !== 'address')
    throw scope.unfit(node.span, `${nameOfType(object.type)} has no elements`, 'only addresses have: address[0]')
  const place = value(scope, node.index)
  const size = { mac: 6, ipv4: 4, ipv6: 16, raw: 0 }[object.type.role]
  if (place.op !== 'constant' || place.value < 0n || place.value >= BigInt(size))
    throw scope.unfit(
      node.index.span,
      `an octet of ${object.type.role} is chosen by a constant from 0 to ${size - 1}`,
      'write address[0]',
    )
  return { op: 'byte', base: object, index: Number(place.value), type: { kind: 'int', bits: 8, signed: false }, at }
}

function unary(scope: Scope, node: Of<'negate' | 'complement'>): Typed {
  const operand = integer(scope, node.operand)
  const at = scope.at(node.span)
  if (operand.op === 'constant') {
    const folded = node.kind === 'negate' ? -operand.value : ~operand.value
    if (operand.type.kind !== 'int') return { ...operand, value: folded, at }
    const type = promoted(operand.type)
    return { ...operand, value: wrap(type, folded), type, at }
  }
  const type = promoted(operand.type as IntType)
  return { op: node.kind, operand: convert(operand, type), type, at }
}

/** An operand of arithmetic. */
function integer(scope: Scope, node: Expression): Typed {
  const typed = value(scope, node)
  if (typed.type.kind === 'int' || typed.type.kind === 'constant') return typed
  const remedy = typed.type.kind === 'bool' ? 'write x ? 1 : 0' : 'compute with its fields'
  throw scope.unfit(node.span, `${nameOfType(typed.type)} is not an integer`, remedy)
}

/** Integers of up to 32 bits are computed with in 32, wider ones in 64. */
const promoted = ({ bits, signed }: IntType): IntType => ({
  kind: 'int',
  bits: bits === 64 ? 64 : 32,
  signed: bits < 32 ? false : signed,
})

/** The type that two operands are computed in. */
function common(scope: Scope, left: Typed, right: Typed, span: Span): IntType {
  if (left.type.kind === 'int' && right.type.kind === 'int') {
    const [a, b] = [promoted(left.type), promoted(right.type)]
    if (a.signed !== b.signed && left.type.bits >= 32 && right.type.bits >= 32)
      throw scope.unfit(
        span,
        `${nameOfType(left.type)} meets ${nameOfType(right.type)}`,
        'convert one of them: i64(x) or u64(x)',
      )
    return { kind: 'int', bits: a.bits === 64 || b.bits === 64 ? 64 : 32, signed: a.signed || b.signed }
  }
  const [typed, constant] = left.type.kind === 'int' ? [left, right] : [right, left]
  const type = promoted(typed.type as IntType)
  const [least, most] = rangeOf(type)
  const known = constant.op === 'constant' ? constant.value : 0n
  if (known >= least && known <= most) return type
  const wide: IntType = { kind: 'int', bits: 64, signed: type.signed }
  const [wideLeast, wideMost] = rangeOf(wide)
  if (known >= wideLeast && known <= wideMost) return wide
  throw scope.unfit(
    span,
    `${known} does not fit into ${nameOfType(type)}`,
    known < 0n ? 'subtract instead, or convert to i64(…)' : 'u64 is the widest',
  )
}

function arithmetic(scope: Scope, node: Of<'binary'>): Typed {
  const left = integer(scope, node.left)
  const right = integer(scope, node.right)
  return arithmeticOn(scope, node.operator, left, right, node.span)
}

function arithmeticOn(scope: Scope, operator: BinaryOperator, left: Typed, right: Typed, span: Span): Typed {
  const at = scope.at(span)
  if (
    left.op === 'constant' &&
    right.op === 'constant' &&
    left.type.kind === 'constant' &&
    right.type.kind === 'constant'
  ) {
    const folded = foldArithmetic(operator, left.value, right.value)
    if (folded === undefined)
      throw scope.unfit(
        span,
        'this cannot be computed',
        operator === '/' || operator === '%'
          ? 'divide by something else than 0'
          : 'shift by 0 to 63; >>> takes no negative number',
      )
    return { op: 'constant', value: folded, type: { kind: 'constant' }, at }
  }
  // A shift has the type of what is shifted; how far is a matter of its own.
  const shift = operator === '<<' || operator === '>>' || operator === '>>>'
  const type = shift && left.type.kind === 'int' ? promoted(left.type) : common(scope, left, right, span)
  if (shift && right.op === 'constant' && (right.value < 0n || right.value >= BigInt(type.bits)))
    throw scope.unfit(
      span,
      `a shift of ${nameOfType(type)} by ${right.value}`,
      `shift by 0 to ${type.bits - 1}; for more, convert first: u64(x) << 40`,
    )
  if ((operator === '/' || operator === '%') && right.op === 'constant' && right.value === 0n)
    throw scope.unfit(span, 'a division by 0', 'divide by something else')
  return { op: 'arithmetic', operator, left: convert(left, type), right: convert(right, type), type, at }
}

function compare(scope: Scope, node: Of<'compare'>): Typed {
  const at = scope.at(node.span)
  const equality = node.operator === '===' || node.operator === '!=='
  const left = expression(scope, node.left)
  const right = expression(scope, node.right)
  if (isStatic(left) && isStatic(right) && left.static === 'host' && right.static === 'host' && equality)
    return {
      op: 'constant',
      value: (left.value === right.value) === (node.operator === '===') ? 1n : 0n,
      type: BOOL,
      at,
    }
  const nulls = [left, right].filter((side) => isStatic(side) && side.static === 'null')
  const other = [left, right].find((side): side is Typed => !isStatic(side))
  if (nulls.length === 1 && other !== undefined && equality) {
    if (other.type.kind !== 'reference')
      throw scope.unfit(node.span, `${nameOfType(other.type)} is never null`, 'compare it with a number')
    const isNull: Typed = { op: 'isNull', operand: other, type: BOOL, at }
    return node.operator === '===' ? isNull : { op: 'not', operand: isNull, type: BOOL, at }
  }
  return compareValues(
    scope,
    node.operator,
    carried(scope, left, node.left),
    carried(scope, right, node.right),
    node.span,
  )
}

function compareValues(scope: Scope, operator: CompareOperator, left: Typed, right: Typed, span: Span): Typed {
  const at = scope.at(span)
  const equality = operator === '===' || operator === '!=='
  if (left.op === 'constant' && right.op === 'constant' && left.type.kind === right.type.kind)
    return { op: 'constant', value: foldCompare(operator, left.value, right.value) ? 1n : 0n, type: BOOL, at }
  const numbers = [left, right].every(({ type }) => type.kind === 'int' || type.kind === 'constant')
  if (numbers) {
    const type = common(scope, left, right, span)
    return { op: 'compare', operator, left: convert(left, type), right: convert(right, type), type: BOOL, at }
  }
  const alike =
    (left.type.kind === 'bool' && right.type.kind === 'bool') ||
    (left.type.kind === 'address' && right.type.kind === 'address' && left.type.role === right.type.role)
  if (!alike)
    throw scope.unfit(
      span,
      `${nameOfType(left.type)} is compared with ${nameOfType(right.type)}`,
      'compare values of one type',
    )
  if (!equality) throw scope.unfit(span, `${nameOfType(left.type)} has no order`, 'compare with === or !==')
  return { op: 'compare', operator, left, right, type: BOOL, at }
}

function conditional(scope: Scope, node: Of<'conditional'>): Typed {
  const test = condition(scope, node.test)
  const before = scope.nonNull
  scope.nonNull = new Set([...before, ...test.whenTrue])
  const whenTrue = value(scope, node.whenTrue)
  scope.nonNull = new Set([...before, ...test.whenFalse])
  const whenFalse = value(scope, node.whenFalse)
  scope.nonNull = before
  const at = scope.at(node.span)
  const [a, b] = [whenTrue.type, whenFalse.type]
  if (a.kind === 'reference' || b.kind === 'reference')
    throw scope.unfit(node.span, '? : cannot choose between references', 'write if and else')
  if ((a.kind === 'int' || a.kind === 'constant') && (b.kind === 'int' || b.kind === 'constant')) {
    const both = a.kind === 'constant' && b.kind === 'constant'
    const type = both ? { ...widest(whenTrue, whenFalse) } : common(scope, whenTrue, whenFalse, node.span)
    return {
      op: 'conditional',
      test: test.typed,
      whenTrue: convert(whenTrue, type),
      whenFalse: convert(whenFalse, type),
      type,
      at,
    }
  }
  const alike = a.kind === b.kind && (a.kind !== 'address' || (b.kind === 'address' && a.role === b.role))
  if (!alike)
    throw scope.unfit(
      node.span,
      `${nameOfType(a)} on one side, ${nameOfType(b)} on the other`,
      'give both sides one type',
    )
  return { op: 'conditional', test: test.typed, whenTrue, whenFalse, type: a, at }
}

function widest(...constants: readonly Typed[]): IntType {
  const values = constants.map((one) => (one.op === 'constant' ? one.value : 0n))
  const signed = values.some((one) => one < 0n)
  const narrow: IntType = { kind: 'int', bits: 32, signed }
  const [least, most] = rangeOf(narrow)
  return values.every((one) => one >= least && one <= most) ? narrow : { kind: 'int', bits: 64, signed }
}

/** A condition, and the references that it proves not to be null when it holds and when it does not. */
export interface Condition {
  readonly typed: Typed
  readonly whenTrue: ReadonlySet<Variable>
  readonly whenFalse: ReadonlySet<Variable>
}

const NONE: ReadonlySet<Variable> = new Set()
const union = (a: ReadonlySet<Variable>, b: ReadonlySet<Variable>) => new Set([...a, ...b])
const intersection = (a: ReadonlySet<Variable>, b: ReadonlySet<Variable>) => new Set([...a].filter((one) => b.has(one)))

export function condition(scope: Scope, node: Expression): Condition {
  const at = scope.at(node.span)
  if (node.kind === 'not') {
    const { typed, whenTrue, whenFalse } = condition(scope, node.operand)
    const inverted: Typed =
      typed.op === 'constant'
        ? { ...typed, value: 1n - typed.value, at }
        : { op: 'not', operand: typed, type: BOOL, at }
    return { typed: inverted, whenTrue: whenFalse, whenFalse: whenTrue }
  }
  if (node.kind === 'and' || node.kind === 'or') {
    const left = condition(scope, node.left)
    const before = scope.nonNull
    scope.nonNull = union(before, node.kind === 'and' ? left.whenTrue : left.whenFalse)
    const right = condition(scope, node.right)
    scope.nonNull = before
    const typed = { op: node.kind, left: left.typed, right: right.typed, type: BOOL, at } as const
    return node.kind === 'and'
      ? {
          typed,
          whenTrue: union(left.whenTrue, right.whenTrue),
          whenFalse: intersection(left.whenFalse, union(left.whenTrue, right.whenFalse)),
        }
      : {
          typed,
          whenTrue: intersection(left.whenTrue, union(left.whenFalse, right.whenTrue)),
          whenFalse: union(left.whenFalse, right.whenFalse),
        }
  }
  const typed = value(scope, node)
  switch (typed.type.kind) {
    case 'reference': {
      const tested: ReadonlySet<Variable> = typed.op === 'variable' ? new Set([typed.variable]) : NONE
      const isNull: Typed = { op: 'isNull', operand: typed, type: BOOL, at }
      return { typed: { op: 'not', operand: isNull, type: BOOL, at }, whenTrue: tested, whenFalse: NONE }
    }
    case 'bool': {
      if (typed.op === 'isNull' && typed.operand.op === 'variable')
        return { typed, whenTrue: NONE, whenFalse: new Set([typed.operand.variable]) }
      if (typed.op === 'not' && typed.operand.op === 'isNull' && typed.operand.operand.op === 'variable')
        return { typed, whenTrue: new Set([typed.operand.operand.variable]), whenFalse: NONE }
      return { typed, whenTrue: NONE, whenFalse: NONE }
    }
    case 'int':
    case 'constant': {
      const zero: Typed = { op: 'constant', value: 0n, type: { kind: 'constant' }, at }
      return { typed: compareValues(scope, '!==', typed, zero, node.span), whenTrue: NONE, whenFalse: NONE }
    }
    default:
      throw scope.unfit(node.span, `${nameOfType(typed.type)} is neither true nor false`, 'compare it with something')
  }
}

/** Makes a value one of `type`, without asking whether that loses anything: {@link coerce} asks. */
export function convert(typed: Typed, type: IntType): Typed {
  if (typed.op === 'constant') return { ...typed, value: wrap(type, typed.value), type }
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
    (from.kind !== 'reference' || (type.kind === 'reference' && from.struct === type.struct))
  if (same) return typed
  const remedy = from.kind === 'bool' && type.kind === 'int' ? 'write x ? 1 : 0' : WANTED[type.kind]
  throw scope.unfit(span, `${nameOfType(type)} is wanted here, and this is ${nameOfType(from)}`, remedy)
}

const WANTED: Readonly<Record<ValueType['kind'], string>> = {
  int: 'give it a number, or a field that holds one',
  constant: 'give it a number',
  bool: 'compare it with something: x !== 0',
  address: 'addresses come from headers and tables',
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

export type { Field }
