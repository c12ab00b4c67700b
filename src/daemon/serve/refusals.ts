/** Whatever was thrown, as a problem (RFC 9457). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_TYPE, type Problem, ProblemError, problem, problemOf } from '../../api/problem.ts'
import { Refusal } from '../../base/diagnostic.ts'

export function problemFor(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof Refusal) return problemOf(error)
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  // What the server found wrong before a route had it.
  if (status >= 400 && status < 500) return problem(status, error instanceof Error ? error.message : undefined)
  return problem(500, 'something that was not expected; the log of the daemon has more')
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, given: Problem): FastifyReply {
  const [path = ''] = request.url.split('?')
  return reply
    .code(given.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify({ ...given, instance: given.instance ?? path }))
}
