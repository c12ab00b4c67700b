/** What a handler is: a route without one does not compile. */
import type { OperationId } from '../../api/operations.ts'
import type { Input, Output } from '../../api/routes.ts'
import type { Principal } from '../access/role.ts'
import type { Expected } from './wanted.ts'

export interface Context {
  /** Undefined where it is for anybody. */
  readonly principal: Principal | undefined
  /** Of If-Match and If-None-Match. */
  readonly expected: Expected
  readonly lastEventId: string | undefined
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Says 201: it is new. */
  created(): void
  /** Says which revision was answered (ETag). */
  revision(revision: string): void
}

export type Handler<Id extends OperationId> = (input: Input<Id>, context: Context) => Output<Id> | Promise<Output<Id>>

/** Refusals become 422, ProblemErrors what they say. */
export type Handlers = { readonly [Id in OperationId]: Handler<Id> }
