/**
 * Checksums of the transport layer are settled once, and headers that a loop reads are others in each round: what was written to
 * them is settled at the end of the round, where the kernel may move the packet.
 */
import { packetMoved, UNMOVED } from './check-stale.ts'
import { type Moved, rootOf, type Scope } from './scope.ts'
import type { Typed, TypedFunction, Variable } from './typed.ts'

/** A field of a header is assigned to. */
export function fieldWritten(scope: Scope, place: Typed & { op: 'field' | 'element' }): void {
  const { base, field } = place
  if (base.op === 'element') return fieldWritten(scope, base)
  if (base.type.kind !== 'reference') return
  const { covered, struct } = base.type
  const { checksum, pseudoHeader } = struct.checksums ?? {}
  if (covered !== true && checksum?.covers !== 'message' && pseudoHeader?.fields.includes(field.name) !== true) return
  const [root] = rootOf(base)
  owe(scope, root?.message ?? root, `\`${root?.name ?? struct.name}\``)
}

/** What a function may have written to by the time that it returns. */
export function functionWrote(scope: Scope, callee: TypedFunction, given: readonly Typed[]): void {
  for (const variable of callee.writes) {
    const argument = given[callee.parameters.indexOf(variable)]
    const [root] = argument === undefined ? [] : rootOf(argument)
    owe(scope, root?.message ?? root, `what ${callee.name}(…) wrote to`)
  }
}

function owe(scope: Scope, variable: Variable | undefined, what: string): void {
  const { written, ...moved } = scope.moved ?? UNMOVED
  const header = variable ?? scope.variable('header', { kind: 'void' })
  scope.moved = { ...moved, written: new Map(written).set(header, what) }
}

/** What is remembered of a reference: the key of an entry, and of a header the one whose checksum counts for it. */
export function originOf(given: Typed): Pick<Variable, 'message' | 'key'> {
  if (given.op === 'get') return { key: given.key }
  if (given.op === 'variable') return { key: given.variable.key, message: given.variable.message ?? given.variable }
  const from = given.op === 'read' ? given.within : given
  const [root] = from === undefined || (from.op === 'field' && from.type.kind !== 'list') ? [] : rootOf(from)
  return { message: root?.message ?? root, key: root?.key }
}

/** What is stale at the end of a round, and whether checksums are settled there: of headers from `since` on. */
export function settledInRound(
  scope: Scope,
  moved: Moved | undefined,
  since: number,
): { readonly moved: Moved | undefined; readonly settles: boolean } {
  const owed = [...(moved?.written ?? [])].find(([{ id }]) => id >= since)
  if (owed === undefined) return { moved, settles: false }
  scope.moved = moved
  packetMoved(scope, `the end of the round, where the checksum of ${owed[1]} is settled`)
  return { moved: scope.moved, settles: true }
}
