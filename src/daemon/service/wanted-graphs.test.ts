import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ProblemError } from '../../api/problem.ts'
import { Refusal } from '../../base/diagnostic.ts'
import type { GraphDocument } from '../../cube/document.ts'
import { readDocument } from '../../engine/read/read.ts'
import { Occupied } from '../../kernel/lock.ts'
import { MemoryStore } from '../../store/memory.ts'
import { NoRoom, type Operation, type Store } from '../../store/store.ts'
import { changingCube } from '../../testing/changing-cube.ts'
import { builtinCubes, type Host, openVirtualHost } from '../host.ts'
import type { Happened } from './graph-states.ts'
import { WantedGraphs } from './wanted-graphs.ts'

const MAC = '02:00:00:00:00:01'

const lan = (a = 'va', agingTime = 300): GraphDocument => ({
  graph: 'lan',
  instances: { s: { cube: 'bridge', config: { agingTime }, ports: { a: { interface: a }, b: { interface: 'vb' } } } },
})

/** A host as it is after a boot. */
function boot(...interfaces: readonly string[]) {
  const host = openVirtualHost()
  for (const name of interfaces) host.machine.addInterface(name, { mac: MAC })
  return host
}

let store: Store
let host: ReturnType<typeof boot>
let happened: Happened[]
const open = (on: Host = host, kept: Store = store) =>
  WantedGraphs.open({ host: on, store: kept, folder: '/', tell: (one) => void happened.push(one) })

beforeEach(() => {
  store = new MemoryStore()
  host = boot('va', 'vb', 'vc')
  happened = []
})

/** The same host, for a process that was begun anew. */
function begunAnew(): Host {
  const catalogue = builtinCubes()
  return { ...host, catalogue, engine: host.engineOf(catalogue) }
}

const intents = async () => (await store.list('intents/')).entries

describe('what is wanted', () => {
  test('runs when it is acknowledged, and is told of', async () => {
    const wanted = await open()
    const { revision, actions } = await wanted.put('lan', lan(), { none: true })
    expect(actions).not.toEqual([])
    expect(await wanted.get('lan')).toEqual({ name: 'lan', document: lan(), revision })
    expect(await wanted.list()).toEqual([{ name: 'lan', document: lan(), revision }])
    expect(wanted.state('lan')).toEqual({ state: 'running' })
    expect(host.engine.running('lan').state).toBe('applied')
    expect(happened).toMatchObject([{ kind: 'graph.applied', graph: 'lan', revision }])
    expect(await intents()).toEqual([])
  })

  test('the same again is the same revision', async () => {
    const wanted = await open()
    const { revision } = await wanted.put('lan', lan(), {})
    expect(await wanted.put('lan', lan(), { revision })).toEqual({ actions: [], lost: 0, revision })
  })

  test('is planned without being changed', async () => {
    const wanted = await open()
    const { revision } = await wanted.put('lan', lan(), {})
    expect((await wanted.plan('lan', lan('vc'), {})).actions).not.toEqual([])
    expect((await wanted.planDeletion('lan', {})).actions).not.toEqual([])
    expect(await wanted.get('lan')).toMatchObject({ document: lan(), revision })
  })

  test('is deleted whole', async () => {
    const wanted = await open()
    await wanted.put('lan', lan(), {})
    await wanted.delete('lan', { revision: '*' })
    expect(await wanted.list()).toEqual([])
    expect(wanted.state('lan')).toBeUndefined()
    expect(host.machine.pinned('')).toEqual([])
    await expect(wanted.delete('lan', {})).rejects.toMatchObject({ problem: { status: 404 } })
  })

  test('what is refused changes nothing', async () => {
    const wanted = await open()
    const { revision } = await wanted.put('lan', lan(), {})
    const before = host.machine.pinned('')
    await expect(wanted.put('lan', lan('nowhere0'), {})).rejects.toThrow(Refusal)
    await expect(wanted.put('other', lan(), {})).rejects.toThrow('is of the graph lan')
    expect(await wanted.get('lan')).toMatchObject({ document: lan(), revision })
    expect(wanted.state('lan')).toEqual({ state: 'running' })
    expect(host.machine.pinned('')).toEqual(before)
    expect(await intents()).toEqual([])
  })

  test('of two changes of the same revision one is made, and the other hears what differs', async () => {
    const wanted = await open()
    const { revision } = await wanted.put('lan', lan(), {})
    const [first, second] = await Promise.allSettled([
      wanted.put('lan', lan('vc'), { revision }),
      wanted.put('lan', lan('va', 60), { revision }),
    ])
    expect(first).toMatchObject({ status: 'fulfilled' })
    const reason = (second as PromiseRejectedResult).reason as ProblemError
    expect(reason).toBeInstanceOf(ProblemError)
    expect(reason.problem).toMatchObject({
      status: 412,
      errors: [{ pointer: '/instances/s/ports/a/interface', detail: 'is "vc" now' }],
    })
    await expect(wanted.put('lan', lan(), { none: true })).rejects.toMatchObject({ problem: { status: 412 } })
    await expect(wanted.put('new', { ...lan(), graph: 'new' }, { revision: '1' })).rejects.toThrow(
      'there is no graph new',
    )
  })

  test('is taken down and brought up again', async () => {
    const wanted = await open()
    await wanted.put('lan', lan(), {})
    const down = wanted.down()
    const late = wanted.put('lan', lan('vc'), {})
    expect(await down).toEqual(['lan'])
    await expect(late).rejects.toMatchObject({ problem: { status: 503 } })
    expect(wanted.state('lan')).toEqual({ state: 'waiting', reason: 'it was taken down' })
    expect(host.machine.pinned('')).toEqual([])
    const again = await open()
    await again.reconcile()
    expect(again.state('lan')).toEqual({ state: 'running' })
  })
})

test('a graph that cannot be taken down is told of, and keeps no other one', async () => {
  const wanted = await open()
  for (const graph of ['first', 'second']) await wanted.put(graph, { ...lan(), graph, instances: {} }, {})
  vi.spyOn(host.engine, 'delete').mockRejectedValueOnce(new Error('it is stuck'))
  await expect(wanted.down()).rejects.toThrow('first could not be removed: it is stuck')
  expect(host.engine.names()).toEqual(['first'])
  expect(wanted.state('first')).toEqual({ state: 'failed', reason: 'it is stuck' })
  expect(wanted.state('second')?.state).toBe('waiting')
  expect(await wanted.down()).toEqual(['first'])
})

test('a change that is made, and not tidied up, is told as made', async () => {
  const wanted = await open()
  await wanted.put('lan', lan(), {})
  vi.spyOn(host.machine, 'movePin').mockImplementation(() => {
    throw new Error('it cannot be moved')
  })
  const { left, revision } = await wanted.put('lan', lan('vc'), {})
  expect(left).toContain('lan runs as it shall, but not all is tidied up: it cannot be moved')
  expect(await wanted.get('lan')).toMatchObject({ document: lan('vc'), revision })
  vi.restoreAllMocks()
  expect((await wanted.put('lan', lan('vc'), {})).left).toBeUndefined()
  expect(host.engine.running('lan').state).toBe('applied')
})

describe('after a boot', () => {
  test('what is wanted is known at once, and brought up', async () => {
    await (await open()).put('lan', lan(), {})
    const wanted = await open(boot('va', 'vb'))
    expect(wanted.state('lan')?.state).toBe('waiting')
    expect(wanted.isReconciled).toBe(false)
    await wanted.reconcile()
    expect(wanted.isReconciled).toBe(true)
    expect(wanted.state('lan')).toEqual({ state: 'running' })
  })

  test('interfaces may come late', async () => {
    await (await open()).put('lan', lan(), {})
    const later = boot('vb')
    const wanted = await open(later)
    await wanted.reconcile()
    expect(wanted.state('lan')).toEqual({ state: 'waiting', reason: 'waits for va' })
    using _watch = wanted.watch()
    later.machine.addInterface('va', { mac: MAC })
    await expect.poll(() => wanted.state('lan')).toEqual({ state: 'running' })
    await expect.poll(() => later.machine.pinned('lan')).toContain('lan/s/links/a')
    expect(happened.map(({ kind }) => kind)).toEqual([
      'graph.applied',
      'graph.applied',
      'graph.waiting',
      'graph.repaired',
    ])
  })

  test('what cannot be is told of, and keeps nothing else from running', async () => {
    const first = await open()
    await first.put('lan', lan(), {})
    await store.commit([
      { put: 'graphs/broken', value: JSON.stringify({ graph: 'broken', instances: { s: { cube: 'x' } } }) },
    ])
    const wanted = await open(boot('va', 'vb'))
    await wanted.reconcile()
    expect(wanted.state('broken')).toMatchObject({ state: 'failed', reason: expect.stringContaining('no cube "x"') })
    expect(wanted.state('lan')).toEqual({ state: 'running' })
    expect(wanted.isReconciled).toBe(true)
  })
})

test('what failed is tried again when its interfaces are others, and not because its own came and went', async () => {
  // Copies for two cubes go by an interface of the graph's own.
  const ports = (name: string) => ({ x: {}, out: { interface: name } })
  const document: GraphDocument = {
    graph: 'lan',
    instances: {
      s: { cube: 'bridge', ports: { a: { interface: 'va' }, t: { to: 't.x' }, u: { to: 'u.x' } } },
      t: { cube: 'bridge', ports: ports('vb') },
      u: { cube: 'bridge', ports: ports('vc') },
    },
  }
  await (await open()).put('lan', document, {})
  const later = boot('va', 'vb')
  const wanted = await open(later)
  const load = later.machine.load.bind(later.machine)
  let tries = 0
  vi.spyOn(later.machine, 'load').mockImplementation((...given) => {
    // Nobody is to try for ever.
    if (tries++ === 20) return load(...given)
    throw new Refusal([{ message: 'not this time' }])
  })
  const made = vi.spyOn(later.machine, 'createDevice')
  await wanted.reconcile()
  expect(wanted.state('lan')).toEqual({ state: 'failed', reason: expect.stringContaining('not this time') })
  using _watch = wanted.watch()
  made.mockClear()
  later.machine.addInterface('other', { mac: MAC })
  // Those who watch are told in a moment, and have their turn then.
  await new Promise((resolve) => setImmediate(resolve))
  await wanted.idle()
  expect(made).not.toHaveBeenCalled()
  expect(happened.filter(({ kind }) => kind === 'graph.failed')).toHaveLength(1)
  vi.mocked(later.machine.load).mockRestore()
  later.machine.addInterface('vc', { mac: MAC })
  await expect.poll(() => wanted.state('lan')).toEqual({ state: 'running' })
})

test('a cube whose files have changed is used by the next start, unless it is refused: then what ran goes on', async () => {
  using cube = changingCube()
  const simple = { graph: 'lan', instances: { s: { cube: cube.folder, ports: { a: { interface: 'va' } } } } }
  await (await open()).put('lan', simple, {})
  const versions = () => host.engine.versions('lan')
  const before = versions()
  cube.drop('others')
  await (await open(begunAnew())).reconcile()
  const accepted = versions()
  expect(accepted).not.toEqual(before)
  cube.drop('nothing')
  const wanted = await open(begunAnew())
  await wanted.reconcile()
  expect(wanted.state('lan')).toEqual({
    state: 'failed',
    reason: expect.stringContaining(`runs as it did, for ${cube.folder} has changed since, and is refused: `),
  })
  expect(versions()).toEqual(accepted)
  expect(host.engine.running('lan').state).toBe('applied')
})

describe('what failed for a reason that has passed', () => {
  test('by an interface that went, and came back, while it was tried', async () => {
    await (await open()).put('lan', lan(), {})
    const later = boot('va', 'vb')
    const wanted = await open(later)
    using _watch = wanted.watch()
    vi.spyOn(later.machine, 'load').mockImplementationOnce(() => {
      later.machine.removeInterface('vb')
      later.machine.addInterface('vb', { mac: MAC })
      throw new Refusal([{ message: 'vb went away meanwhile' }])
    })
    await wanted.reconcile()
    await expect.poll(() => wanted.state('lan')).toEqual({ state: 'running' })
  })

  test('by somebody who took long over other graphs', async () => {
    await (await open()).put('lan', lan(), {})
    const later = boot('va', 'vb')
    vi.spyOn(later.engine, 'bringUp').mockRejectedValueOnce(new Occupied([{ message: 'somebody is at work' }]))
    const wanted = await open(later)
    await wanted.reconcile()
    expect(wanted.state('lan')).toEqual({ state: 'failed', reason: 'somebody is at work' })
    using _watch = wanted.watch()
    later.machine.addInterface('other', { mac: MAC })
    await expect.poll(() => wanted.state('lan')).toEqual({ state: 'running' })
  })

  test('so that it was not repaired at once', async () => {
    const wanted = await open()
    await wanted.put('lan', lan(), {})
    using _watch = wanted.watch()
    vi.spyOn(host.engine, 'repair').mockRejectedValueOnce(new Occupied([{ message: 'somebody is at work' }]))
    host.machine.removeInterface('va')
    await expect.poll(() => happened.map(({ kind }) => kind)).toContain('graph.failed')
    host.machine.addInterface('other', { mac: MAC })
    await expect.poll(() => wanted.state('lan')).toEqual({ state: 'waiting', reason: 'waits for va' })
  })
})

/** The process ends before or after the commit of a number: nothing that it does then has any effect. */
class Dying implements Store {
  readonly #kept: Store
  readonly #last: number
  readonly #before: boolean
  #count = 0

  constructor(kept: Store, last: number, before: boolean) {
    this.#kept = kept
    this.#last = last
    this.#before = before
  }

  get isDead(): boolean {
    return this.#count >= this.#last
  }

  async commit(operations: readonly Operation[]): Promise<number> {
    if (this.isDead) return new Promise(() => {})
    this.#count++
    if (this.isDead && this.#before) return new Promise(() => {})
    const revision = await this.#kept.commit(operations)
    return this.isDead ? new Promise(() => {}) : revision
  }

  get: Store['get'] = (key) => this.#kept.get(key)
  list: Store['list'] = (...list) => this.#kept.list(...list)
  watch: Store['watch'] = (...watch) => this.#kept.watch(...watch)
  async [Symbol.asyncDispose](): Promise<void> {}
}

describe.each([
  ['before', true],
  ['after', false],
])('a process that dies %s a commit', (_, before) => {
  const CHANGES: readonly [string, (wanted: WantedGraphs) => Promise<unknown>, GraphDocument | undefined][] = [
    ['changes a graph', (wanted) => wanted.put('lan', lan('vc', 60), {}), lan('vc', 60)],
    ['deletes a graph', (wanted) => wanted.delete('lan', {}), undefined],
  ]

  test.each(CHANGES)('and %s: all of it is there afterwards, or nothing', async (_, change, after) => {
    for (let last = 1; last <= 2; last++) {
      store = new MemoryStore()
      host = boot('va', 'vb', 'vc')
      const { revision } = await (await open()).put('lan', lan(), {})
      const dying = new Dying(store, last, before)
      let isAcknowledged = false
      void change(await open(host, dying)).then(() => {
        isAcknowledged = true
      })
      await expect.poll(() => dying.isDead).toBe(true)
      const wanted = await open()
      await wanted.reconcile()
      const found = await wanted.get('lan')
      expect(isAcknowledged).toBe(false)
      expect([JSON.stringify(lan()), JSON.stringify(after)]).toContain(JSON.stringify(found?.document))
      if (last === 2) expect(found?.document).toEqual(after)
      else expect(found).toMatchObject({ document: lan(), revision })
      expect(await intents()).toEqual([])
      if (found === undefined) expect(host.machine.pinned('')).toEqual([])
      else {
        expect(wanted.state('lan')).toEqual({ state: 'running' })
        expect(await wanted.plan('lan', found.document, {})).toMatchObject({ actions: [] })
      }
    }
  })

  test('and makes a graph that was not wanted before: it is, or it leaves nothing', async () => {
    for (let last = 1; last <= 2; last++) {
      store = new MemoryStore()
      host = boot('va', 'vb', 'vc')
      const dying = new Dying(store, last, before)
      void (await open(host, dying)).put('lan', lan(), {})
      await expect.poll(() => dying.isDead).toBe(true)
      const wanted = await open()
      await wanted.reconcile()
      expect((await wanted.get('lan'))?.document).toEqual(last === 2 ? lan() : undefined)
      expect(wanted.state('lan')).toEqual(last === 2 ? { state: 'running' } : undefined)
      if (last === 1) expect(host.machine.pinned('')).toEqual([])
      expect(await intents()).toEqual([])
    }
  })
})

describe('a full disk', () => {
  /** Has room for so many commits. */
  const full = (room: number): Store => {
    let left = room
    return Object.assign(Object.create(store) as Store, {
      commit: async (operations: readonly Operation[]) => {
        if (left-- <= 0) throw new NoRoom([{ message: 'the disk is full' }])
        return store.commit(operations)
      },
      get: (key: string) => store.get(key),
      list: (...list: Parameters<Store['list']>) => store.list(...list),
    })
  }

  test.each([0, 1])('after %i commits: the change is refused, and what ran before runs', async (room) => {
    const { revision } = await (await open()).put('lan', lan(), {})
    const wanted = await open(host, full(room))
    await wanted.reconcile()
    await expect(wanted.put('lan', lan('vc'), {})).rejects.toThrow(NoRoom)
    expect(await wanted.get('lan')).toMatchObject({ document: lan(), revision })
    expect(host.engine.running('lan').graph.instances[0]?.ports[0]?.link).toMatchObject({ interface: 'va' })
    const later = await open()
    await later.reconcile()
    expect(await later.get('lan')).toMatchObject({ document: lan(), revision })
    expect(await intents()).toEqual([])
  })

  test('what could not be acknowledged keeps no graph from running, and is settled when there is room', async () => {
    const first = await open()
    await first.put('lan', lan(), {})
    await first.put('other', { graph: 'other', instances: {} }, {})
    await store.commit([{ put: 'intents/lan', value: JSON.stringify({ document: lan('vc'), ran: true }) }])
    await host.engine.apply(await readDocument('/lan', lan('vc'), host.catalogue))
    const wanted = await open(host, full(0))
    await wanted.reconcile()
    expect(wanted.isReconciled).toBe(true)
    expect([wanted.state('lan'), wanted.state('other')]).toEqual([{ state: 'running' }, { state: 'running' }])
    expect(await intents()).toHaveLength(1)
    const later = await open()
    await later.reconcile()
    expect(await intents()).toEqual([])
    expect(await later.plan('lan', (await later.get('lan'))?.document ?? lan(), {})).toMatchObject({ actions: [] })
  })

  test('a new graph that could not be kept leaves nothing', async () => {
    await expect((await open(host, full(1))).put('lan', lan(), {})).rejects.toThrow(NoRoom)
    expect(host.machine.pinned('')).toEqual([])
  })
})
