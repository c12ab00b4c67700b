import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ProblemError } from '../../api/client.ts'
import { type ServedApi, serveApi } from '../../testing/api.ts'
import type { VirtualMachine } from '../../vm/machine.ts'
import { type Host, openVirtualHost } from '../host.ts'

const SHELF = join(import.meta.dirname, '../../testing/cubes/shelf')
const TAP = join(import.meta.dirname, '../../testing/cubes/tap')

let host: Host<VirtualMachine>
let served: ServedApi
beforeAll(async () => {
  host = openVirtualHost()
  for (const index of [0, 1, 2]) host.machine.addInterface(`eth${index}`, { mac: `02:01:00:00:00:0${index}` })
  served = await serveApi(host)
})
afterAll(async () => {
  await served[Symbol.asyncDispose]()
  host[Symbol.dispose]()
})

const office = (
  ports: Record<string, Record<string, unknown>> = { alice: { interface: 'eth0' }, bob: { interface: 'eth1' } },
) => ({
  graph: 'office',
  instances: { switch: { cube: 'bridge', ports } },
})

/** The status, and where and what. */
async function refused(call: Promise<unknown>) {
  const error = await call.catch((error: unknown) => error)
  if (!(error instanceof ProblemError))
    throw new Error(`it was not refused: ${JSON.stringify(error)}`, { cause: error })
  const { status, detail, errors = [] } = error.problem
  return [
    status,
    ...(errors.length === 0 ? [detail] : errors.map((one) => `${one.pointer ?? one.parameter ?? ''} ${one.detail}`)),
  ]
}

const graph = 'office'
const documentNow = async () => (await served.client.getGraph({ graph })).body

describe('a graph', () => {
  test('is planned, applied, read, and changed by revisions', async () => {
    const { client } = served
    const planned = await client.putGraph({ graph, dryRun: true, body: office() })
    expect([planned.status, planned.body.dryRun, planned.body.actions.length > 0]).toEqual([200, true, true])
    expect(await refused(client.getGraph({ graph }))).toEqual([404, expect.stringContaining('no graph office')])
    expect(host.engine.names()).toEqual([])

    const made = await client.putGraph({ graph, body: office() }, { ifNoneMatch: '*' })
    const { revision = '' } = made
    expect([made.status, made.body.revision, revision !== '']).toEqual([201, revision, true])
    expect(made.body.actions.map(({ text }) => text)).toContainEqual(expect.stringContaining('eth0'))
    expect(await client.getGraph({ graph })).toEqual({ status: 200, revision, body: office() })
    expect((await client.listGraphs()).body).toEqual([
      { name: 'office', state: 'running', revision, instances: 1, ports: 2 },
    ])

    const same = await client.putGraph({ graph, body: office() }, { ifMatch: revision })
    expect([same.status, same.revision, same.body.actions]).toEqual([200, revision, []])
    const quiet = office({ alice: { interface: 'eth0' }, bob: { interface: 'eth1', learning: false } })
    const next = await client.putGraph({ graph, body: quiet }, { ifMatch: revision })
    expect(next.revision).not.toBe(revision)
    const stale = client.putGraph({ graph, body: office() }, { ifMatch: revision })
    await expect(stale).rejects.toMatchObject({ problem: { status: 412, revision: next.revision } })
    expect(await refused(client.putGraph({ graph, body: office() }, { ifNoneMatch: '*' }))).toMatchObject([412, {}])
    await client.putGraph({ graph, body: office() })
  })

  test('has parts that are made only where there is none yet', async () => {
    const { client } = served
    const put = (port: string) => client.putPort({ graph, instance: 'switch', port, body: {} }, { ifNoneMatch: '*' })
    expect((await put('carol')).status).toBe(201)
    expect(await refused(put('carol'))).toMatchObject([412, {}])
    expect((await client.putPort({ graph, instance: 'switch', port: 'carol', body: {} })).status).toBe(200)
    await client.deletePort({ graph, instance: 'switch', port: 'carol' })
  })

  test('is refused with every mistake at its place, and stays as it was', async () => {
    const { client } = served
    const before = [await documentNow(), host.engine.running(graph)]
    const wrong = office({ alice: { interface: 'eth9' }, bob: { interface: 'eth1', lerning: true } })
    expect(await refused(client.putGraph({ graph, body: wrong }))).toEqual([
      422,
      '/instances/switch/ports/bob/lerning "lerning" is not known here',
    ])
    expect(await refused(client.putGraph({ graph, body: office({ alice: { interface: 'eth9' } }) }))).toEqual([
      422,
      expect.stringMatching('^/instances/switch/ports/alice/interface .*eth9'),
    ])
    expect(await refused(client.putGraph({ graph, body: { ...office(), graph: 'home' } }))).toEqual([
      422,
      '/graph the document is of the graph home',
    ])
    const ours = { graph, instances: { switch: { cube: './bridge', ports: {} } } }
    expect((await refused(client.putGraph({ graph, body: ours })))[0]).toBe(422)
    expect([await documentNow(), host.engine.running(graph)]).toEqual(before)
  })

  test('is changed by patches, part by part', async () => {
    const { client } = served
    await client.patchGraph({ graph, body: { instances: { switch: { config: { agingTime: 60 } } } } })
    await client.putPort({ graph, instance: 'switch', port: 'carol', body: { interface: 'eth2' } })
    await client.patchPort({ graph, instance: 'switch', port: 'bob', body: { learning: false } })
    expect((await client.getInstance({ graph, instance: 'switch' })).body).toEqual({
      cube: 'bridge',
      config: { agingTime: 60 },
      ports: {
        alice: { interface: 'eth0' },
        bob: { interface: 'eth1', learning: false },
        carol: { interface: 'eth2' },
      },
    })
    await client.patchGraph({ graph, body: { instances: { switch: { config: null } } } })
    await client.deletePort({ graph, instance: 'switch', port: 'carol' })
    expect(await refused(client.getPort({ graph, instance: 'switch', port: 'carol' }))).toMatchObject([
      404,
      expect.anything(),
    ])
    expect(await refused(client.patchGraph({ graph, body: { graph: 'home' } }))).toEqual([
      422,
      '/graph a graph keeps its name',
    ])
    expect(await refused(client.patchPort({ graph, instance: 'switch', port: 'bob', body: { learning: 1 } }))).toEqual([
      422,
      '/instances/switch/ports/bob/learning learning: has to be true or false, and is 1',
    ])
    expect(host.engine.running(graph).graph.instances[0]?.ports.map(({ name }) => name)).toEqual(['alice', 'bob'])
  })

  test('has links that come and go', async () => {
    const { client } = served
    const second = { cube: 'bridge', ports: { up: {}, down: { interface: 'eth2' } } }
    expect((await client.putInstance({ graph, instance: 'second', body: second })).status).toBe(201)
    await client.putPort({ graph, instance: 'switch', port: 'up', body: {} })
    await client.connect({ graph, body: { end: 'switch.up', to: 'second.up' } })
    expect((await client.listLinks({ graph })).body).toEqual([
      { end: 'switch.alice', interface: 'eth0' },
      { end: 'switch.bob', interface: 'eth1' },
      { end: 'switch.up', to: 'second.up' },
      { end: 'second.down', interface: 'eth2' },
    ])
    const taken = client.connect({ graph, body: { end: 'second.up', interface: 'eth2' } })
    expect(await refused(taken)).toEqual([409, expect.stringContaining('switch.up leads to second.up')])
    await client.disconnect({ graph, end: 'second.up' })
    expect((await client.listLinks({ graph })).body).toHaveLength(3)
    expect(await refused(client.disconnect({ graph, end: 'second.up' }))).toEqual([
      404,
      expect.stringContaining('nowhere'),
    ])
    await client.deleteInstance({ graph, instance: 'second' })
    await client.deletePort({ graph, instance: 'switch', port: 'up' })
    expect(await documentNow()).toMatchObject({ instances: { switch: { ports: { alice: {}, bob: {} } } } })
  })

  test('has transparent instances on the ways of ports and interfaces', async () => {
    const { client } = served
    const made = await client.attach({ graph, instance: 'tap', body: { port: 'switch.alice', cube: TAP } })
    expect(made.status).toBe(201)
    expect((await client.listAttachments({ graph })).body).toEqual([
      { instance: 'tap', port: 'switch.alice', position: 0 },
    ])
    await client.attach({ graph, instance: 'tap', body: { interface: 'eth2' } })
    expect((await client.listAttachments({ graph })).body).toEqual([
      { instance: 'tap', interface: 'eth2', position: 0 },
    ])
    expect(Object.keys((await client.getInstanceStatus({ graph, instance: 'tap' })).body.views)).toBeInstanceOf(Array)
    await client.detach({ graph, instance: 'tap' })
    expect(Object.keys((await client.listInstances({ graph })).body)).toEqual(['switch'])
    expect((await refused(client.detach({ graph, instance: 'switch' })))[0]).toBe(404)
  })

  test('tells how it does', async () => {
    const { client } = served
    host.machine.interface('eth0')
    const { body: status } = await client.getGraphStatus({ graph })
    expect(status).toMatchObject({ name: 'office', state: 'running', point: 'tc ingress' })
    expect(status.instances[0]?.ports.map(({ name, to, state }) => [name, to, state])).toEqual([
      ['alice', 'eth0', 'up'],
      ['bob', 'eth1', 'up'],
    ])
    expect((await client.getCounters({ graph })).body[0]).toMatchObject({
      instance: 'switch',
      port: 'alice',
      received: { packets: '0', bytes: '0' },
    })
    expect((await client.getDrops({ graph })).body).toEqual([])
    expect((await client.getReadiness()).body).toEqual({ ok: true, graphs: { running: 1 } })
    expect((await refused(client.getGraphStatus({ graph: 'none' })))[0]).toBe(404)
  })

  test('is deleted, and every change of it is known', async () => {
    const { client } = served
    const { body } = await client.deleteGraph({ graph })
    expect(body).not.toHaveProperty('revision')
    expect([host.engine.names(), (await client.listGraphs()).body]).toEqual([[], []])
    const { operations } = (await client.listOperations({ graph })).body
    expect(operations[0]).toMatchObject({ who: 'uid 0', what: 'deleteGraph', status: 200 })
    expect(operations.filter(({ status }) => status < 400).length).toBeGreaterThan(10)
    expect((await client.getOperation({ operation: operations[0]?.id ?? '' })).body).toEqual(operations[0])
  })
})

describe('state', () => {
  const at = { graph: 'store', instance: 'shelf' }
  beforeAll(async () => {
    const instances = { shelf: { cube: SHELF, ports: { a: { interface: 'eth0' } } } }
    await served.client.putGraph({ graph: 'store', body: { graph: 'store', instances } })
  })

  test('is described with schemas', async () => {
    const { body } = await served.client.listTables(at)
    const [flows, , slots, counts, seen, waiting] = body
    expect(flows).toMatchObject({
      name: 'flows',
      kind: 'hash',
      used: 0,
      entries: 4,
      writable: true,
      key: [
        { name: 'address', type: 'ipv4' },
        { name: 'port', type: 'u16' },
      ],
      keySchema: { properties: { port: { type: 'integer', minimum: 0, maximum: 65535 } }, additionalProperties: false },
    })
    expect([slots?.used, counts?.perCpu, seen?.writable, waiting?.listable, waiting?.writable]).toEqual([
      3,
      true,
      false,
      false,
      false,
    ])
  })

  test('is written and read by typed keys', async () => {
    const { client } = served
    const key = '10.0.0.1,80'
    const value = { bytes: '18446744073709551615', station: '02:00:00:00:00:01', marks: [1, 65535] }
    const put = () => client.putEntry({ ...at, table: 'flows', key, body: value })
    expect([(await put()).status, (await put()).status]).toEqual([201, 200])
    const entry = { id: key, key: { address: '10.0.0.1', port: 80 }, value }
    expect((await client.getEntry({ ...at, table: 'flows', key: '{"port":80,"address":"10.0.0.1"}' })).body).toEqual(
      entry,
    )
    expect((await client.deleteEntry({ ...at, table: 'flows', key })).body).toEqual(entry)
    expect((await refused(client.deleteEntry({ ...at, table: 'flows', key })))[0]).toBe(404)
    await client.putEntry({ ...at, table: 'routes', key: '10.0.0.0/8', body: { next: 1 } })
    expect((await refused(client.getEntry({ ...at, table: 'routes', key: '10.0.0.0/9' })))[0]).toBe(404)
    const { body } = await client.putEntry({ ...at, table: 'routes', key: '10.1.2.3', body: { next: 2 } })
    expect(body).toEqual({ id: '10.1.2.3/32', key: { destination: '10.1.2.3', length: 32 }, value: { next: 2 } })
    expect((await client.flushTable({ ...at, table: 'routes' })).body).toEqual({ deleted: 2 })
    const perCpu = await client.putEntry({ ...at, table: 'counts', key: '7', body: { packets: 5 } })
    expect(perCpu.body.value).toEqual(Array.from({ length: host.machine.cpus }, () => ({ packets: '5' })))
  })

  test.each([
    [
      'host bits',
      'routes',
      '10.0.0.1/8',
      { next: 1 },
      [400, 'key key.destination: 10.0.0.1 has bits past the length 8'],
    ],
    ['a length that is none', 'routes', '10.0.0.0/33', { next: 1 }, [400, expect.stringContaining('length')]],
    ['too few values', 'flows', '10.0.0.1', {}, [400, expect.stringContaining('is no key of flows')]],
    ['an address that is none', 'flows', '10.0.0.256,80', {}, [400, expect.stringContaining('IPv4')]],
    ['a number that is too large', 'flows', '10.0.0.1,65536', {}, [400, expect.stringContaining('port')]],
    ['JSON that is none', 'flows', '{"address"', {}, [400, expect.stringContaining('no JSON')]],
    ['an index that is not there', 'slots', '3', { number: 1 }, [400, 'key slots has entries 0 to 2']],
    [
      'a field of another type',
      'flows',
      '10.0.0.1,80',
      { bytes: '-1', station: 'x', marks: [1] },
      [422, expect.stringMatching('^/bytes'), expect.stringMatching('^/station'), expect.stringMatching('^/marks')],
    ],
    ['a field that is missing', 'slots', '1', {}, [422, ' `number` is missing']],
    ['a table of the cube alone', 'seen', '1', { number: 1 }, [409, expect.stringContaining('by the cube alone')]],
    ['a table that cannot be listed', 'waiting', '1', { id: 1 }, [409, expect.stringContaining('nobody can list')]],
    ['no such table', 'flow', '1', {}, [404, expect.stringContaining('no table flow')]],
  ])('is not written: %s', async (_, table, key, body, says) => {
    const before = await Promise.all(
      ['flows', 'routes', 'slots'].map(async (table) => (await served.client.listEntries({ ...at, table })).body),
    )
    expect(await refused(served.client.putEntry({ ...at, table, key, body }))).toEqual(says)
    const after = await Promise.all(
      ['flows', 'routes', 'slots'].map(async (table) => (await served.client.listEntries({ ...at, table })).body),
    )
    expect(after).toEqual(before)
  })

  test('is full at some time', async () => {
    const { client } = served
    const value = { bytes: 1, station: '02:00:00:00:00:01', marks: [0, 0] }
    for (let port = 0; port < 4; port++)
      await client.putEntry({ ...at, table: 'flows', key: `10.0.0.1,${port}`, body: value })
    expect(await refused(client.putEntry({ ...at, table: 'flows', key: '10.0.0.1,4', body: value }))).toEqual([
      507,
      ' flows is full: it has 4 entries',
    ])
    await client.putEntry({ ...at, table: 'flows', key: '10.0.0.1,3', body: { ...value, bytes: 2 } })
    expect((await client.flushTable({ ...at, table: 'flows' })).body).toEqual({ deleted: 4 })
  })

  test('is listed in pieces, each entry once', async () => {
    const { client } = served
    for (let id = 0; id < 7; id++)
      await client.putEntry({ ...at, table: 'counts', key: String(id), body: { packets: id } })
    const ids: string[] = []
    let cursor: string | undefined
    let pieces = 0
    do {
      const { body } = await client.listEntries({
        ...at,
        table: 'counts',
        limit: 3,
        ...(cursor === undefined ? {} : { cursor }),
      })
      ids.push(...body.entries.map(({ id }) => id))
      // What goes in between is missed by nobody who is still to be listed.
      if (pieces++ === 0) await client.deleteEntry({ ...at, table: 'counts', key: '0' })
      cursor = body.next
    } while (cursor !== undefined)
    expect([pieces, ids.sort()]).toEqual([
      3,
      ['0', '1', '2', '3', '4', '5', '6', '7'].slice(0, 8).filter((id) => ids.includes(id)),
    ])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThanOrEqual(7)
    expect(await refused(client.listEntries({ ...at, table: 'counts', cursor: 'zz' }))).toEqual([
      400,
      'cursor take `next` of the piece before',
    ])
    expect(await refused(client.flushTable({ ...at, table: 'slots' }))).toEqual([
      409,
      expect.stringContaining('always there'),
    ])
  })
})

describe('the catalogue', () => {
  test('has schemas of what cubes are configured with', async () => {
    const { body } = await served.client.getCube({ cube: 'bridge' })
    expect(body).toMatchObject({
      name: 'bridge',
      shape: 'standard',
      origin: 'builtin',
      config: { properties: { agingTime: { type: 'integer', default: 300 } } },
      ports: { properties: { learning: { type: 'boolean' } } },
      tables: [{ name: 'stations', kind: 'lru_hash', writable: false }],
    })
    expect((await served.client.listCubes()).body.map(({ name }) => name)).toContain('bridge')
    expect(await refused(served.client.getCube({ cube: 'brigde' }))).toEqual([404, expect.stringContaining('brigde')])
    expect((await refused(served.client.removeCube({ cube: 'bridge' })))[0]).toBe(409)
  })
})

describe('events', () => {
  test('tell of changes, also of those that were missed in between', async () => {
    const { client } = served
    const body = { graph: 'quiet', instances: { s: { cube: 'bridge', ports: {} } } }
    const first = await client.watchEvents({ graph: 'quiet' })
    await client.putGraph({ graph: 'quiet', body })
    let last = ''
    for await (const event of first.body) {
      expect(event).toMatchObject({ kind: 'graph.applied', graph: 'quiet' })
      last = event.id
      break
    }
    await client.deleteGraph({ graph: 'quiet' })
    const { body: later } = await client.watchEvents({ graph: 'quiet' }, { lastEventId: last })
    for await (const { kind } of later) {
      expect(kind).toBe('graph.deleted')
      break
    }
    const { body: other } = await client.watchEvents({}, { lastEventId: 'other-5' })
    for await (const { kind } of other) {
      expect(kind).toBe('events.missed')
      break
    }
  })
})
