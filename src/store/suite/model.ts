/** A store against the simplest thing that could be one: all that was ever committed, in a list. */
import fc from 'fast-check'
import { expect } from 'vitest'
import {
  type Change,
  type Commit,
  Compacted,
  Conflict,
  type HistoryBound,
  type Operation,
  type Store,
} from '../store.ts'

const BOUND: HistoryBound = { commits: 5, characters: 60 }

/** Few, some of which begin like others, so that they meet. */
const key = fc.constantFrom('a', 'a/', 'a/1', 'a/12', 'a/2', 'a0', 'b', 'b/~', '~')
const prefix = fc.constantFrom('', 'a', 'a/', 'a/1', 'b/', 'c', '~')
const value = fc.string({ unit: 'grapheme', maxLength: 12 })

/** Of what the model has: the right one, one that was right before, or whatever. */
const expected = fc.constantFrom('any', 'none', 'right', 'old')
type Expected = 'any' | 'none' | 'right' | 'old'

const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('put' as const), key, value, expected }) },
  fc.record({ do: fc.constant('delete' as const), key, expected }),
  fc.record({ do: fc.constant('check' as const), key, expected }),
)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      operations: fc.uniqueArray(operation, { selector: ({ key }) => key, maxLength: 4 }),
    }),
  },
  fc.record({
    do: fc.constant('list' as const),
    prefix,
    after: fc.option(key, { nil: undefined }),
    limit: fc.option(fc.nat(4), { nil: undefined }),
    descending: fc.boolean(),
  }),
  fc.record({ do: fc.constant('get' as const), key }),
  fc.record({ do: fc.constant('watch' as const), prefix, back: fc.nat(7) }),
  fc.record({ do: fc.constant('reopen' as const) }),
)

class Model {
  readonly commits: Commit[] = []

  get revision(): number {
    return this.commits.length
  }

  entries() {
    const found = new Map<string, { key: string; value: string; revision: number }>()
    for (const { revision, changes } of this.commits)
      for (const { key, value } of changes)
        if (value === undefined) found.delete(key)
        else found.set(key, { key, value, revision })
    return found
  }

  revisionOf(key: string, which: Expected): number | undefined {
    const found = this.entries().get(key)?.revision ?? 0
    return { any: undefined, none: 0, right: found, old: found - 1 }[which]
  }

  /** Whether what was expected is so. */
  commit(operations: readonly (Operation & { readonly key: string })[]): boolean {
    const before = this.entries()
    const revisionOf = (key: string) => before.get(key)?.revision ?? 0
    if (!operations.every(({ key, expected }) => expected === undefined || expected === revisionOf(key))) return false
    const changes = operations.flatMap((one): Change[] => {
      if ('put' in one) return [{ key: one.key, value: one.value }]
      return 'delete' in one && before.has(one.key) ? [{ key: one.key, value: undefined }] : []
    })
    if (changes.length > 0) this.commits.push({ revision: this.revision + 1, changes })
    return true
  }

  /** The revision after which all is known. */
  get oldest(): number {
    const lengths = this.commits.map(({ changes }) =>
      changes.reduce((sum, { key, value = '' }) => sum + key.length + value.length, 0),
    )
    let kept = 0
    let characters = 0
    // A commit that had to go is not there again because shorter ones follow: what is kept is always the newest part.
    while (kept < lengths.length && kept < BOUND.commits) {
      characters += lengths[lengths.length - 1 - kept] ?? 0
      if (kept > 0 && characters > BOUND.characters) break
      kept++
    }
    this.#oldest = Math.max(this.#oldest, this.revision - kept)
    return this.#oldest
  }

  #oldest = 0
}

export async function againstModel(
  open: (history: HistoryBound) => Promise<Store>,
  reopen: ((store: Store) => Promise<Store>) | undefined,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let store = await open(BOUND)
      const model = new Model()
      try {
        for (const one of steps) {
          if (one.do === 'reopen') store = (await reopen?.(store)) ?? store
          else await follow(store, model, one)
        }
      } finally {
        await store[Symbol.asyncDispose]()
      }
    }),
    { numRuns: 60 },
  )
}

type Step = Exclude<typeof step extends fc.Arbitrary<infer S> ? S : never, { do: 'reopen' }>

async function follow(store: Store, model: Model, step: Step): Promise<void> {
  switch (step.do) {
    case 'commit': {
      const operations = step.operations.map((one) => {
        const expected = model.revisionOf(one.key, one.expected)
        if (one.do === 'check') return { key: one.key, check: one.key, expected: expected ?? 0 }
        const { key } = one
        return one.do === 'put' ? { key, put: key, value: one.value, expected } : { key, delete: key, expected }
      })
      const plain = operations.map(({ key: _, ...operation }) => operation)
      if (model.commit(operations)) expect(await store.commit(plain)).toBe(model.revision)
      else await expect(store.commit(plain)).rejects.toThrow(Conflict)
      expect(model.oldest).toBeLessThanOrEqual(model.revision)
      return
    }
    case 'get':
      expect(await store.get(step.key)).toEqual(model.entries().get(step.key))
      return
    case 'list': {
      const all = [...model.entries().values()]
        .filter(({ key }) => key.startsWith(step.prefix))
        .sort((a, b) => (a.key < b.key === step.descending ? 1 : -1))
      const { after, limit, descending } = step
      const rest = after === undefined ? all : all.filter(({ key }) => (descending ? key < after : key > after))
      const entries = rest.slice(0, limit)
      expect(await store.list(step.prefix, { after, limit, descending })).toEqual({ revision: model.revision, entries })
      return
    }
    case 'watch': {
      const after = Math.max(0, model.revision - step.back)
      const told = model.commits.slice(after).flatMap(({ revision, changes }) => {
        const seen = changes.filter(({ key }) => key.startsWith(step.prefix))
        return seen.length === 0 ? [] : [{ revision, changes: seen }]
      })
      const watch = store.watch(step.prefix, { after })[Symbol.asyncIterator]()
      if (after < model.oldest) await expect(watch.next()).rejects.toThrow(Compacted)
      else for (const commit of told) expect((await watch.next()).value).toEqual(commit)
      await watch.return?.()
    }
  }
}
