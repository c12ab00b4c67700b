/** Maps told from others by how they are described. */
import { isKeyless, isPerCpu, type MapDescription } from '../../isa/program.ts'

/** Equal where an entry of the one can be an entry of the other as it is: also to people, who gave its fields names. */
export function layoutOf(description: MapDescription): string {
  const known = layouts.get(description)
  if (known !== undefined) return known
  const { kind, key, value, lock, inner } = description
  const layout =
    inner === undefined ? JSON.stringify([kindOfEntries(kind), key, value, lock]) : `a map of ${layoutOf(inner)}`
  layouts.set(description, layout)
  return layout
}

/** All instances of a cube are described by the same objects. */
const layouts = new WeakMap<MapDescription, string>()

/** Whether all of this is described alike, down to the names of fields, which nothing but a record has. */
export const isSameMap = (a: MapDescription, b: MapDescription): boolean =>
  a.kind === b.kind &&
  a.entries === b.entries &&
  a.inner?.kind === b.inner?.kind &&
  a.inner?.entries === b.inner?.entries &&
  layoutOf(a) === layoutOf(b)

function kindOfEntries(kind: MapDescription['kind']): string {
  if (isKeyless(kind) || kind === 'lpm_trie') return kind
  return isPerCpu(kind) ? 'a value for each CPU' : 'a value'
}
