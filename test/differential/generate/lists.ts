/** Lists in headers and entries: their elements, and loops over them. */
import type { Fields, StructType } from '../../../src/lang/index.ts'
import { fieldsOf, isInt, type ListOf, listsOf, type Type } from '../types.ts'
import type { Draft, Reference } from './draft.ts'
import { compatible, int, unsigned } from './integers.ts'
import { inLoop } from './loops.ts'
import { body } from './statements.ts'
import { lasting, record } from './tables.ts'
import { atom, valueFor } from './values.ts'

/** Ways to write an element of that type of the lists of a reference. */
export const elements = (draft: Draft, { name, struct }: Pick<Reference, 'name' | 'struct'>, type: Type) =>
  listsOf(struct).flatMap((list) =>
    typeof list.element === 'string'
      ? list.element === type
        ? [() => `${name}.${list.field}${indexed(draft, list)}`]
        : []
      : fieldsOf({ fields: list.element })
          .filter((one) => one.type === type)
          .map(
            ({ field }) =>
              () =>
                `${name}.${list.field}${indexed(draft, list)}.${field}`,
          ),
  )

function indexed(draft: Draft, { length }: ListOf): string {
  const index = inside(draft, length)
  return draft.choose(2) === 0 ? `[${index}]` : `.at(${index})`
}

/** An index that the compiler can see to be below `length`. */
function inside(draft: Draft, length: number): string {
  const mask = 2 ** Math.floor(Math.log2(length)) - 1
  return draft.oneOf(
    [3, () => String(draft.choose(length))],
    [2, () => `${unsigned(draft, 0)} & ${mask}`],
    [1, () => `${unsigned(draft, 0)} % ${length}`],
    [1, () => `(${unsigned(draft, 0)} & ${mask >> 1}) + ${draft.choose(length - (mask >> 1))}`],
    [1, () => `${draft.word('u8')}(${int(draft, 0).text}) >> ${8 - Math.log2(mask + 1)}`],
  )
}

/** `entry.list[index] = …`, or the whole list. Undefined where it has no list. */
export function storeElement(draft: Draft, { name, struct }: Reference): string[] | undefined {
  const lists = listsOf(struct)
  if (lists.length === 0) return undefined
  const list = draft.pick(lists)
  const others = alike(draft, list)
  if (others.length > 0 && draft.once(4)) return [`${name}.${list.field} = ${draft.pick(others)}`]
  const place = `${name}.${list.field}[${inside(draft, list.length)}]`
  if (typeof list.element === 'string') return assigned(draft, place, list.element)
  const whole = draft.once(4) ? record(draft, structOf(list.element)) : undefined
  if (whole !== undefined) return [`${place} = ${whole}`]
  const { field, type } = draft.pick(fieldsOf({ fields: list.element }))
  return assigned(draft, `${place}.${field}`, type)
}

function assigned(draft: Draft, place: string, type: Type): string[] {
  if (isInt(type) && draft.once(3)) return [`${place} += ${compatible(draft, type, 1).text}`]
  const value = valueFor(draft, type, 2)
  return value === undefined ? [] : [`${place} = ${value}`]
}

/** What stands for a list in a key or a value. */
export function listValue(draft: Draft, { element, length, name }: ListOf): string | undefined {
  // Those of structs are written out.
  if (typeof element !== 'string') return structs(draft, element, length)
  const same = alike(draft, { name, element })
  if (same.length > 0 && draft.choose(2) === 0) return draft.pick(same)
  const one = (): string | undefined => (isInt(element) ? valueFor(draft, element, 1) : atom(draft, element))
  if (draft.choose(2) === 0) {
    // Not computed: it would be called for every element.
    const value = atom(draft, element) ?? (isInt(element) && !draft.locked ? 'packet.length' : undefined)
    return value && `${draft.word('fill')}(${value})`
  }
  const values = Array.from({ length }, one)
  return values.includes(undefined) ? undefined : `[${values.join(', ')}]`
}

/** What holds as many of the same. */
const alike = (draft: Draft, { name, element }: Pick<ListOf, 'name' | 'element'>): string[] =>
  draft.alive().flatMap((one) =>
    listsOf(one.struct)
      .filter((list) => list.name === name && (typeof element === 'string' || list.element === element))
      .map(({ field }) => `${one.name}.${field}`),
  )

function structs(draft: Draft, element: Fields, length: number): string | undefined {
  const values = Array.from({ length }, () => record(draft, structOf(element)))
  return values.includes(undefined) ? undefined : `[${values.join(', ')}]`
}

/** `for (const x of entry.list)`. Undefined where nothing that is known has a list. */
export function overList(draft: Draft, depth: number): string[] | undefined {
  const known = lasting(draft.alive()).filter((one) => listsOf(one.struct).length > 0)
  if (known.length === 0) return undefined
  const { name: base, struct, origin } = draft.pick(known)
  const { field, element } = draft.pick(listsOf(struct))
  const name = draft.fresh('x')
  return inLoop(draft, false, () => {
    if (typeof element === 'string') draft.declare(name, element)
    else draft.refer(name, structOf(element), origin)
    return [`for (const ${name} of ${base}.${field}) {`, ...body(draft, depth), '}']
  })
}

/** Only its fields are looked at. */
const structOf = (fields: Fields): StructType => ({ fields }) as StructType
