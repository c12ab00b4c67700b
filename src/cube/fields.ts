/** Fields of tables as JSON: integers of 64 bits are decimal text, smaller ones numbers, addresses text. */
import { z } from 'zod'
import { parseIPv4, parseIPv6, parseMac } from '../base/address.ts'
import { type Fields, isList, isType, type ListType, type StructType, type Table, type Type } from '../lang/index.ts'

export type JsonFields = Readonly<Record<string, unknown>>

/** What a struct may be set to. What it makes of that is what a control plane sets. */
export const fieldsSchema = (fields: Fields): z.ZodObject =>
  z.strictObject(Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, typeSchema(type)])))

/** Of a table of prefixes, with the length. */
export function keySchema({ kind, key }: Table): z.ZodObject {
  const schema = fieldsSchema(key.fields)
  if (!isPrefixed(kind)) return schema
  const bits = 8 * (key.layout.fields.at(-1)?.layout.size ?? 0)
  return schema.extend({ length: z.int().min(0).max(bits).describe('how many bits of the last field count') })
}

export const isPrefixed = (kind: Table['kind']): boolean => kind === 'lpm_trie' || kind === 'swappable_lpm_trie'

const ADDRESSES = {
  mac: [parseMac, 'a MAC address, as 02:00:00:00:00:01'],
  ipv4: [parseIPv4, 'an IPv4 address, as 10.0.0.1'],
  ipv6: [parseIPv6, 'an IPv6 address, as fd00::1'],
} as const

function typeSchema(type: Type): z.ZodType {
  if (isList(type)) return listSchema(type)
  switch (type.kind) {
    case 'bool':
      return z.boolean()
    case 'mac':
    case 'ipv4':
    case 'ipv6': {
      const [parse, description] = ADDRESSES[type.kind]
      return z
        .string()
        .refine((text) => succeeds(() => parse(text)), description)
        .describe(description)
    }
    default:
      return integerSchema(type)
  }
}

function succeeds(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function integerSchema({ layout, width }: Type): z.ZodType {
  const bits = width ?? 8 * layout.size
  const signed = layout.kind === 'scalar' && layout.signed
  const [low, high] = signed
    ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
    : [0n, (1n << BigInt(bits)) - 1n]
  if (bits <= 32) return z.int().min(Number(low)).max(Number(high))
  const text = `a number from ${low} to ${high}, as decimal text`
  const digits = signed ? /^-?\d{1,19}$/ : /^\d{1,20}$/
  // What is no number has been said by then.
  const isWithin = (given: string | number) =>
    !digits.test(String(given)) || (low <= BigInt(given) && BigInt(given) <= high)
  return z
    .union([z.string().regex(digits, text), z.int().min(signed ? Number.MIN_SAFE_INTEGER : 0)], text)
    .refine(isWithin, text)
    .transform((given) => BigInt(given))
    .describe(text)
}

const listSchema = ({ element, length }: ListType): z.ZodType =>
  z.array(isType(element) ? typeSchema(element) : fieldsSchema(element)).length(length)

/** `u16`, `list of 4 u8` */
export function typeName(type: Type): string {
  if (!isList(type)) return type.name
  const { element, length } = type
  return `list of ${length} ${isType(element) ? typeName(element) : 'records'}`
}

/** What a control plane sees, as JSON has it. */
export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  // For each entry of a table: pairs of names and values would take twice as long.
  const json: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) json[name] = toJson(one)
  return json
}

/** Values in the order of fields, with commas; a prefix ends in its length: `10.0.0.0/8`. A list makes it JSON. */
export function keyText({ kind, key }: Table, value: JsonFields): string {
  const names = Object.keys(key.fields)
  if (Object.values(key.fields).some(isList)) return JSON.stringify(value)
  const text = names.map((name) => String(value[name])).join(',')
  return isPrefixed(kind) ? `${text}/${value.length}` : text
}

/** What {@link keyText} says, as JSON. Undefined where there are more or fewer values than fields. */
export function fieldsOfText({ kind, key }: Table, text: string): JsonFields | undefined {
  const [, values = text, length] = isPrefixed(kind) ? (/^(.*)\/(\d{1,3})$/.exec(text) ?? []) : []
  const parts = values.split(',')
  const fields = Object.entries(key.fields)
  if (parts.length !== fields.length || Object.values(key.fields).some(isList)) return undefined
  const read = fields.map(([name, type], index) => [name, valueOfText(type, parts[index] ?? '')] as const)
  if (!isPrefixed(kind)) return Object.fromEntries(read)
  // All of it, unless said.
  const whole = 8 * (key.layout.fields.at(-1)?.layout.size ?? 0)
  return { ...Object.fromEntries(read), length: length === undefined ? whole : Number(length) }
}

function valueOfText({ kind, layout }: Type, text: string): unknown {
  if (kind === 'bool' && (text === 'true' || text === 'false')) return text === 'true'
  return kind === 'int' && layout.size < 8 && /^-?\d{1,10}$/.test(text) ? Number(text) : text
}

/** The fields of a key or a value, for people and programs. */
export const describeFields = ({ fields }: Pick<StructType, 'fields'>): { name: string; type: string }[] =>
  Object.entries(fields).map(([name, type]) => ({ name, type: typeName(type) }))
