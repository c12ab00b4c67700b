/** What zod finds wrong, in the words of Tessera's other messages. */
import { z } from 'zod'
import { suggestion } from '../base/suggest.ts'
import './words.ts'

export interface Issue {
  readonly path: readonly (string | number)[]
  /** It is about the last name of the path, and not about what it is set to. */
  readonly key: boolean
  readonly message: string
  readonly remedy: string | undefined
  /** What is not there, under `path`. */
  readonly missing?: string
}

/** `given` is what was parsed. `otherKeys` may stand there as well, though `schema` does not know them. */
export function issuesOf(
  { issues }: z.ZodError,
  given: unknown,
  schema: z.ZodType,
  otherKeys: readonly string[] = [],
): readonly Issue[] {
  return issues.flatMap((issue): Issue[] => {
    const path = issue.path.filter((part) => typeof part !== 'symbol')
    if (issue.code === 'unrecognized_keys') {
      const known = [...otherKeys, ...keysAt(schema, path)]
      return issue.keys.map((key) => ({
        path: [...path, key],
        key: true,
        message: `"${key}" is not known here`,
        remedy: suggestion(key, known),
      }))
    }
    const missing = OF_VALUES.has(issue.code) && path.length > 0 && valueAt(given, path) === undefined
    if (missing)
      return [
        {
          path: path.slice(0, -1),
          key: true,
          message: `\`${path.at(-1)}\` is missing`,
          remedy: describeKey(schema, path),
          missing: String(path.at(-1)),
        },
      ]
    return [{ path, key: false, message: inWords(issue, path.at(-1)), remedy: undefined }]
  })
}

/** Of what a value is, which is none where it is missing. */
const OF_VALUES: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union'])

/** What a schema says itself of the document, it says whole. */
function inWords({ code, message }: z.core.$ZodIssue, name: string | number | undefined): string {
  if (name === undefined && code === 'custom') return message
  return `${name ?? 'the document'}: ${message}`
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    found = (found as Readonly<Record<string | number, unknown>>)[part]
  }
  return found
}

/** The schema that a path leads to. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema
  for (const part of path) {
    while (current instanceof z.ZodDefault || current instanceof z.ZodOptional) current = current.unwrap() as z.ZodType
    if (current instanceof z.ZodObject) current = current.shape[String(part)] as z.ZodType | undefined
    else if (current instanceof z.ZodRecord) current = current.valueType as z.ZodType
    else return undefined
  }
  return current
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const found = schemaAt(schema, path)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

function describeKey(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const { description } = schemaAt(schema, path)?.meta() ?? {}
  return description === undefined ? `add ${String(path.at(-1))}: …` : `add ${String(path.at(-1))}: … (${description})`
}
