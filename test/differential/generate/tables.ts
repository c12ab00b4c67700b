/** What generated data planes do with tables. */
import { isRing } from '../../../src/isa/program.ts'
import { isLocked, mapKind, type StructType, swapped } from '../../../src/lang/index.ts'
import { sample } from '../cube.ts'
import { fieldsOf, type Int, isInt, listsOf } from '../types.ts'
import type { Draft, Reference, TableName } from './draft.ts'
import { compatible, int } from './integers.ts'
import { listValue, storeElement } from './lists.ts'
import { body, DEEPEST } from './statements.ts'
import { valueFor } from './values.ts'

type KeyOf = (draft: Draft) => string | undefined

const narrowed = (draft: Draft, most: number): string =>
  draft.oneOf([1, () => `${draft.choose(most)}`], [1, () => `(${int(draft, 1).text}) & ${most - 1}`])

/** Keys are few, so that they meet. Undefined where nothing is known that a key could be made of. */
export const KEYS = {
  small: (draft) => `{ id: ${narrowed(draft, 4)} }`,
  tight: (draft) => `{ id: ${narrowed(draft, 8)} }`,
  cells: (draft) => `{ index: ${narrowed(draft, 8)} }`,
  vault: (draft) => `{ id: ${narrowed(draft, 4)} }`,
  gates: (draft) => `{ index: ${narrowed(draft, 4)} }`,
  lists: (draft) => `{ index: ${narrowed(draft, 2)} }`,
  lanes: (draft) => `{ index: ${narrowed(draft, 8)} }`,
  shares: (draft) => `{ port: ${narrowed(draft, 4)} }`,
  buckets: (draft) => `{ id: ${narrowed(draft, 2)} }`,
  history: (draft) => withList(draft, 'list(u8, 3)', (marks) => `{ marks: ${marks}, id: ${narrowed(draft, 2)} }`),
  padded: (draft) =>
    `{ wide: ${narrowed(draft, 2)}, id: ${narrowed(draft, 2)}, flag: ${valueFor(draft, 'bool', 1)}, word: 7 }`,
  swaps: (draft) => `{ id: ${narrowed(draft, 4)} }`,
  steps: (draft) => `{ index: ${narrowed(draft, 4)} }`,
  ways: (draft) => `{ to: ${int(draft, 1).text}, zone: (${int(draft, 1).text}) & 1 }`,
  routes: (draft) => `{ to: ${int(draft, 1).text}, zone: (${int(draft, 1).text}) & 1 }`,
  flows: (draft) => withAddress(draft, 'mac', (address) => `{ port: ${int(draft, 1).text}, address: ${address} }`),
  recent: (draft) => withAddress(draft, 'mac', (from) => `{ from: ${from}, id: ${narrowed(draft, 2)} }`),
  latest: (draft) => withAddress(draft, 'ipv4', (to) => `{ to: ${to} }`),
  hosts: (draft) => withAddress(draft, 'ipv6', (host) => `{ host: ${host}, port: ${narrowed(draft, 2)} }`),
} as const satisfies Partial<Record<TableName, KeyOf>>

type Keyed = keyof typeof KEYS
const KEYED = Object.keys(KEYS) as Keyed[]
/** Those whose entries stay where they are, so that a reference remains one. */
const isFixed = (name: TableName): boolean =>
  ['array', 'percpu_array', 'cell', 'locked_array'].includes(sample.state[name].kind) || isSwapped(name)
const isSwapped = (name: TableName): boolean => swapped(sample.state[name].kind) !== undefined
/** Those that `get` gives fields of. */
const READ = KEYED.filter((name) => !isLocked(sample.state[name].kind))
const CHANGED = KEYED.filter((name) => sample.state[name].kind !== 'lpm_trie' && !isSwapped(name))
const RINGS = ['events', 'captures'] as const
const SEQUENCES = ['line', 'pile'] as const

function withList(draft: Draft, name: string, key: (list: string) => string) {
  const list = listValue(draft, { field: '', length: 3, element: 'u8', name })
  return list && key(list)
}

function withAddress(draft: Draft, type: 'mac' | 'ipv4' | 'ipv6', key: (address: string) => string) {
  const address = valueFor(draft, type, 1)
  return address === undefined ? undefined : key(address)
}

/** A reference that may be null, and the text that gives it. */
export interface Taken extends Pick<Reference, 'name' | 'struct' | 'origin'> {
  readonly text: string
  /** Lines before it. */
  readonly before?: readonly string[]
  /** It is one of several. */
  readonly isChosen?: boolean
  /** Gives another one of the same kind, perhaps. */
  readonly again?: () => string | undefined
}

/** `state.table.get(…)`, or a value of a queue. */
export function entry(draft: Draft): Taken | undefined {
  // What a function takes out of a queue would be missing to the expression around the call: that is fine.
  if (draft.once(6)) {
    const table = draft.pick(SEQUENCES)
    const struct = sample.state[table].value as StructType
    const text = `state.${table}.${draft.pick(['peek', 'pop'])}()`
    return { name: draft.fresh('q'), struct, origin: { of: 'copy', table }, text }
  }
  const table = draft.pick(READ)
  const key = KEYS[table](draft)
  if (key === undefined) return undefined
  const struct = sample.state[table].value as StructType
  const again = (): string | undefined => {
    const other = KEYS[table](draft)
    return other && `state.${table}.get(${other})`
  }
  const taken = { name: draft.fresh('e'), struct, origin: { of: 'entry', table }, again } as const
  // Lists are written out where they are used.
  if (table === 'history' || !draft.once(6)) return { ...taken, text: `state.${table}.get(${key})` }
  const kept = draft.fresh('k')
  return { ...taken, text: `state.${table}.get(${kept})`, before: [`const ${kept} = ${key}`] }
}

/** `state.total.get()`, which is never null. */
export function cell(draft: Draft): string[] {
  const name = draft.fresh('t')
  const struct = sample.state.total.value as StructType
  draft.refer(name, struct, { of: 'entry', table: 'total' })
  return [`const ${name} = state.total.get()`]
}

/** Whether a value was ever added to a Bloom filter. */
export function known(draft: Draft): string | undefined {
  const value = member(draft)
  return value && `state.met.has(${value})`
}

const member = (draft: Draft): string | undefined =>
  withAddress(draft, 'mac', (address) => `{ address: ${address}, id: ${narrowed(draft, 2)} }`)

/** What a loop's body may use of what was taken before it: what no round changes. */
export const lasting = (references: readonly Reference[]): Reference[] =>
  references.filter(({ origin }) => origin.of !== 'entry' || isFixed(origin.table))

/**
 * What may be assigned to: entries, and headers. Where those that a checksum behind them covers are read in a loop, each round of
 * it ends with what makes headers from before stale.
 */
export const isWritable =
  (draft: Draft) =>
  ({ origin, struct, once }: Reference): boolean => {
    if (origin.of !== 'packet') return origin.of === 'entry'
    const { checksum, pseudoHeader } = struct.checksums ?? {}
    const isPlain = checksum?.covers !== 'message' && pseudoHeader === undefined
    return isPlain || once || (draft.pinned === 0 && !draft.inHelper)
  }

/** `entry.field = …`, or that of a header. Undefined where there is nothing to assign to. */
export function store(draft: Draft, among = draft.alive()): string[] | undefined {
  const known = among.filter(isWritable(draft))
  if (known.length === 0) return undefined
  const reference = draft.pick(known)
  const { name, struct } = reference
  const isEntry = reference.origin.of === 'entry'
  const element = draft.choose(2) === 1 ? storeElement(draft, reference) : undefined
  if (element !== undefined) return element
  // What follows a header from before a loop stays what it is.
  const isKept = reference.once && draft.breaks.includes('loop')
  const found = isKept ? (struct.checksums?.pseudoHeader?.found ?? []) : []
  const { field, type } = draft.pick(fieldsOf(struct).filter(({ field }) => !found.includes(field)))
  if (!isInt(type)) {
    const value = valueFor(draft, type, 2)
    return value === undefined ? [] : [`${name}.${field} = ${value}`]
  }
  const atomics = isEntry && (type.endsWith('32') || type.endsWith('64')) ? 2 : 0
  return draft.oneOf<string[]>(
    [3, () => [`${name}.${field} = ${int(draft, 2).text}`]],
    [2, () => [`${name}.${field} ${draft.pick(['+', '-', '&', '|', '^', '*'])}= ${compatible(draft, type, 1).text}`]],
    [1, () => [`${name}.${field}${draft.pick(['++', '--'])}`]],
    [atomics, () => atomic(draft, name, field, type)],
  )
}

/** `atomic.add(entry, 'field', …)`, perhaps with its result. */
function atomic(draft: Draft, entry: string, field: string, type: Int): string[] {
  const operation = draft.pick(['add', 'or', 'and', 'xor', 'exchange', 'compareExchange'] as const)
  const values = [int(draft, 2).text, ...(operation === 'compareExchange' ? [int(draft, 1).text] : [])]
  const call = `${draft.word('atomic')}.${operation}(${entry}, '${field}', ${values.join(', ')})`
  if (draft.choose(2) === 0) return [call]
  const name = draft.fresh('v')
  draft.declare(name, type)
  return [`const ${name} = ${call}`]
}

/** Sets, deletes, pushes or emits. In functions only what stays in place changes: the caller may hold references to the rest. */
export function change(draft: Draft, depth: number): string[] {
  if (draft.once(8)) {
    const value = member(draft)
    return value === undefined ? [] : [`state.met.add(${value})`]
  }
  const call = draft.once(4) ? pushed(draft) : changed(draft)
  if (call === undefined) return []
  return draft.oneOf(
    [1, () => [call]],
    [
      1,
      () => {
        const name = draft.fresh('v')
        draft.declare(name, 'bool')
        return [`const ${name} = ${call}`]
      },
    ],
    [1, () => (depth < DEEPEST ? [`if (${draft.choose(2) ? '!' : ''}${call}) {`, ...body(draft, depth), '}'] : [call])],
  )
}

function pushed(draft: Draft): string | undefined {
  const table = draft.pick([...SEQUENCES, ...RINGS])
  const value = record(draft, sample.state[table].value as StructType)
  return value && `state.${table}.${isRing(mapKind(sample.state[table].kind)) ? 'emit' : 'push'}(${value})`
}

function changed(draft: Draft): string | undefined {
  const table = draft.pick(draft.inHelper ? CHANGED.filter(isFixed) : CHANGED)
  const key = KEYS[table](draft)
  if (key === undefined) return undefined
  const removes = !isFixed(table) && draft.once(3)
  const value = removes ? '' : record(draft, sample.state[table].value as StructType)
  if (value === undefined) return undefined
  if (!isFixed(table)) draft.changed(table)
  if (removes) return `state.${table}.delete(${key})`
  const method = isFixed(table) ? 'set' : draft.pick(['set', 'set', 'add', 'replace'])
  return `state.${table}.${method}(${key}, ${value})`
}

export function record(draft: Draft, struct: StructType): string | undefined {
  const fields = [
    ...fieldsOf(struct).map(({ field, type }) => [field, valueFor(draft, type, 1)]),
    ...listsOf(struct).map((list) => [list.field, listValue(draft, list)]),
  ]
  if (fields.some(([, value]) => value === undefined)) return undefined
  return `{ ${fields.map(([field, value]) => `${field}: ${value}`).join(', ')} }`
}
