/** A change says which revision it is meant for, and is told what differs where there is another one. */
import { ProblemError, pointerOf, problem } from '../../api/problem.ts'
import { patchBetween } from '../../base/merge-patch.ts'
import { Compacted, type Entry, type Store } from '../../store/store.ts'
import type { Expected } from './wanted.ts'

/** Differences that are told of. */
const MOST = 20

/** A ProblemError of 412 where it is not. */
export async function mustBeAsExpected(
  store: Store,
  key: string,
  name: string,
  entry: Entry | undefined,
  { revision, none = false }: Expected,
): Promise<void> {
  const wrong = (detail: string, errors: readonly Difference[] = []) =>
    new ProblemError(
      problem(412, detail, {
        ...(entry === undefined ? {} : { revision: String(entry.revision) }),
        ...(errors.length === 0 ? {} : { errors: [...errors] }),
      }),
    )
  if (none && entry !== undefined) throw wrong(`there is a graph ${name} already, at revision ${entry.revision}`)
  if (revision === undefined || revision === String(entry?.revision)) return
  if (entry === undefined) throw wrong(`there is no graph ${name}`)
  if (revision === '*') return
  const before = await valueAt(store, key, Number(revision), entry.revision)
  const errors = before === undefined ? [] : differences(JSON.parse(before), JSON.parse(entry.value))
  throw wrong(`the graph ${name} is at revision ${entry.revision}, and not at ${revision} any more`, errors)
}

/** As it was at an earlier revision of its own; undefined where that is not known any more. */
async function valueAt(store: Store, key: string, at: number, now: number): Promise<string | undefined> {
  if (!Number.isInteger(at) || at < 1 || at >= now) return undefined
  try {
    // There is one at least: the present one.
    for await (const { revision, changes } of store.watch(key, { after: at - 1 })) {
      if (revision > at) return undefined
      const found = changes.find((change) => change.key === key)
      if (found !== undefined) return found.value
    }
  } catch (error) {
    if (!(error instanceof Compacted)) throw error
  }
  return undefined
}

interface Difference {
  readonly pointer: string
  readonly detail: string
}

function differences(before: unknown, after: unknown): Difference[] {
  const leaves = (patch: unknown, path: readonly string[]): Difference[] => {
    if (typeof patch === 'object' && patch !== null && !Array.isArray(patch))
      return Object.entries(patch).flatMap(([part, one]) => leaves(one, [...path, part]))
    return [{ pointer: pointerOf(path), detail: patch === null ? 'is gone' : `is ${JSON.stringify(patch)} now` }]
  }
  return leaves(patchBetween(before, after), []).slice(0, MOST)
}
