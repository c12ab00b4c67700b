/** Before anything of a request is read but its header: who asks, whether that role may, and not too often. */
import type { Socket } from 'node:net'
import rateLimit, { type CreateRateLimitOptions } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_TYPE, problem } from '../../api/problem.ts'
import { type Limits, Streams } from './limits.ts'
import { type Identity, includes, type Needed, NOBODY, type Principal, principalText } from './role.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may, at least. Every route says so. */
    role?: Needed
    /** Its answers do not end by themselves. */
    stream?: boolean
  }
  interface FastifyRequest {
    /** Set in every handler. */
    principal: Principal | undefined
  }
}

export interface AccessOptions {
  /** Who is at the other end of a connection, with what the header field Authorization says. */
  readonly identify: (socket: Socket, authorization: string | undefined) => Identity
  readonly limits: Limits
}

/** For all routes that are added to `app` afterwards. One without a role is an Error. */
export async function authorize(app: FastifyInstance, { identify, limits }: AccessOptions): Promise<void> {
  await app.register(rateLimit, { global: false })
  const second = (max: number, keyGenerator: (request: FastifyRequest) => string): CreateRateLimitOptions => ({
    max,
    timeWindow: 1_000,
    keyGenerator,
  })
  const whose = ({ principal = NOBODY, ip }: FastifyRequest) => (principal === NOBODY ? ip : principalText(principal))
  const rate = app.createRateLimit(second(limits.rate, whose))
  const failures = app.createRateLimit(second(limits.failures, ({ ip }) => ip))
  const streams = new Streams(limits)

  app.decorateRequest('principal', undefined)
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.role === undefined) throw new Error(`nobody has said who may ${method} ${url}`)
  })
  app.addHook('onRequest', async (request, reply) => {
    // Of a path that is not there, whoever is known may know that.
    const { role = 'viewer', stream = false } = request.routeOptions.config
    const identity = identify(request.raw.socket, request.headers.authorization)
    if (identity.is !== 'known' && role !== 'anybody') {
      const limit = await failures(request)
      if (!limit.isAllowed && limit.isExceeded) return tooMany(request, reply, limit.ttlInSeconds)
      return unauthorized(request, reply, identity)
    }
    const principal = identity.is === 'known' ? identity.principal : NOBODY
    request.principal = principal
    const limit = await rate(request)
    if (!limit.isAllowed && limit.isExceeded) return tooMany(request, reply, limit.ttlInSeconds)
    if (!includes(principal.role, role)) return forbidden(request, reply, principal, role)
    if (!stream) return
    const entered = streams.enter(principalText(principal))
    if (entered === undefined) return refuse(request, reply, 429, 'too many streams are open: close one')
    // Who may not any more sees no more.
    const still = setInterval(() => {
      const now = identify(request.raw.socket, request.headers.authorization)
      if (now.is !== 'known' || !includes(now.principal.role, role)) reply.raw.destroy()
    }, limits.streamCheck)
    still.unref()
    reply.raw.once('close', () => {
      clearInterval(still)
      entered[Symbol.dispose]()
    })
  })
}

function refuse(request: FastifyRequest, reply: FastifyReply, status: number, detail: string): FastifyReply {
  const instance = request.url.split('?', 1)[0] ?? ''
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problem(status, detail, { instance })))
}

const UNKNOWN =
  'say who you are: a client certificate, or the header field Authorization: Bearer TOKEN (tessera token add makes one)'

/** RFC 6750, section 3. */
function unauthorized(request: FastifyRequest, reply: FastifyReply, identity: Exclude<Identity, { is: 'known' }>) {
  const challenge = 'Bearer realm="tessera"'
  const isRefused = identity.is === 'refused'
  reply.header('www-authenticate', isRefused ? `${challenge}, error="invalid_token"` : challenge)
  // What it has sent behind its header is not read.
  reply.header('connection', 'close')
  return refuse(request, reply, 401, isRefused ? identity.why : UNKNOWN)
}

function forbidden(request: FastifyRequest, reply: FastifyReply, principal: Principal, role: Needed) {
  reply.header('www-authenticate', `Bearer realm="tessera", error="insufficient_scope", scope="${role}"`)
  const detail = `${principalText(principal)} is ${principal.role}, and this takes ${role}`
  return refuse(request, reply, 403, detail)
}

function tooMany(request: FastifyRequest, reply: FastifyReply, seconds: number) {
  reply.header('retry-after', Math.max(1, seconds))
  return refuse(request, reply, 429, 'too many requests in a second: ask more slowly')
}
