/** How a route is declared: the server, the client's types, the OpenAPI document and the docs all derive from it. */
import type { z } from 'zod'
import { endpoint, type Method, type OperationId, type PathOf, type Placeholders } from './operations.ts'

/** Each may do what those before it may. `anybody` needs no credentials. */
export const ROLES = ['anybody', 'viewer', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** What is answered that is no JSON document: server-sent events, each with a document; a capture (pcapng); text. */
export type Stream = 'events' | 'pcapng' | 'text'

interface Parts {
  /** Who may. */
  readonly role: Role
  /** One line, as a heading. */
  readonly summary: string
  readonly description?: string
  /** The segments of the path that are in braces. */
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** What is answered when it is done; of a stream of events, each of them. */
  readonly output: z.ZodType
  readonly stream?: Stream
  /** The statuses of success: unless said, 200 alone. */
  readonly statuses?: readonly (200 | 201)[]
  /** The statuses of refusals, besides those that every route has. */
  readonly errors?: readonly number[]
  /** Changes the document of a graph, and takes `If-Match`: it is done only to that revision. */
  readonly changes?: true
}

export interface Route extends Parts {
  readonly id: OperationId
  readonly method: Method
  /** Whole, with names in braces: `/api/v1/graphs/{graph}`. */
  readonly path: string
}

type WithParams<Names extends string> = [Names] extends [never]
  ? { readonly params?: undefined }
  : { readonly params: z.ZodObject<Readonly<Record<Names, z.ZodType>>> }

/** Declares a route. Its `params` are those in its path, or it does not compile. */
export const route = <const Id extends OperationId, const P extends Parts & WithParams<Placeholders<PathOf<Id>>>>(
  id: Id,
  parts: P,
): P & { readonly id: Id; readonly method: Method; readonly path: string } => ({ ...parts, id, ...endpoint(id) })

type Given<S> = S extends z.ZodType ? z.input<S> : unknown
type Read<S> = S extends z.ZodType ? z.output<S> : unknown
type Part<R, Name extends string> = R extends { readonly [K in Name]: infer S extends z.ZodType } ? S : undefined
type Body<R> = Part<R, 'body'> extends z.ZodType ? { readonly body: Given<Part<R, 'body'>> } : unknown

/**
 * What a handler is given: names of the path, of the query with their defaults, and `body`, which is valid, and as it was sent:
 * documents stay as people write them.
 */
export type InputOf<R> = Read<Part<R, 'params'>> & Read<Part<R, 'query'>> & Body<R>

/** What a client gives. */
export type RequestOf<R> = Given<Part<R, 'params'>> & Given<Part<R, 'query'>> & Body<R>

/** What a handler makes of it, and a client is given. */
export type OutputOf<R> = R extends { readonly stream: 'events' }
  ? AsyncIterable<Given<Part<R, 'output'>>>
  : R extends { readonly stream: 'pcapng' }
    ? AsyncIterable<Uint8Array>
    : Given<Part<R, 'output'>>
