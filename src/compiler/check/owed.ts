/**
 * Checksums of the transport layer are settled once, and headers that a loop reads are others in each round: what was written to
 * them is settled at the end of the round, where the kernel may move the packet.
 */
import type { Typed, TypedFunction, Variable } from '../typed.ts'
import { type Moved, rootOf, type Scope } from './scope.ts'
import { packetMoved, UNMOVED } from './stale.ts'

/** A field of a header is assigned to. */
export function fieldWritten(scope: Scope, place: Typed & { op: 'field' | 'element' }): void {
  const { base, field } = place
  if (base.op === 'element') return fieldWritten(scope, base)
  if (base.type.kind !== 'reference') return
  const { covered, struct } = base.type
  const { checksum, pseudoHeader } = struct.checksums ?? {}
  const [root] = rootOf(base)
  if (root !== undefined && pseudoHeader?.found.includes(field.name) === true) redirect(scope, root)
  if (covered !== true && checksum?.covers !== 'message' && pseudoHeader?.fields.includes(field.name) !== true) return
  owe(scope, root?.message ?? root, `\`${root?.name ?? struct.name}\``)
}

/** What a function may have written to by the time that it returns. */
export function functionWrote(scope: Scope, callee: TypedFunction, given: readonly Typed[]): void {
  const rootOfParameter = (variable: Variable): Variable | undefined => {
    const argument = given[callee.parameters.indexOf(variable)]
    return argument === undefined ? undefined : rootOf(argument)[0]
  }
  for (const variable of callee.writes) {
    const root = rootOfParameter(variable)
    owe(scope, root?.message ?? root, `what ${callee.name}(…) wrote to`)
  }
  for (const variable of callee.redirects) {
    const root = rootOfParameter(variable)
    if (root !== undefined) redirect(scope, root)
  }
}

/** What follows a network header is something else from here on: another checksum covers its addresses. */
function redirect(scope: Scope, header: Variable): void {
  const { redirected, ...moved } = scope.moved ?? UNMOVED
  scope.moved = { ...moved, redirected: new Map(redirected).set(header, scope.compilation.nextVariable) }
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

/**
 * What is stale at the end of a round, and whether checksums are settled there: of headers from `since` on, and of those that were
 * redirected since.
 */
export function settledInRound(
  scope: Scope,
  moved: Moved | undefined,
  since: number,
): { readonly moved: Moved | undefined; readonly settles: boolean } {
  const isOther = (header: Variable): boolean => Math.max(header.id, moved?.redirected.get(header) ?? 0) >= since
  const owed = [...(moved?.written ?? [])].find(([header]) => isOther(header))
  if (owed === undefined) return { moved, settles: false }
  scope.moved = moved
  packetMoved(scope, `the end of the round, where the checksum of ${owed[1]} is settled`)
  return { moved: scope.moved, settles: true }
}
