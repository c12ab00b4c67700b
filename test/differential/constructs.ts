/** Which words of the typed tree the generated data planes contain. */
import type { Typed, TypedStatement } from '../../src/compiler/typed.ts'

type Op = Typed['op'] | TypedStatement['op']

/** Every op of the typed tree. One that is not generated says why. */
export const OPS: Readonly<Record<Op, 'generated' | { readonly not: string }>> = {
  add: 'generated',
  address: 'generated',
  and: 'generated',
  arithmetic: 'generated',
  assign: 'generated',
  atomic: 'generated',
  bound: 'generated',
  break: 'generated',
  breakable: 'generated',
  byte: 'generated',
  call: 'generated',
  cell: 'generated',
  compare: 'generated',
  complement: 'generated',
  conditional: 'generated',
  constant: 'generated',
  wired: { not: 'stands for a constant that the engine knows, in programs that are compiled once for several ports' },
  continue: 'generated',
  convert: 'generated',
  decapsulate: 'generated',
  delete: 'generated',
  drop: 'generated',
  element: 'generated',
  emit: 'generated',
  encapsulate: 'generated',
  evaluate: 'generated',
  field: 'generated',
  flood: 'generated',
  forward: 'generated',
  get: 'generated',
  has: 'generated',
  if: 'generated',
  isNull: 'generated',
  length: 'generated',
  loop: 'generated',
  mask: 'generated',
  move: 'generated',
  negate: 'generated',
  next: { not: 'is a word of transparent cubes' },
  not: 'generated',
  now: 'generated',
  null: 'generated',
  octets: 'generated',
  or: 'generated',
  pass: 'generated',
  peek: 'generated',
  pop: 'generated',
  punt: 'generated',
  push: 'generated',
  read: 'generated',
  replace: 'generated',
  return: 'generated',
  rounds: 'generated',
  segmentSize: 'generated',
  set: 'generated',
  store: 'generated',
  variable: 'generated',
  vlan: 'generated',
  while: 'generated',
  withLock: 'generated',
}

/** Construct → in how many data planes it was: ops, with their operators, and with the kind of their table or header. */
export type Constructs = Map<string, number>

/** Adds what is in a data plane. */
export function count(constructs: Constructs, statements: readonly TypedStatement[]): void {
  const found = new Set<string>()
  const functions = new Set<unknown>()
  const waiting: unknown[] = [...statements]
  for (let node = waiting.pop(); waiting.length > 0 || node !== undefined; node = waiting.pop()) {
    if (typeof node !== 'object' || node === null) continue
    if (Array.isArray(node)) waiting.push(...node)
    else {
      // Shared by all calls of it.
      if ('body' in node && 'parameters' in node) {
        if (functions.has(node)) continue
        functions.add(node)
      }
      for (const name of namesOf(node)) found.add(name)
      for (const [key, inner] of Object.entries(node)) if (!LEAVES.has(key)) waiting.push(inner)
    }
  }
  for (const name of found) constructs.set(name, (constructs.get(name) ?? 0) + 1)
}

/** Parts of a node that are no nodes. */
const LEAVES: ReadonlySet<string> = new Set(['at', 'type', 'field', 'struct', 'table', 'variable', 'result'])

function namesOf(node: object): string[] {
  if (!('op' in node)) return []
  const op = String(node.op)
  const names = [op]
  if ('operator' in node) names.push(`${op} ${node.operator}`)
  if ('operation' in node) names.push(`${op} ${node.operation}`)
  if (op === 'read' && 'struct' in node) names.push(`${op} ${(node.struct as { name: string }).name}`)
  if ('table' in node) names.push(`${op} ${(node.table as { table: { kind: string } }).table.kind}`)
  return names
}
