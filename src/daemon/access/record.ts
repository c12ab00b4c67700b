/** Which requests are changes, and what the {@link Audit} is told of them. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Answered, Asked, Audit, Operation, Revised } from './audit.ts'
import { principalText } from './role.ts'
import { Sparing } from './sparing.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The name of the route, where it is one of the API. */
    id?: string
  }
  interface FastifyRequest {
    ended: ((answered: Answered) => Promise<Operation>) | undefined
  }
}

export interface RecordOptions {
  readonly audit: Audit
  /** A graph as it is wanted now; undefined where there is none. */
  readonly revised: (graph: string) => Promise<Revised | undefined>
  /** Milliseconds; their differences count. */
  readonly now?: () => number
}

/** Lines of the log on requests that were refused because of who asked, of each, in so many milliseconds. */
const REFUSALS = { most: 10, window: 60_000 }

/** For all routes that are added afterwards. A change that cannot be recorded is not begun. */
export function record(
  app: FastifyInstance,
  { audit, revised, now = performance.now.bind(performance) }: RecordOptions,
): void {
  const refusals = new Sparing({ ...REFUSALS, now })
  app.decorateRequest('ended', undefined)
  const current = async ({ graph }: Pick<Asked, 'graph'>) => (graph === undefined ? undefined : await revised(graph))

  app.addHook('preHandler', async (request) => {
    const asked = askedBy(request)
    if (asked !== undefined)
      request.ended = await audit.begin({ ...asked, before: await current(asked), body: request.body })
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const asked = askedBy(request)
    if (asked === undefined) return
    const { statusCode: status } = reply
    const detail = status < 400 ? undefined : detailOf(payload)
    // Whoever may not could push out of the audit what others did.
    if (status === 403 && request.ended === undefined) return refused(request, asked, detail)
    const { id, who, what, target } = await end(request, asked, { status, detail })
    request.log.info({ operation: id, who, what, target, status, detail }, 'change')
  })

  function refused(request: FastifyRequest, { who, what, target }: Asked, detail: string | undefined): void {
    const name = principalText(who)
    const told = refusals.next(name)
    if (told !== undefined) request.log.warn({ who: name, what, target, status: 403, detail, ...told }, 'refused')
  }

  async function end(request: FastifyRequest, asked: Asked, answered: Answered) {
    const { what, target } = asked
    const said = { id: undefined, who: principalText(asked.who), what, target }
    try {
      // What could not be read was never a change.
      if (request.ended !== undefined) return await request.ended({ ...answered, after: await current(asked) })
    } catch (error) {
      // That it was begun is kept already.
      request.log.error({ err: error }, 'what came of a change could not be recorded')
    }
    return said
  }
}

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function askedBy(request: FastifyRequest): Asked | undefined {
  const { method, principal: who, params, query, routeOptions } = request
  const { id: what } = routeOptions.config
  if (what === undefined || who === undefined || READING.has(method)) return undefined
  if (own(query, 'dryRun') === 'true') return undefined
  const graph = own(params, 'graph')
  return { who, what, target: request.url.split('?', 1)[0] ?? '', ...(graph === undefined ? {} : { graph }) }
}

function own(given: unknown, name: string): string | undefined {
  if (typeof given !== 'object' || given === null || !Object.hasOwn(given, name)) return undefined
  const value = (given as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'string' ? value : undefined
}

/** Of a problem document. */
function detailOf(payload: unknown): string | undefined {
  try {
    const problem: unknown = typeof payload === 'string' ? JSON.parse(payload) : undefined
    return own(problem, 'detail') ?? own(problem, 'title')
  } catch {
    return undefined
  }
}
