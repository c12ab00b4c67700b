/** The routes as an OpenAPI document (3.1.1), with JSON Schema of draft 2020-12. */
import { z } from 'zod'
import { OUTSIDE } from './operations.ts'
import { PROBLEM_TYPE, TITLES } from './problem.ts'
import { problemShape } from './problem-shape.ts'
import type { Route } from './route.ts'
import { ROUTES } from './routes.ts'

type Json = Readonly<Record<string, unknown>>

/** What every route may answer besides its own. */
const EVERYWHERE = [400, 401, 403, 406, 429, 500, 503]
const WITH_BODY = [413, 415, 422]
/** What is asked for is kept, and so is who asked for it. */
const CHANGING = [507]

export const errorsOf = ({ errors = [], body, method }: Route): readonly number[] => {
  const all = [
    ...EVERYWHERE,
    ...errors,
    ...(body === undefined ? [] : WITH_BODY),
    ...(method === 'GET' ? [] : CHANGING),
  ]
  return [...new Set(all)].sort()
}

const TYPES = { events: 'text/event-stream', pcapng: 'application/vnd.tcpdump.pcap', text: 'text/plain' } as const

/** The media type of what a route answers. */
export const answerType = ({ stream }: Route): string => (stream === undefined ? 'application/json' : TYPES[stream])

/** The media types that a body may have. */
export const bodyTypes = ({ method }: Route): readonly string[] =>
  method === 'PATCH' ? ['application/merge-patch+json', 'application/json'] : ['application/json']

export function describeApi(version: string): Json {
  const parts = new Components()
  const routes: readonly Route[] = Object.values(ROUTES)
  const problem = parts.refer(problemShape)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = paths[route.path] ?? {}
    path[route.method.toLowerCase()] = operation(route, parts, problem)
    paths[route.path] = path
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tessera',
      version,
      summary: 'Network functions of the Linux kernel, as graphs',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: parts.schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        certificate: { type: 'mutualTLS' },
      },
    },
  }
}

function operation(route: Route, parts: Components, problem: Json): Json {
  const { id, role, summary, description, body, stream, output, statuses = [200] } = route
  const tag = id in OUTSIDE ? 'outside' : (route.path.split('/')[3] ?? '')
  const success = {
    description: 'done',
    content: { [answerType(route)]: stream === 'pcapng' ? {} : { schema: parts.refer(output) } },
    ...(route.changes === true || id === 'getGraph'
      ? { headers: { ETag: { description: 'the revision that there is now', schema: { type: 'string' } } } }
      : {}),
  }
  const refused = (status: number) => ({
    description: TITLES[status] ?? 'refused',
    content: { [PROBLEM_TYPE]: { schema: problem } },
  })
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    'x-role': role,
    // Over the Unix socket, none is needed: who may open it is known.
    security: role === 'anybody' ? [] : [{}, { token: [] }, { certificate: [] }],
    parameters: parametersOf(route, parts),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(bodyTypes(route).map((type) => [type, { schema: parts.refer(body) }])),
          },
        }),
    responses: Object.fromEntries([
      ...statuses.map((status) => [status, success]),
      ...errorsOf(route).map((status) => [status, refused(status)]),
    ]),
  }
}

function parametersOf({ params, query, changes, stream }: Route, parts: Components): readonly Json[] {
  const from = (schema: z.ZodObject | undefined, where: string): Json[] =>
    Object.entries(schema?.shape ?? {}).map(([name, given]) => {
      const { description, ...schema } = parts.refer(given as z.ZodType)
      return {
        name,
        in: where,
        required: where === 'path' || !(given as z.ZodType).safeParse(undefined).success,
        ...(description === undefined ? {} : { description }),
        schema,
      }
    })
  const header = (name: string, description: string): Json => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  })
  return [
    ...from(params, 'path'),
    ...from(query, 'query'),
    ...(changes === true
      ? [
          header('If-Match', 'only if this is the revision that there is; `*`: only if there is one'),
          header('If-None-Match', '`*`: only if there is none yet'),
        ]
      : []),
    ...(stream === 'events' ? [header('Last-Event-ID', 'the last one that was seen')] : []),
  ]
}

/** Schemas with a name of their own, each once. */
class Components {
  readonly schemas: Record<string, Json> = {}

  /** JSON Schema of what is given, before defaults, and of what is answered. Named ones by reference. */
  refer(schema: z.ZodType): Json {
    const {
      $schema,
      $defs = {},
      ...own
    } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json & {
      readonly $defs?: Readonly<Record<string, Json>>
    }
    for (const [id, definition] of Object.entries($defs)) this.schemas[id] = lead(definition) as Json
    const id = schema.meta()?.id
    if (id === undefined) return lead(own) as Json
    // One that is within itself, or is used by others, is among the definitions already.
    if (!(id in $defs)) this.schemas[id] = lead(own) as Json
    return { $ref: `#/components/schemas/${id}` }
  }
}

/** References lead to the components, and names are theirs. */
function lead(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lead)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
    if (key === 'id' && typeof one === 'string') return []
    if (key === '$ref' && typeof one === 'string') return [[key, one.replace('#/$defs/', '#/components/schemas/')]]
    return [[key, lead(one)]]
  })
  return Object.fromEntries(entries)
}
