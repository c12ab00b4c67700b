/** Tables without keys: queues and stacks, rings, Bloom filters. */
import { LIMIT } from '../../isa/opcodes.ts'
import type { Expression, Of } from '../narrow/tree.ts'
import { BOOL, type NamedTable, type Typed } from '../typed.ts'
import { arity } from './call.ts'
import type { Scope } from './scope.ts'
import { record, shape } from './table.ts'

export const SEQUENCE = ['push', 'pop', 'peek'] as const
export const RING = ['emit'] as const
export const BLOOM = ['add', 'has'] as const
type Method = (typeof SEQUENCE)[number] | (typeof RING)[number] | (typeof BLOOM)[number]

export function keylessMethod(scope: Scope, node: Of<'call'>, named: NamedTable, method: Method): Typed {
  const { name, table } = named
  const takes = method !== 'pop' && method !== 'peek'
  const form = `write state.${name}.${method}(${takes ? shape(table.value) : ''})`
  arity(scope, node, takes ? 1 : 0, takes ? 1 : 0, form)
  if (table.value.size > LIMIT.stack)
    throw scope.unfit(
      node.span,
      `a value of \`${name}\` takes ${table.value.size} bytes of stack; the kernel allows ${LIMIT.stack}`,
      'make the value smaller in the schema',
    )
  const at = scope.at(node.span)
  if (!takes)
    return {
      op: method,
      table: named,
      type: {
        kind: 'reference',
        struct: { ...table.value, name: `a value of ${name}` },
        space: 'copy',
        nullable: true,
      },
      at,
    }
  const value = record(scope, node.arguments[0] as Expression, table.value, form)
  // Adding to a Bloom filter cannot fail.
  if (method === 'add') return { op: 'push', table: named, value, type: { kind: 'void' }, at }
  return { op: method, table: named, value, type: BOOL, at }
}
