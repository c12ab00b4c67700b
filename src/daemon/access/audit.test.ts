import { describe, expect, test } from 'vitest'
import { operation } from '../../api/routes/watching.ts'
import { MemoryStore } from '../../store/memory.ts'
import { NoRoom } from '../../store/store.ts'
import { type Asked, Audit, BOUNDS } from './audit.ts'
import { makeToken } from './tokens.ts'

const ci: Asked = {
  who: { name: 'ci', role: 'operator', by: 'token' },
  what: 'putGraph',
  target: '/api/v1/graphs/lan',
  graph: 'lan',
}
const before = { revision: '3', document: { instances: { a: { cube: 'bridge' }, b: { cube: 'bridge' } } } }
const after = { revision: '4', document: { instances: { a: { cube: 'router' } } } }
const now = () => new Date('2026-11-22T12:00:00Z')

describe('the audit', () => {
  test('tells who did what, from what to what', async () => {
    await using store = new MemoryStore()
    const audit = await Audit.open(store, BOUNDS, now)
    const end = await audit.begin({ ...ci, before, body: after.document })
    expect((await audit.list(10)).operations).toEqual([])
    const made = await end({ status: 200, after })
    const { operations } = await audit.list(10)
    expect(operations).toEqual([made])
    expect(operation.parse(made)).toEqual({
      id: '000000000000001',
      time: '2026-11-22T12:00:00.000Z',
      who: 'token ci',
      role: 'operator',
      what: 'putGraph',
      target: '/api/v1/graphs/lan',
      graph: 'lan',
      from: '3',
      to: '4',
      asked: after.document,
      was: { instances: { a: { cube: 'bridge' }, b: { cube: 'bridge' } } },
      is: { instances: { a: { cube: 'router' }, b: null } },
      status: 200,
    })
    expect(await audit.get(made.id)).toEqual(made)
    for (const id of ['000000000000002', '1', 'x', '../done']) expect(await audit.get(id)).toBeUndefined()
  })

  test('a change that is refused has changed nothing', async () => {
    await using store = new MemoryStore()
    const audit = await Audit.open(store, BOUNDS, now)
    const end = await audit.begin({ ...ci, before })
    const made = await end({ status: 422, detail: 'there is no cube "x"', after: before })
    expect([made.from, made.to, made.was, made.is, made.detail]).toEqual([
      '3',
      '3',
      undefined,
      undefined,
      'there is no cube "x"',
    ])
  })

  test('what was killed in the middle is told of', async () => {
    await using store = new MemoryStore()
    const first = await Audit.open(store, BOUNDS, now)
    await (await first.begin(ci))({ status: 200 })
    await first.begin({ ...ci, before })
    const second = await Audit.open(store, BOUNDS, now)
    const { operations } = await second.list(10)
    expect(operations.map(({ id, status }) => [Number(id), status])).toEqual([
      [2, 500],
      [1, 200],
    ])
    expect(operations[0]).toMatchObject({ from: '3', detail: expect.stringContaining('was killed') })
    await (await second.begin(ci))({ status: 200 })
    expect((await second.list(1)).operations.map(({ id }) => Number(id))).toEqual([3])
    expect((await (await Audit.open(store, BOUNDS, now)).list(10)).operations).toHaveLength(3)
  })

  test('what was killed in the middle waits where the disk is full', async () => {
    await using store = new MemoryStore()
    await (await Audit.open(store, BOUNDS, now)).begin(ci)
    const full = Object.assign(Object.create(store) as MemoryStore, {
      list: store.list.bind(store),
      commit: () => Promise.reject(new NoRoom([{ message: 'the disk is full' }])),
    })
    await expect((await Audit.open(full, BOUNDS, now)).begin(ci)).rejects.toThrow(NoRoom)
    const later = await Audit.open(store, BOUNDS, now)
    expect((await later.list(10)).operations).toMatchObject([{ status: 500 }])
  })

  test('is bounded, and read in pages', async () => {
    await using store = new MemoryStore()
    const audit = await Audit.open(store, { operations: 250, characters: 100 }, now)
    for (let one = 0; one < 300; one++) {
      const graph = one % 3 === 0 ? 'lan' : 'wan'
      await (await audit.begin({ ...ci, graph, body: 'x'.repeat(one) }))({ status: 200 })
    }
    const numbers: number[] = []
    let cursor: string | undefined
    do {
      const page = await audit.list(7, { graph: 'lan', cursor })
      numbers.push(...page.operations.map(({ id }) => Number(id)))
      cursor = page.next
    } while (cursor !== undefined)
    expect(numbers).toEqual(Array.from({ length: 83 }, (_, index) => 298 - 3 * index))
    expect((await store.list('operations/')).entries).toHaveLength(250)
    expect((await audit.get('000000000000300'))?.asked).toBe('301 characters, which are too many to be kept')
  })

  test('keeps no token', async () => {
    await using store = new MemoryStore()
    const audit = await Audit.open(store, BOUNDS, now)
    const { token } = makeToken('oops', 'admin')
    await (await audit.begin({ ...ci, target: `/api/v1/graphs/${token}`, body: { token } }))({
      status: 404,
      detail: token,
    })
    const { entries } = await store.list('')
    expect(entries).toHaveLength(1)
    expect(entries[0]?.value).not.toContain(token)
  })
})
