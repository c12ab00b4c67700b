/**
 * References that are stale, and not used: a header that was read before the packet moved, because its bytes may lie elsewhere, and
 * an entry that was got before its table was changed, because another may have taken its place. They are read and got again.
 * What is known to have been null then is still null.
 */
import { isArray } from '../../isa/program.ts'
import { mapKind } from '../../lang/index.ts'
import type { Span } from '../narrow/tree.ts'
import type { NamedTable, StructField, Typed, Variable } from '../typed.ts'
import { collecting, type Unfit } from './report.ts'
import { absent, type Moved, type Scope } from './scope.ts'

export const UNMOVED: Moved = {
  packet: undefined,
  entries: new Map(),
  tables: new Map(),
  written: new Map(),
  redirected: new Map(),
}

/** From here on, what was read of the packet before is stale; checksums are settled. */
export function packetMoved(scope: Scope, what: string): void {
  const packet = { what, before: scope.compilation.nextVariable }
  scope.moved = { ...(scope.moved ?? UNMOVED), packet, written: new Map(), redirected: new Map() }
}

/** `state.table.set(…)` and the like. Arrays keep their entries; `add` replaces none, but may have another one forgotten. */
export function tableAsked(
  scope: Scope,
  { name, table }: NamedTable,
  method: 'set' | 'add' | 'replace' | 'delete',
  key: readonly StructField[],
): void {
  const kind = mapKind(table.kind)
  const forgets = kind === 'lru_hash' || kind === 'lru_percpu_hash'
  if (isArray(kind) || (method === 'add' && !forgets)) return
  tableChanged(scope, name, `state.${name}.${method}(…)`, forgets ? undefined : key)
}

/** Whether two keys are known to differ. */
const differ = (a: readonly StructField[] | undefined, b: readonly StructField[] | undefined): boolean =>
  a?.some(({ field, value }) => {
    const { offset, layout } = field
    const other = b?.find((one) => one.field.offset === offset && one.field.layout.size === layout.size)?.value
    if (value.op === 'address' && other?.op === 'address') return value.octets.join() !== other.octets.join()
    return value.op === 'constant' && other?.op === 'constant' && value.value !== other.value
  }) === true

/** From here on, what was got of a table before is stale: of a `key`, if one is given. */
export function tableChanged(scope: Scope, table: string, what: string, key?: readonly StructField[]): void {
  const { entries: before, ...moved } = scope.moved ?? UNMOVED
  const entries = new Map<Variable, string>()
  for (const variable of scope.references()) {
    const isOther = differ(variable.key, key)
    const isOld = tableOf(variable) === table && !isOther && !scope.nonNull.has(absent(variable))
    const how = isOld ? what : before.get(variable)
    if (how !== undefined) entries.set(variable, how)
  }
  scope.moved = { ...moved, entries, tables: new Map(moved.tables).set(table, what) }
}

const tableOf = ({ type }: Variable): string | undefined => (type.kind === 'reference' ? type.table : undefined)

/**
 * A use of what may be a reference, or in one. Refused where it is stale. `isTest`: whether it is null was known before, and is only
 * asked now.
 */
export function useReference(scope: Scope, typed: Typed, span: Span, isTest = false): void {
  if (typed.op === 'field' || typed.op === 'element') return useReference(scope, typed.base, span, isTest)
  if (typed.op !== 'variable' || typed.type.kind !== 'reference') return
  const { moved, uses } = scope
  const { variable } = typed
  if (isTest && tableOf(variable) !== undefined) return
  const refusal = stale(scope, variable, span, moved)
  if (refusal !== undefined) throw refusal
  uses.push({ variable, span })
}

interface LoopStart {
  readonly uses: number
  /** Variables with smaller numbers are from before the loop. */
  readonly variables: number
}

export const loopStart = ({ uses, compilation }: Scope): LoopStart => ({
  uses: uses.length,
  variables: compilation.nextVariable,
})

/** What the rounds of a loop make stale is so for the next one, where it is from before the loop. */
export function staleInNextRound(scope: Scope, moved: Moved | undefined, { uses, variables }: LoopStart): void {
  for (const { variable, span } of scope.uses.slice(uses)) {
    const refusal = variable.id < variables ? stale(scope, variable, span, moved, true) : undefined
    if (refusal !== undefined)
      collecting(scope.compilation.diagnostics, () => {
        throw refusal
      })
  }
}

function stale(
  scope: Scope,
  variable: Variable,
  span: Span,
  moved: Moved | undefined,
  inNextRound = false,
): Unfit | undefined {
  const { name, type } = variable
  if (moved === undefined || type.kind !== 'reference') return undefined
  const start = `${inNextRound ? 'in the next round, ' : ''}\`${name}\` is from before`
  const again = inNextRound ? 'in the loop' : 'after that'
  if (type.space === 'packet') {
    const { packet } = moved
    if (packet === undefined || variable.id >= packet.before) return undefined
    return scope.unfit(
      span,
      `${start} ${packet.what}, which may have moved the packet`,
      `read it again ${again}: packet.read(${type.struct.name}, …)`,
    )
  }
  const changed = moved.entries.get(variable)
  if (changed === undefined) return undefined
  return scope.unfit(
    span,
    `${start} ${changed}, after which it may be an entry no more`,
    `get it again ${again}: state.${type.table}.get({ … })`,
  )
}
