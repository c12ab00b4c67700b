/** The API over HTTP: the routes as they are declared, answered by handlers. */
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { answerType } from '../../api/openapi.ts'
import { ProblemError, problem, refuse } from '../../api/problem.ts'
import type { Route } from '../../api/route.ts'
import { ROUTES } from '../../api/routes.ts'
import { parseJson } from '../../base/json.ts'
import { LIMITS, type Limits, serverLimits } from '../access/limits.ts'
import type { Context, Handlers } from '../service/handlers.ts'
import type { Expected } from '../service/wanted.ts'
import { checkAccept, checkContentType, expectedOf, readRequest } from './read-request.ts'
import { problemFor, refuseConnection, sendProblem } from './refusals.ts'
import { pourBytes, pourEvents } from './streams.ts'

export interface ServerOptions {
  readonly handlers: Handlers
  readonly limits?: Limits
  /** The network namespace whose interfaces are meant, for those who may be in another one of the same host. */
  readonly namespace?: string
  /** Before the routes: who may. It has to give each request its principal. */
  readonly prepare: (app: FastifyInstance) => Promise<void>
  readonly log?: FastifyBaseLogger
  /** Milliseconds between two lines of a stream of events in which nothing happens. */
  readonly heartbeat?: number
  /** What handlers make is looked at, too: for tests. */
  readonly checked?: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What its route takes, valid. */
    input: Readonly<Record<string, unknown>>
    expected: Expected
  }
}

/** Everything but the doors. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { limits = LIMITS, log, namespace } = options
  const app = fastify({
    ...serverLimits(limits),
    ...(log === undefined ? {} : { loggerInstance: log }),
    logController: new LogController({ disableRequestLogging: true }),
    // Whatever is too long is refused by what it is, and a header has its own limit.
    routerOptions: { maxParamLength: limits.headers },
    // Each has its own, so that none of an answer that would not end begins.
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => refuseConnection(error, socket),
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, problemFor(error)),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    async (_: FastifyRequest, body: Buffer) => readJson(body),
  )
  app.setErrorHandler((error, request, reply) => {
    const found = problemFor(error)
    if (found.status === 413) found.detail = `the daemon takes ${limits.body} bytes at most`
    // One that was meant is no failure of ours.
    if (found.status >= 500 && !(error instanceof ProblemError))
      request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed')
    const isHere = request.socket.remoteAddress === undefined
    return sendProblem(request, reply, isHere && namespace !== undefined ? { ...found, namespace } : found)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      problem(404, 'there is nothing at this path: GET /api/v1/openapi.json tells what there is'),
    ),
  )
  app.decorateRequest('input')
  app.decorateRequest('expected')
  await options.prepare(app)
  addRoutes(app, options)
  return app
}

function readJson(body: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (error) {
    throw new ProblemError(problem(400, 'the body is not UTF-8'), { cause: error })
  }
  try {
    return parseJson(text)
  } catch (error) {
    throw new ProblemError({ ...problemFor(error), ...problem(400, error instanceof Error ? error.message : '') })
  }
}

function addRoutes(app: FastifyInstance, options: ServerOptions): void {
  const routes: readonly Route[] = Object.values(ROUTES)
  const methods = new Map<string, string[]>()
  for (const route of routes) {
    const url = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    const config = { id: route.id, role: route.role, stream: route.stream === 'events' || route.stream === 'pcapng' }
    const handler = (request: FastifyRequest, reply: FastifyReply) => answer(route, options, request, reply)
    // What cannot be read is refused before anybody takes it for a change.
    const preValidation = async (request: FastifyRequest) => {
      checkAccept(route, request.headers.accept)
      request.input = readRequest(route, request)
      request.expected = route.changes === true ? expectedOf(request.headers) : {}
    }
    // Before its body is read: it may be of a kind that nobody reads.
    const preParsing = async (request: FastifyRequest) => checkContentType(route, request.headers)
    app.route({ method: route.method, url, config, handler, preParsing, preValidation })
    const known = methods.get(url) ?? []
    methods.set(url, [...known, route.method, ...(route.method === 'GET' ? ['HEAD'] : [])])
    if (route.method === 'GET')
      app.route({ method: 'HEAD', url, config: { id: route.id, role: route.role }, handler, preValidation })
  }
  for (const [url, known] of methods) addOthers(app, url, known)
}

/** A path that is there, by another method. */
function addOthers(app: FastifyInstance, url: string, known: readonly string[]): void {
  const allow = [...known, 'OPTIONS'].join(', ')
  const config = { role: 'viewer' } as const
  app.options(url, { config }, (_, reply) => reply.code(204).header('allow', allow).send())
  const others = app.supportedMethods.filter((method) => method !== 'OPTIONS' && !known.includes(method))
  app.route({
    method: others,
    url,
    config,
    // Whatever it has for a body.
    preParsing: async ({ method }, reply) => {
      reply.header('allow', allow)
      throw new ProblemError(
        problem(405, `${method} is not for this path`, { errors: [{ detail: `it takes ${allow}` }] }),
      )
    },
    handler: () => {},
  })
}

async function answer(
  route: Route,
  options: ServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { principal, input, expected } = request
  if (principal === undefined && route.role !== 'anybody') throw refuse(401, 'nobody has said who asks')
  // Answers that do not end begin with nothing: what there is to say of them is their type.
  if (request.method === 'HEAD' && route.stream !== undefined) return reply.type(answerType(route)).send()
  const end = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) end.abort()
  })
  const context: Context = {
    principal,
    expected,
    lastEventId: textOf(request.headers['last-event-id']),
    signal: end.signal,
    created: () => void reply.code(201),
    revision: (revision) => void reply.header('etag', `"${revision}"`),
  }
  const handle = options.handlers[route.id] as (input: unknown, context: Context) => unknown
  const output = await handle(input, context)
  if (route.stream === 'events' || route.stream === 'pcapng') return stream(route, options, reply, output)
  if (options.checked === true) route.output.parse(output)
  if (request.method === 'HEAD' || request.method === 'GET') {
    const tag = reply.getHeader('etag')
    if (tag !== undefined && request.headers['if-none-match'] === tag) return reply.code(304).send()
  }
  return reply.type(answerType(route)).send(typeof output === 'string' ? output : JSON.stringify(output))
}

function stream(
  route: Route,
  { heartbeat = 15_000, checked = false }: ServerOptions,
  reply: FastifyReply,
  output: unknown,
) {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, { 'content-type': answerType(route), 'cache-control': 'no-store' })
  const poured =
    route.stream === 'events'
      ? pourEvents(
          raw,
          checked ? checkedEvents(route, output as AsyncIterable<object>) : (output as AsyncIterable<object>),
          heartbeat,
        )
      : pourBytes(raw, output as AsyncIterable<Uint8Array>)
  // Its status has been said: all that is left to say is that it ends.
  poured.catch((error: unknown) => reply.log.error({ err: error, route: route.path }, 'a stream failed'))
}

async function* checkedEvents({ output }: Route, events: AsyncIterable<object>): AsyncGenerator<object> {
  for await (const event of events) {
    output.parse(event)
    yield event
  }
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header
