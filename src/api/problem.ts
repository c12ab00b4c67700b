/** What a request is refused with (RFC 9457), and how a Refusal becomes that. */
import { resolve } from 'node:path'
import type { z } from 'zod'
import type { Diagnostic, Refusal } from '../base/diagnostic.ts'
import type { problemShape } from './problem-shape.ts'

/** RFC 9457. */
export type Problem = z.output<typeof problemShape>
/** One thing that is wrong with a request. */
export type ProblemDetail = NonNullable<Problem['errors']>[number]

export const PROBLEM_TYPE = 'application/problem+json'

/** Statuses that are answered, and what they mean here. */
export const TITLES: Readonly<Record<number, string>> = {
  400: 'the request cannot be read',
  401: 'nobody is known by these credentials',
  403: 'the role is too small',
  404: 'there is no such thing',
  405: 'not with this method',
  406: 'not in this form',
  409: 'it is in the way of what is there',
  412: 'it has been changed meanwhile',
  413: 'the body is too large',
  415: 'the body is of another type',
  422: 'the document is refused',
  428: 'the request has to say to which revision',
  429: 'too many requests',
  500: 'a mistake of the daemon',
  501: 'not here',
  503: 'not now',
  507: 'there is no room',
}

/** Thrown by whoever refuses a request; and by the client, when its request was refused. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail ?? problem.title, options)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

export const problem = (status: number, detail?: string, more: Partial<Problem> = {}): Problem => ({
  type: 'about:blank',
  title: TITLES[status] ?? 'refused',
  status,
  ...(detail === undefined ? {} : { detail }),
  ...more,
})

export const refuse = (status: number, detail: string, remedy?: string): ProblemError =>
  new ProblemError(problem(status, detail, remedy === undefined ? {} : { errors: [{ detail, remedy }] }))

/** `/instances/switch/ports/a~1b` (RFC 6901). */
export const pointerOf = (path: readonly (string | number)[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** A Refusal's diagnostics, each at its place in the document where that is known. */
export function problemOf({ diagnostics }: Refusal, status = 422): Problem {
  const [first] = diagnostics
  return problem(status, diagnostics.length === 1 ? first?.message : `${diagnostics.length} things are wrong with it`, {
    errors: diagnostics.map(detailOf),
  })
}

const detailOf = ({ message, remedy, path, place }: Diagnostic): ProblemDetail => ({
  ...(path === undefined ? {} : { pointer: pointerOf(path) }),
  detail: message,
  ...(remedy === undefined ? {} : { remedy }),
  // Whoever reads it is somewhere else.
  ...(place === undefined ? {} : { place: { ...place, file: resolve(place.file) } }),
})
