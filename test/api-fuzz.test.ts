/** Requests to every operation of the API, made from its own description: good ones and bad ones. */
import { Agent, request as begin } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeApi } from '../src/api/openapi.ts'
import type { OperationId } from '../src/api/operations.ts'
import { PROBLEM_TYPE, refuse } from '../src/api/problem.ts'
import { problemShape } from '../src/api/problem-shape.ts'
import type { Route } from '../src/api/route.ts'
import { ROUTES } from '../src/api/routes.ts'
import { LIMITS } from '../src/daemon/access/limits.ts'
import { type Host, openVirtualHost } from '../src/daemon/host.ts'
import { type ServedApi, serveApi } from '../src/testing/api.ts'
import type { VirtualMachine } from '../src/vm/machine.ts'
import { type Asked, type Known, type Operation, operationsOf, requests } from './api-fuzz/requests.ts'
import type { Schemas } from './api-fuzz/values.ts'

const cube = (name: string) => join(import.meta.dirname, '../src/testing/cubes', name)
const OFFICE = {
  graph: 'office',
  instances: {
    switch: { cube: 'bridge', ports: { alice: { interface: 'eth0' }, bob: { interface: 'eth1' }, up: {} } },
  },
}
const STORE = {
  graph: 'store',
  instances: { shelf: { cube: cube('shelf'), ports: { a: { interface: 'eth2' }, b: {} } } },
}
const flow = { bytes: '5', station: '02:00:00:00:00:01', marks: [1, 2] }

const KNOWN: Known = {
  parameters: {
    graph: ['office', 'store', 'store', 'new'],
    instance: ['switch', 'shelf', 'shelf', 'tap', 'new'],
    port: ['alice', 'bob', 'up', 'a', 'b'],
    end: ['switch.alice', 'switch.up', 'shelf.b', 'shelf.a'],
    table: ['flows', 'routes', 'slots', 'counts', 'seen', 'waiting'],
    key: ['10.0.0.1,80', '10.0.0.0/8', '10.0.0.1/8', '1', '7', '{"id":1}', '{"id":', '0', '::1/64'],
    cube: ['bridge', 'shelf'],
    dryRun: ['true', 'false', 'false'],
    limit: ['1', '2', '1000'],
    operation: ['000000000000001'],
    sights: ['in', 'drop', 'in,out', 'up'],
    ports: ['alice', 'switch', 'nobody'],
  },
  members: {
    graph: ['office', 'store'],
    instances: [OFFICE.instances, STORE.instances],
    cube: ['bridge', cube('shelf'), 'none', './here'],
    interface: ['eth0', 'eth1', 'eth2', 'eth3', 'blue/eth0'],
    to: ['switch.up', 'shelf.b', 'nobody.x', 'switch'],
    end: ['switch.up', 'shelf.b', 'switch.alice'],
    port: ['switch.up', 'shelf.b'],
    ports: [{}, { a: {} }, OFFICE.instances.switch.ports],
    config: [{}, { agingTime: 5 }, { agingTime: 'x' }],
    through: [[], ['tap']],
  },
  bodies: {
    putGraph: [OFFICE, STORE, { ...OFFICE, graph: 'new', instances: { n: { cube: 'bridge', ports: { p: {} } } } }],
    patchGraph: [{}, { instances: { switch: { config: { agingTime: 9 } } } }, { instances: { shelf: null } }],
    putInstance: [
      { cube: 'bridge', ports: { x: { interface: 'eth3' } } },
      OFFICE.instances.switch,
      STORE.instances.shelf,
    ],
    patchInstance: [{ config: { agingTime: 7 } }, { ports: { b: { to: 'shelf.a' } } }],
    putPort: [{}, { interface: 'eth3' }, { learning: false }, { interface: 'eth0' }],
    patchPort: [{ learning: false }, { interface: null }, { to: 'switch.up' }],
    connect: [
      { end: 'switch.up', interface: 'eth3' },
      { end: 'shelf.b', interface: 'eth4' },
    ],
    attach: [
      { port: 'switch.alice', cube: cube('tap') },
      { interface: 'eth4', cube: cube('tap') },
      { port: 'shelf.a', cube: cube('tap'), position: 7 },
    ],
    putEntry: [
      flow,
      { next: 1 },
      { number: 2 },
      { packets: '18446744073709551615' },
      { packets: '18446744073709551616' },
    ],
    addCube: [{ path: cube('shelf') }],
  },
}

const description = describeApi('0.0.0')
const { schemas } = description.components as { readonly schemas: Schemas }
const operations = operationsOf(description)
const agent = new Agent({ keepAlive: true, maxSockets: 2 })

let host: Host<VirtualMachine>
let served: ServedApi
/** How often an operation was done, by its id. */
const done = new Map<string, number>()

beforeAll(async () => {
  host = openVirtualHost()
  for (const index of [0, 1, 2, 3, 4]) host.machine.addInterface(`eth${index}`, { mac: `02:01:00:00:00:0${index}` })
  const stays = () => Promise.reject(refuse(422, 'cubes stay as they are here'))
  served = await serveApi(host, {
    limits: { ...LIMITS, body: 64 << 10 },
    parts: { cubes: { added: async () => new Map(), add: stays, upgrade: stays, remove: stays } },
  })
})
afterAll(async () => {
  agent.destroy()
  await served[Symbol.asyncDispose]()
  host[Symbol.dispose]()
})

interface Answered {
  readonly status: number
  readonly type: string
  /** Of streams, nothing is read. */
  readonly text: string
}

/** Milliseconds in which an answer has to begin: only what hangs takes them. */
const PATIENCE = 20_000

const ask = ({ method, path, headers: given, body }: Asked) =>
  new Promise<Answered>((resolve, reject) => {
    const headers = body === undefined ? given : { ...given, 'content-length': Buffer.byteLength(body) }
    const options = { socketPath: served.socket, agent, method, path, headers, timeout: PATIENCE }
    const request = begin(options, (response) => {
      const type = response.headers['content-type'] ?? ''
      const chunks: Buffer[] = []
      const end = () => resolve({ status: response.statusCode ?? 0, type, text: Buffer.concat(chunks).toString() })
      if (/event-stream|pcap/.test(type)) {
        response.destroy()
        return end()
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', end)
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE} ms`)))
    request.on('error', reject)
    request.end(body)
  })

/** All that a request may change. */
async function everything(): Promise<string> {
  const { client } = served
  const all: unknown[] = [host.engine.names().map((name) => host.engine.running(name))]
  for (const { name, state } of (await client.listGraphs()).body) {
    all.push(name, state === 'unmanaged' ? state : (await client.getGraph({ graph: name })).body)
    if (!host.engine.names().includes(name)) continue
    for (const { name: instance, cube: of } of host.engine.running(name).graph.instances)
      for (const table of of === cube('shelf') ? WRITABLE : [])
        all.push((await client.listEntries({ graph: name, instance, table })).body)
  }
  return JSON.stringify(all)
}

const WRITABLE = ['flows', 'routes', 'slots', 'counts']

/** Those that look at packets change the programs while they do. */
const LOOKS: ReadonlySet<string> = new Set(['traceGraph', 'captureGraph'])

async function check(asked: Asked): Promise<void> {
  const { id, responses } = asked.operation
  const before = await everything()
  const { status, type, text } = await ask(asked)
  const shown = `${asked.method} ${asked.path} ${String(asked.body).slice(0, 200)} → ${status} ${text.slice(0, 400)}`
  expect(status === 507 || status < 500, shown).toBe(true)
  if (status === 304) return
  const declared = responses[String(status)]
  // A name that is empty, or half of a character, makes it another path.
  if (status !== 404 || declared !== undefined) expect(declared, shown).toBeDefined()
  if (status >= 400) {
    expect(type, shown).toContain(PROBLEM_TYPE)
    expect(problemShape.strict().safeParse(JSON.parse(text)).error, shown).toBeUndefined()
    expect(JSON.parse(text).status, shown).toBe(status)
    if (!LOOKS.has(id)) expect(await everything(), shown).toBe(before)
    return
  }
  done.set(id, (done.get(id) ?? 0) + 1)
  expect(Object.keys(declared?.content ?? {}), shown).toContain(type.split(';')[0])
  const route: Route = ROUTES[id as OperationId]
  if (route.stream === undefined) expect(route.output.safeParse(JSON.parse(text)).error, shown).toBeUndefined()
  if (asked.path.includes('dryRun=true') || asked.method === 'GET') {
    if (!LOOKS.has(id)) expect(await everything(), shown).toBe(before)
  }
}

/** Both graphs are there, as they were, and no others. */
async function restore(): Promise<void> {
  const { client } = served
  const wanted = new Map([OFFICE, STORE].map((one) => [one.graph, one]))
  for (const { name } of (await client.listGraphs()).body) {
    const { body } = await client.getGraph({ graph: name })
    if (JSON.stringify(body) === JSON.stringify(wanted.get(name))) wanted.delete(name)
    else await client.deleteGraph({ graph: name })
  }
  for (const [graph, body] of wanted) await client.putGraph({ graph, body })
}

const SEED = Number(process.env.TESSERA_FUZZ_SEED ?? Date.now() % 1e9)
const SECONDS = Number(process.env.TESSERA_FUZZ_SECONDS ?? 15)
/** Of each operation, before time counts; of one that has always been refused so far, up to so many. */
const [EACH, TRIES] = [4, 40]

const made = (operation: Operation) => requests(operation, schemas, KNOWN)

test(`every operation is asked, seed ${SEED}`, { timeout: 300_000 }, async () => {
  for (const operation of operations) {
    await restore()
    for (const [tried, asked] of fc.sample(made(operation), { seed: SEED, numRuns: TRIES }).entries())
      if (tried < EACH || !done.has(operation.id)) await check(asked)
  }
})

test(`operations are asked one after the other, seed ${SEED}`, { timeout: 300_000 }, async () => {
  await restore()
  const any = fc.constantFrom(...operations.filter(({ id }) => !LOOKS.has(id))).chain(made)
  await fc.assert(fc.asyncProperty(any, check), {
    seed: SEED,
    numRuns: 100_000,
    interruptAfterTimeLimit: SECONDS * 1_000,
    // What went before is a part of it.
    endOnFailure: true,
  })
})

test('many of them were done', () => expect([...done.keys()].length).toBeGreaterThan(operations.length / 2))
