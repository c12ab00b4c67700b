/** The types of generated programs, and the rules by which operands meet. Said again here, on purpose, without looking. */
import { type Fields, type Type as FieldType, isList, type StructType } from '../../src/lang/index.ts'

export const INTS = ['u8', 'u16', 'u32', 'u64', 'i32', 'i64'] as const
export type Int = (typeof INTS)[number]
export const ADDRESSES = ['mac', 'ipv4', 'ipv6'] as const
export const TYPES = [...INTS, 'bool', ...ADDRESSES] as const
export type Type = (typeof TYPES)[number]

export const isInt = (type: string): type is Int => (INTS as readonly string[]).includes(type)
export const isAddress = (type: string): type is (typeof ADDRESSES)[number] =>
  (ADDRESSES as readonly string[]).includes(type)

export const promoted = (type: Int): Int => (type === 'u8' || type === 'u16' ? 'u32' : type)

export function common(a: Int, b: Int): Int {
  const signed = [a, b].some((one) => one.startsWith('i'))
  const wide = [a, b].some((one) => one.endsWith('64'))
  return `${signed ? 'i' : 'u'}${wide ? 64 : 32}`
}

export function rangeOf(type: Int): readonly [bigint, bigint] {
  const bits = BigInt(type.slice(1))
  return type.startsWith('i') ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n]
}

/** What a field of this type is computed with. */
function typeOf(type: FieldType): Type | undefined {
  if (type.kind === 'list') return undefined
  if (type.kind === 'bits') return INTS.find((one) => Number(one.slice(1)) >= (type.width ?? 0)) ?? 'u64'
  return type.kind === 'int' ? (type.name as Int) : (type.kind as Type)
}

export interface FieldOf<T> {
  readonly field: string
  readonly type: T
}

/** Fields that are one value each. */
export const fieldsOf = ({ fields }: Pick<StructType, 'fields'>): FieldOf<Type>[] =>
  Object.entries(fields).flatMap(([field, one]) => {
    const type = typeOf(one)
    return type === undefined ? [] : [{ field, type }]
  })

/** Elements of a list are values, or structs of them. */
export interface ListOf {
  readonly field: string
  readonly length: number
  readonly element: Type | Fields
  /** Lists of one name have the same elements, and as many. */
  readonly name: string
}

export const listsOf = ({ fields }: Pick<StructType, 'fields'>): ListOf[] =>
  Object.entries(fields).flatMap(([field, one]) => {
    if (!isList(one)) return []
    const { element, length, name } = one
    const type = isType(element) ? typeOf(element) : element
    return type === undefined ? [] : [{ field, length, element: type, name }]
  })

const isType = (element: FieldType | Fields): element is FieldType => typeof element.kind === 'string'
