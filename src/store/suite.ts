/** What every store must do: one suite, in the words of {@link Store}. */
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Commit, Compacted, Conflict, type HistoryBound, LONGEST_KEY, type Store } from './store.ts'
import { againstModel } from './suite/model.ts'

export interface StoreSuite {
  /** A store with nothing in it. */
  open(history?: HistoryBound): Promise<Store>
  /** The same again, closed before; undefined where it ends with its process. */
  readonly reopen?: ((store: Store) => Promise<Store>) | undefined
}

/** The first so many commits that a watch gives. */
export async function take(commits: AsyncIterable<Commit>, count: number): Promise<Commit[]> {
  const taken: Commit[] = []
  for await (const commit of commits) if (taken.push(commit) === count) break
  return taken
}

export function storeSuite(name: string, { open, reopen }: StoreSuite): void {
  describe(name, () => {
    test('is as the model, whatever is done to it', () => againstModel(open, reopen), 120_000)

    test('what is new is at revision 0, and what is not there at none', async () => {
      await using store = await open()
      expect(await store.list('')).toEqual({ revision: 0, entries: [] })
      expect(await store.get('graphs/lan')).toBeUndefined()
    })

    test('each commit is the next revision, and its entries have it', async () => {
      await using store = await open()
      expect(await store.commit([{ put: 'a/1', value: 'x' }])).toBe(1)
      expect(
        await store.commit([
          { put: 'a/2', value: '' },
          { put: 'b', value: 'ä\0\n🜚' },
        ]),
      ).toBe(2)
      expect(await store.list('a/')).toEqual({
        revision: 2,
        entries: [
          { key: 'a/1', value: 'x', revision: 1 },
          { key: 'a/2', value: '', revision: 2 },
        ],
      })
      expect(await store.get('b')).toEqual({ key: 'b', value: 'ä\0\n🜚', revision: 2 })
    })

    test('what changes nothing is no revision', async () => {
      await using store = await open()
      await store.commit([{ put: 'a', value: '1' }])
      expect(await store.commit([])).toBe(1)
      expect(await store.commit([{ delete: 'b' }, { check: 'a', expected: 1 }])).toBe(1)
    })

    test('of two that read the same, one writes: the other is told what there is', async () => {
      await using store = await open()
      await store.commit([{ put: 'a', value: '1', expected: 0 }])
      const [first, second] = await Promise.allSettled([
        store.commit([{ put: 'a', value: '2', expected: 1 }]),
        store.commit([{ put: 'a', value: '3', expected: 1 }]),
      ])
      expect(first).toEqual({ status: 'fulfilled', value: 2 })
      expect(second).toMatchObject({
        reason: new Conflict([{ key: 'a', expected: 1, found: { key: 'a', value: '2', revision: 2 } }]),
      })
    })

    test('one expectation that fails, and nothing of the commit is there', async () => {
      await using store = await open()
      await store.commit([{ put: 'a', value: '1' }])
      const before = await store.list('')
      for (const failing of [
        { put: 'a', value: '2', expected: 0 },
        { delete: 'a', expected: 7 },
        { check: 'a', expected: 0 },
        { check: 'c', expected: 1 },
      ])
        await expect(store.commit([{ put: 'b', value: '2' }, failing])).rejects.toThrow(Conflict)
      expect(await store.list('')).toEqual(before)
    })

    test('what no store can do is refused before anything is written', async () => {
      await using store = await open()
      for (const key of ['', 'with space', 'ä', 'line\n', 'x'.repeat(LONGEST_KEY + 1)])
        await expect(
          store.commit([
            { put: 'a', value: '' },
            { put: key, value: '' },
          ]),
          key,
        ).rejects.toThrow(RangeError)
      await expect(store.commit([{ put: 'a', value: '' }, { delete: 'a' }])).rejects.toThrow('twice')
      expect((await store.list('')).revision).toBe(0)
      await store.commit([{ put: 'x'.repeat(LONGEST_KEY), value: '' }])
    })

    test('pages follow each other, forwards and backwards', async () => {
      await using store = await open()
      await store.commit(['a', 'b/1', 'b/2', 'b/3', 'b~', 'c'].map((put) => ({ put, value: put })))
      const keys = async (...list: Parameters<Store['list']>) =>
        (await store.list(...list)).entries.map(({ key }) => key)
      expect(await keys('b/', { limit: 2 })).toEqual(['b/1', 'b/2'])
      expect(await keys('b/', { limit: 2, after: 'b/2' })).toEqual(['b/3'])
      expect(await keys('b/', { limit: 2, descending: true })).toEqual(['b/3', 'b/2'])
      expect(await keys('b/', { after: 'b/2', descending: true })).toEqual(['b/1'])
      expect(await keys('b', { limit: 0 })).toEqual([])
      expect(await keys('b/', { after: 'b/21' })).toEqual(['b/3'])
    })

    describe('a watch', () => {
      test('tells what came after a revision, and then what comes', async () => {
        await using store = await open()
        await store.commit([{ put: 'a/1', value: 'x' }])
        await store.commit([{ put: 'b', value: 'y' }])
        const told = take(store.watch('a/', { after: 0 }), 3)
        await store.commit([
          { put: 'a/2', value: 'z' },
          { put: 'b', value: 'z' },
        ])
        await store.commit([{ delete: 'a/1' }])
        expect(await told).toEqual([
          { revision: 1, changes: [{ key: 'a/1', value: 'x' }] },
          { revision: 3, changes: [{ key: 'a/2', value: 'z' }] },
          { revision: 4, changes: [{ key: 'a/1', value: undefined }] },
        ])
      })

      test('begins with what is to come, unless it is said otherwise', async () => {
        await using store = await open()
        await store.commit([{ put: 'a', value: '1' }])
        const watch = store.watch('')
        await store.commit([{ put: 'a', value: '2' }])
        expect(await take(watch, 1)).toEqual([{ revision: 2, changes: [{ key: 'a', value: '2' }] }])
      })

      test('ends with its signal, and with the store', async () => {
        const store = await open()
        const end = new AbortController()
        const [aborted, closed] = [take(store.watch('', { signal: end.signal }), 1), take(store.watch(''), 1)]
        await setTimeout(0)
        end.abort()
        expect(await aborted).toEqual([])
        await store[Symbol.asyncDispose]()
        expect(await closed).toEqual([])
      })

      test('of what is not known any more is told so, also where it is too slow', async () => {
        await using store = await open({ commits: 3, characters: 1000 })
        const slow = store.watch('', { after: 0 })[Symbol.asyncIterator]()
        await store.commit([{ put: 'a', value: '1' }])
        expect((await slow.next()).value).toMatchObject({ revision: 1 })
        for (let n = 2; n <= 6; n++) await store.commit([{ put: 'a', value: String(n) }])
        await expect(slow.next()).rejects.toThrow(Compacted)
        await expect(take(store.watch('', { after: 2 }), 1)).rejects.toThrow(Compacted)
        expect(await take(store.watch('', { after: 3 }), 3)).toMatchObject([
          { revision: 4 },
          { revision: 5 },
          { revision: 6 },
        ])
        await expect(take(store.watch('', { after: 7 }), 1)).rejects.toThrow('up to 6')
      })

      test('keeps the last commit, however long it is', async () => {
        await using store = await open({ commits: 10, characters: 10 })
        await store.commit([{ put: 'a', value: 'x'.repeat(100) }])
        await store.commit([{ put: 'b', value: 'x'.repeat(100) }])
        expect(await take(store.watch('', { after: 1 }), 1)).toMatchObject([{ revision: 2 }])
        await expect(take(store.watch('', { after: 0 }), 1)).rejects.toThrow(Compacted)
      })
    })

    describe('where the clock jumps', () => {
      afterEach(() => void vi.useRealTimers())

      test('revisions go on as before', async () => {
        await using store = await open()
        vi.useFakeTimers({ toFake: ['Date'] })
        for (const [index, year] of ['2040', '1970', '1999'].entries()) {
          vi.setSystemTime(new Date(`${year}-01-01T00:00:00Z`))
          expect(await store.commit([{ put: 'a', value: year, expected: index }])).toBe(index + 1)
        }
        expect(await take(store.watch('', { after: 0 }), 3)).toMatchObject([1, 2, 3].map((revision) => ({ revision })))
      })
    })

    test('a closed store says so', async () => {
      const store = await open()
      await store[Symbol.asyncDispose]()
      await expect(store.commit([{ put: 'a', value: '' }])).rejects.toThrow('closed')
      await expect(store.get('a')).rejects.toThrow('closed')
      await expect(store.list('')).rejects.toThrow('closed')
    })
  })
}
