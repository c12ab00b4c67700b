/**
 * The API as functions: `client.getGraph({ graph: 'office' })`. What they take and give follows from the routes, of which nothing is
 * loaded when it runs.
 */
import { readEvents } from './events.ts'
import { endpoint, OPERATIONS, type OperationId, OUTSIDE } from './operations.ts'
import type { Output, Request } from './routes.ts'
import { type Answered, type Endpoint, type Options, openTransport } from './transport.ts'

export { type Problem, type ProblemDetail, ProblemError } from './problem.ts'
export { type Endpoint, Unreachable } from './transport.ts'

export interface CallOptions {
  /** Only if this is the revision that there is; a ProblemError of 412 otherwise. `*`: only if there is one. */
  readonly ifMatch?: string | undefined
  /** `*`: only if there is none yet. */
  readonly ifNoneMatch?: '*' | undefined
  /** Of events: the last one that was seen. */
  readonly lastEventId?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Answer<T> {
  readonly status: number
  /** Of what was answered (ETag). */
  readonly revision: string | undefined
  readonly body: T
}

type Call<Id extends OperationId> =
  Record<never, never> extends Request<Id>
    ? (request?: Request<Id>, options?: CallOptions) => Promise<Answer<Output<Id>>>
    : (request: Request<Id>, options?: CallOptions) => Promise<Answer<Output<Id>>>

/** Throws a ProblemError where a request is refused, and {@link Unreachable} where nobody answers. */
export type Client = { readonly [Id in OperationId]: Call<Id> } & Disposable

export function openClient(to: Endpoint): Client {
  const transport = openTransport(to)
  const ids = [...Object.keys(OPERATIONS), ...Object.keys(OUTSIDE)] as OperationId[]
  const calls = ids.map((id) => [
    id,
    async (request: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}) =>
      answerOf(await transport.send(optionsOf(id, request, options))),
  ])
  return { ...Object.fromEntries(calls), [Symbol.dispose]: () => transport[Symbol.dispose]() } as Client
}

/** What is in the path goes there, `body` is the body, and the rest is the query. */
function optionsOf(id: OperationId, request: Readonly<Record<string, unknown>>, options: CallOptions): Options {
  const { method, path } = endpoint(id)
  const { body, ...rest } = request
  const query = new URLSearchParams()
  let filled: string = path
  for (const [name, value] of Object.entries(rest)) {
    const place = `{${name}}`
    if (path.includes(place)) filled = filled.replace(place, () => segment(String(value)))
    else if (value !== undefined) query.append(name, String(value))
  }
  const { ifMatch, ifNoneMatch, lastEventId, signal } = options
  const isMerge = method === 'PATCH'
  return {
    method,
    path: query.size === 0 ? filled : `${filled}?${query}`,
    headers: {
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch === '*' ? '*' : `"${ifMatch}"` }),
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...(body === undefined ? {} : { 'content-type': isMerge ? 'application/merge-patch+json' : 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  }
}

/** `.` and `..` would go up, even with their dots written as %2E. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') throw new RangeError(`${JSON.stringify(text)} is no name`)
  return encodeURIComponent(text)
}

async function answerOf({ status, headers, stream, text }: Answered): Promise<Answer<unknown>> {
  const type = headers['content-type'] ?? ''
  const revision = /^(?:W\/)?"(.*)"$/.exec(headers.etag ?? '')?.[1]
  const answer = (body: unknown) => ({ status, revision, body })
  if (type.startsWith('text/event-stream')) return answer(documents(stream))
  if (type.startsWith('application/vnd.tcpdump.pcap')) return answer(stream)
  const whole = await text()
  return answer(type.startsWith('application/json') ? JSON.parse(whole) : whole)
}

async function* documents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  for await (const { data } of readEvents(stream)) yield JSON.parse(data)
}
