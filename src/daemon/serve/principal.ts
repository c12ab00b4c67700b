/** Who asks, as far as the server has to know. */
import type { FastifyRequest } from 'fastify'
import type { Problem } from '../../api/problem.ts'
import type { Role, Route } from '../../api/route.ts'

export interface Principal {
  /** For the audit: who it was. */
  readonly name: string
  readonly role: Role
}

/** Decides about each request before anything else of it is looked at; a problem (401, 403, 429) is its answer. */
export type Authorize = (request: FastifyRequest, route: Route) => Principal | Problem | Promise<Principal | Problem>
