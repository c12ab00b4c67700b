/** The graphs that are wanted, which is what handlers know of where they are kept and how they come to run. */
import type { Output } from '../../api/routes.ts'
import type { GraphDocument } from '../../cube/document.ts'
import type { Action } from '../../engine/plan/plan.ts'

export interface WantedGraph {
  readonly name: string
  /** As somebody wrote it, without what defaults are. */
  readonly document: GraphDocument
  readonly revision: string
}

/** Which revision a change is meant for: any, unless said. */
export interface Expected {
  /** This one; `*`: any, but there is one. */
  readonly revision?: string | undefined
  /** There is none. */
  readonly none?: boolean | undefined
}

export interface Made {
  readonly actions: readonly Action[]
  /** The revision that there is now; undefined where the graph is gone. */
  readonly revision: string | undefined
  /** Entries for which there was no room any more. */
  readonly lost: number
  /** Why something is left of what was there before, where something is: the change is made. */
  readonly left?: string | undefined
}

/**
 * A change is there when its promise is kept, whatever happens then to the process; where it is refused, nothing has changed: with a
 * Refusal where the graph is wrong or cannot be applied, with a ProblemError of 412 where the revision is another, of 409 where
 * somebody else's change came in between.
 */
export interface Wanted {
  list(): Promise<readonly WantedGraph[]>
  get(name: string): Promise<WantedGraph | undefined>
  /** How it does: what there is to say besides what the engine knows. */
  state(name: string): Pick<Output<'listGraphs'>[number], 'state' | 'reason'> | undefined
  /** What {@link put} would do, and be refused with. */
  plan(name: string, document: GraphDocument, expected: Expected): Promise<Made>
  /** `refused` is called where it is, before what was is made sure of. */
  put(name: string, document: GraphDocument, expected: Expected, refused?: () => void): Promise<Made>
  planDeletion(name: string, expected: Expected): Promise<Made>
  delete(name: string, expected: Expected): Promise<Made>
}
