/** Atomic operations on integers of table entries. */
import { own } from '../../base/own.ts'
import { suggestion } from '../../base/suggest.ts'
import type { AtomicName, StructType } from '../../lang/index.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { nameOfType, type Typed } from '../typed.ts'
import { coerce } from './convert.ts'
import { expression, value } from './expression.ts'
import { refuseUnlocked } from './lock.ts'
import { present } from './member.ts'
import { isStatic, type Scope } from './scope.ts'
import { typeOfDeclared } from './type.ts'

const WIDE = [32, 64]

const integersOf = ({ fields }: StructType): string[] =>
  Object.keys(fields).filter((name) => {
    const type = fields[name] && typeOfDeclared(fields[name])
    return type?.kind === 'int' && WIDE.includes(type.bits)
  })

/** `atomic.add(entry, 'field', value)` */
export function atomicCall(scope: Scope, node: Of<'call'>, operation: AtomicName): Typed {
  const compares = operation === 'compareExchange'
  const form = (field = 'field') => `write atomic.${operation}(entry, '${field}', ${compares ? 'expected, ' : ''}value)`
  const wanted = compares ? 4 : 3
  if (node.arguments.length !== wanted)
    throw scope.unfit(node.span, `${node.arguments.length} arguments, where ${wanted} belong`, form())
  const [first, second, ...rest] = node.arguments as readonly [Expression, Expression, ...Expression[]]
  const entry = value(scope, first)
  refuseUnlocked(scope, entry, first.span)
  if (entry.type.kind !== 'reference' || entry.type.space !== 'table')
    throw scope.unfit(
      first.span,
      `${entry.type.kind === 'reference' ? entry.type.struct.name : nameOfType(entry.type)} is no entry of a table: only those are shared between CPUs`,
      'give it what state.table.get({ … }) gave',
    )
  const base = present(scope, entry, first)
  const { struct } = entry.type
  const named = expression(scope, second)
  const known = integersOf(struct)
  if (!isStatic(named) || named.static !== 'host' || typeof named.value !== 'string')
    throw scope.unfit(second.span, 'a field is chosen by its name', form(known[0]))
  const field = struct.layout.fields.find(({ name }) => name === named.value)
  const declared = own(struct.fields, named.value)
  if (field === undefined || declared === undefined)
    throw scope.unfit(second.span, `${struct.name} has no \`${named.value}\``, suggestion(named.value, known))
  const type = typeOfDeclared(declared)
  if (type.kind !== 'int' || !WIDE.includes(type.bits))
    throw scope.unfit(
      second.span,
      `\`${named.value}\` is ${nameOfType(type)}: atomic operations are on 32 or 64 bits`,
      'declare it u32, u64, i32 or i64 in the schema',
    )
  const operands = rest.map((one) => coerce(scope, value(scope, one), type, one.span))
  return { op: 'atomic', operation, base, field, operands, type, at: scope.at(node.span) }
}
