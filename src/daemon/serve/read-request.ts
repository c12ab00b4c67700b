/** What a request says → what its handler is given; everything that is wrong with it is said at once. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { answerType, bodyTypes } from '../../api/openapi.ts'
import { type ProblemDetail, ProblemError, pointerOf, problem, refuse } from '../../api/problem.ts'
import type { Route } from '../../api/route.ts'
import { suggestion } from '../../base/suggest.ts'
import { issuesOf } from '../../cube/issues.ts'
import type { Expected } from '../service/wanted.ts'

/** Names of the path and of the query, and `body`. A ProblemError: 400 where one of the names is wrong, 422 where the body is. */
export function readRequest(route: Route, request: FastifyRequest): Readonly<Record<string, unknown>> {
  const given = { ...(request.query as Readonly<Record<string, unknown>>) }
  const query = Object.fromEntries(
    Object.entries(given).map(([name, text]) => [name, asValue(route.query?.shape[name], text)]),
  )
  const names = { ...parse(route.params, request.params), ...parse(route.query, query) }
  if (route.body === undefined) return names
  const { body } = request
  if (body === undefined) throw refuse(400, 'there is no body', `send one of type ${bodyTypes(route)[0]}`)
  const parsed = route.body.safeParse(body)
  if (parsed.success) return { ...names, body }
  const errors = issuesOf(parsed.error, body, route.body).map(
    ({ path, message, remedy }): ProblemDetail => ({
      pointer: pointerOf(path),
      detail: message,
      ...(remedy === undefined ? {} : { remedy }),
    }),
  )
  throw new ProblemError(problem(422, inShort(errors), { errors }))
}

const inShort = (errors: readonly ProblemDetail[]): string =>
  errors.length === 1 ? (errors[0]?.detail ?? '') : `${errors.length} things are wrong with it`

const NOTHING = z.strictObject({})
/** Made once: each one is compiled when it is first used. */
const strictOnes = new WeakMap<z.ZodObject, z.ZodObject>()

function strictOf(schema: z.ZodObject): z.ZodObject {
  const strict = strictOnes.get(schema) ?? schema.strict()
  strictOnes.set(schema, strict)
  return strict
}

function parse(schema: z.ZodObject | undefined, given: unknown): Readonly<Record<string, unknown>> {
  const strict = schema === undefined ? NOTHING : strictOf(schema)
  const parsed = strict.safeParse(given)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap((issue): ProblemDetail[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          parameter: key,
          detail: `"${key}" is not known here`,
          remedy: suggestion(key, Object.keys(strict.shape)),
        }))
      : [{ parameter: String(issue.path[0]), detail: issue.message }],
  )
  throw new ProblemError(problem(400, inShort(errors), { errors }))
}

/** Text of a query as the value that its schema speaks of. What is none of that stays text, and is refused as that. */
function asValue(schema: unknown, text: unknown): unknown {
  let inner = schema
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap()
  if (typeof text !== 'string') return text
  if (inner instanceof z.ZodNumber && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (inner instanceof z.ZodBoolean && /^(true|false)$/.test(text)) return text === 'true'
  return text
}

/** RFC 9110, section 12.5.1. A ProblemError where the answer would be of no type that is asked for. */
export function checkAccept(route: Route, accept: string | undefined): void {
  const type = answerType(route)
  if (accept === undefined || accept.trim() === '') return
  const [group = ''] = type.split('/')
  const ranges = accept.split(',').map((one) => {
    const [range = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((part) => part.startsWith('q='))
    return { range, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
  })
  // The most specific one counts.
  const found = [type, `${group}/*`, '*/*'].flatMap((one) => ranges.find(({ range }) => range === one) ?? []).at(0)
  if (found === undefined || !(found.quality > 0)) throw refuse(406, `this is answered as ${type}`, `Accept: ${type}`)
}

/** A body of a form that is not this route's; how it is packed, too. */
export function checkContentType(route: Route, headers: FastifyRequest['headers']): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw refuse(415, `a body in ${encoding} is not unpacked`, 'send it as it is')
  const type = headers['content-type']
  if (route.body === undefined || type === undefined) return
  const [essence = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase())
  const types = bodyTypes(route)
  if (!types.includes(essence)) throw refuse(415, `the body is ${essence}`, `Content-Type: ${types[0]}`)
  const charset = parameters.find((one) => one.startsWith('charset='))?.replace(/^charset=|"/g, '')
  if (charset !== undefined && charset !== 'utf-8')
    throw refuse(415, `JSON is UTF-8, and not ${charset}`, `Content-Type: ${types[0]}`)
}

/** If-Match and If-None-Match (RFC 9110, section 13.1) of a change. */
export function expectedOf(headers: FastifyRequest['headers']): Expected {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (noneMatch !== undefined && noneMatch.trim() !== '*')
    throw refuse(400, 'If-None-Match of a change is *: only if there is none yet', 'If-None-Match: *')
  const none = noneMatch === undefined ? {} : { none: true }
  if (match === undefined) return none
  if (match.trim() === '*') return { ...none, revision: '*' }
  // A weak one never is the same.
  const tag = /^\s*"([\x21\x23-\x7e\x80-\xff]*)"\s*$/.exec(match)?.[1]
  if (tag === undefined) throw refuse(400, `If-Match: ${match} is no single strong entity tag`, 'If-Match: "REVISION"')
  return { ...none, revision: tag }
}
