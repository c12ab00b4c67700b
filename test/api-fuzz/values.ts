/** Values from JSON Schema, as it stands in our own description, and what becomes of them in bad hands. */
import fc from 'fast-check'

export type Schema = Readonly<Record<string, unknown>>
export type Schemas = Readonly<Record<string, Schema>>

/** Names and texts that something may stumble over. */
export const NASTY = [
  '',
  '.',
  '..',
  'a/b',
  '../../etc/passwd',
  '\u0000',
  'a\nb',
  '\u202e',
  'Office',
  'a b',
  '%2e%2e',
  '__proto__',
  'constructor',
  'toString',
  '💥',
  '\ud800',
  '10.0.0.1/8',
  '999.1.1.1',
  'a'.repeat(300),
]

/** Deeper than anything is read. */
export const deep = (levels: number): string => `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`

/** What a schema allows. `known` are values that mean something, by the name of the member. */
export function valid(
  schema: Schema,
  schemas: Schemas,
  known: Readonly<Record<string, readonly unknown[]>>,
  depth = 0,
): fc.Arbitrary<unknown> {
  const inner = (one: Schema) => valid(one, schemas, known, depth + 1)
  const reference = schema.$ref
  if (typeof reference === 'string') return inner(schemas[reference.replace('#/components/schemas/', '')] ?? {})
  const either = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined
  if (either !== undefined) return fc.oneof(...either.map(inner))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'object':
      return objects(schema, schemas, known, depth)
    case 'array':
      return fc.array(inner((schema.items ?? {}) as Schema), { maxLength: 3 })
    case 'string': {
      const pattern = schema.pattern
      return typeof pattern === 'string' ? fc.stringMatching(new RegExp(pattern), { size: 'small' }) : fc.string()
    }
    case 'integer':
    case 'number': {
      const { minimum = 0, maximum = 0xffff } = schema as { minimum?: number; maximum?: number }
      return fc.integer({ min: minimum, max: Math.min(maximum, minimum + 0xffff) })
    }
    case 'boolean':
      return fc.boolean()
    default:
      return depth > 4 ? fc.constant(null) : fc.jsonValue({ maxDepth: 2 })
  }
}

function objects(
  schema: Schema,
  schemas: Schemas,
  known: Readonly<Record<string, readonly unknown[]>>,
  depth: number,
): fc.Arbitrary<object> {
  const properties = Object.entries((schema.properties ?? {}) as Schemas)
  const required = (schema.required ?? []) as readonly string[]
  const own = fc.record(
    Object.fromEntries(
      properties.map(([name, one]) => {
        const values = known[name]
        const made = valid(one, schemas, known, depth + 1)
        return [
          name,
          values === undefined ? made : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, made),
        ]
      }),
    ),
    { requiredKeys: [...required] },
  )
  const more = schema.additionalProperties
  if (properties.length > 0 || typeof more !== 'object' || more === null) return own
  return fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/), valid(more as Schema, schemas, known, depth + 1), {
    maxKeys: 2,
  })
}

const VALUES: readonly unknown[] = [null, true, 0, -1, 1.5, 1e308, 2 ** 53, [], {}, [[]], { a: { b: null } }, ...NASTY]

/** One place of it is something else, or has something more. */
export const mutated = (value: unknown): fc.Arbitrary<unknown> =>
  fc
    .record({
      at: fc.array(fc.nat(7), { maxLength: 5 }),
      to: fc.constantFrom(...VALUES),
      name: fc.constantFrom(...NASTY),
      adds: fc.boolean(),
    })
    .map(({ at, to, name, adds }) => changed(value, at, adds ? { [name]: to } : to, adds))

function changed(value: unknown, [first, ...rest]: readonly number[], to: unknown, adds: boolean): unknown {
  if (typeof value !== 'object' || value === null || first === undefined)
    return adds && typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value, ...(to as object) }
      : to
  const keys = Object.keys(value)
  const key = keys[first % Math.max(1, keys.length)]
  if (key === undefined) return to
  const inner = changed((value as Record<string, unknown>)[key], rest, to, adds)
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner }
}
