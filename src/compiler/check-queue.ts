/** `push`, `pop` and `peek`: of tables without keys. */
import { LIMIT } from '../isa/opcodes.ts'
import { record, shape } from './check-table.ts'
import type { Scope } from './scope.ts'
import type { Expression, Of } from './tree.ts'
import { BOOL, type NamedTable, type Typed } from './typed.ts'

export function queueMethod(scope: Scope, node: Of<'call'>, named: NamedTable, method: string): Typed {
  const { name, table } = named
  const form = `write state.${name}.${method}(${method === 'push' ? shape(table.value) : ''})`
  const wanted = method === 'push' ? 1 : 0
  const given = node.arguments.length
  if (given !== wanted)
    throw scope.unfit(node.span, `${given} argument${given === 1 ? '' : 's'}, where ${wanted} belong`, form)
  if (table.value.size > LIMIT.stack)
    throw scope.unfit(
      node.span,
      `a value of \`${name}\` takes ${table.value.size} bytes of stack; the kernel allows ${LIMIT.stack}`,
      'make the value smaller in the schema',
    )
  const at = scope.at(node.span)
  if (method === 'push')
    return {
      op: 'push',
      table: named,
      value: record(scope, node.arguments[0] as Expression, table.value, form),
      type: BOOL,
      at,
    }
  return {
    op: method === 'pop' ? 'pop' : 'peek',
    table: named,
    type: {
      kind: 'reference',
      struct: { ...table.value, name: `a value of ${name}` },
      space: 'copy',
      nullable: true,
    },
    at,
  }
}
