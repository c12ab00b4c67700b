/** Whatever was thrown, as a problem (RFC 9457). */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_TYPE, type Problem, ProblemError, problem, problemOf } from '../../api/problem.ts'
import { Refusal } from '../../base/diagnostic.ts'
import { Occupied } from '../../kernel/lock.ts'
import { NoRoom } from '../../store/store.ts'

export function problemFor(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof NoRoom) return problemOf(error, 507)
  if (error instanceof Occupied) return problemOf(error, 409)
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

/** Of what is no request at all, by the codes of Node.js and of its parser. */
const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers on the connection itself, which nobody reads from any more. */
export function refuseConnection({ code, message }: Error & { readonly code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = STATUS[code ?? ''] ?? 400
  const body = JSON.stringify(problem(status, message))
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
