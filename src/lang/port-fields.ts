/** Fields that are numbers of ports, and in which tables they can be: where entries can be removed, one by one. */
import type { Field } from '../isa/layout.ts'
import { elementAt, elementOf, isList, isType, type StructType, type Type } from './types.ts'

/** Where in an entry a {@link portId} is. */
export interface PortField {
  readonly in: 'key' | 'value'
  /** Bytes. */
  readonly offset: number
  readonly order: 'network' | 'host'
}

interface Entry {
  readonly key: StructType
  readonly value: StructType
}

/** All of them, those in lists too. */
export const portFields = ({ key, value }: Entry): readonly PortField[] => [
  ...placesIn(key).map(({ offset }) => ({ in: 'key', offset, order: key.order }) as const),
  ...placesIn(value).map(({ offset }) => ({ in: 'value', offset, order: value.order }) as const),
]

const placesIn = ({ fields, layout, order }: StructType): readonly Field[] =>
  layout.fields.flatMap((field) => {
    const type = fields[field.name]
    return type === undefined ? [] : placesOf(type, field, order)
  })

function placesOf(type: Type, field: Field, order: StructType['order']): readonly Field[] {
  if (!isList(type)) return type.isPort ? [field] : []
  const { element, length } = type
  return Array.from({ length }, (_, index) => elementAt(field, index)).flatMap((place) =>
    isType(element)
      ? placesOf(element, place, order)
      : placesIn(elementOf(element, order)).map((inner) => ({
          ...inner,
          name: `${place.name}.${inner.name}`,
          offset: place.offset + inner.offset,
        })),
  )
}

const kindText = (kind: string): string => `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind.replaceAll('_', ' ')}`

/** A RangeError where a table has such a field whose entries could not go with a port. */
export function checkPortFields(kind: string, { key, value }: Entry): void {
  const refuse = (part: StructType, why: string): void => {
    const [found] = placesIn(part)
    if (found !== undefined) throw new RangeError(`${part.name}.${found.name}: ${why}`)
  }
  if (kind.startsWith('swappable')) {
    const why = 'what a swappable table holds is its control plane’s to replace, also when a port is removed; take u16'
    refuse(key, why)
    refuse(value, why)
  }
  if (kind === 'percpu_hash' || kind === 'lru_percpu_hash')
    refuse(value, 'values of CPUs that wrote none are zero, which may be a port; have it in the key, or take u16')
  else if (kind !== 'hash' && kind !== 'lru_hash' && kind !== 'lpm_trie')
    refuse(value, `${kindText(kind)} has no entries that could go with a port; take a hash, or u16`)
}
