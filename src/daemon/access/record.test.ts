/** Changes by real requests: what the audit, and what the log has of them. */
import pino from 'pino'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory.ts'
import { ask, closeServed, removeFiles, serve, socket, tls, tokenOf, tokens } from '../../testing/access.ts'
import { Audit } from './audit.ts'
import { discreet, SECRETS } from './log.ts'
import { record } from './record.ts'

let store: MemoryStore
let audit: Audit
const lines: string[] = []
const graphs = new Map<string, { revision: string; document: unknown }>()

beforeEach(async () => {
  store = new MemoryStore()
  audit = await Audit.open(store)
  lines.length = 0
  graphs.clear()
})
afterEach(closeServed)
afterAll(removeFiles)

const log = () => pino({ redact: SECRETS }, discreet({ write: (line) => lines.push(line) }))

const open = (now?: () => number) =>
  serve({
    options: { socket, ...tls, tokens },
    log: log(),
    prepare: (app) => record(app, { audit, revised: async (name) => graphs.get(name), ...(now && { now }) }),
    routes: (app) => {
      app.put<{ Params: { graph: string } }>(
        '/graphs/:graph',
        { config: { id: 'putGraph', role: 'operator' } },
        async ({ params, body }, reply) => {
          if (body === null) return reply.code(422).send(JSON.stringify({ detail: 'nothing is no graph' }))
          const revision = String(Number(graphs.get(params.graph)?.revision ?? 0) + 1)
          graphs.set(params.graph, { revision, document: body })
          return { revision }
        },
      )
      app.get('/graphs', { config: { id: 'listGraphs', role: 'viewer' } }, () => [])
      app.post('/fail', { config: { id: 'fail', role: 'operator' } }, (request) => {
        const headers = { authorization: request.headers.authorization }
        throw Object.assign(new Error(`it said ${headers.authorization}`), { headers })
      })
    },
  })

const put = (port: number, body: unknown, more = {}) =>
  ask(port, { method: 'PUT', path: '/graphs/lan', token: tokenOf.operator, body: JSON.stringify(body), ...more })
const kept = async () => (await audit.list(100)).operations

describe('a change', () => {
  test('is recorded by whoever made it, also if it is refused', async () => {
    const { port } = await open()
    expect((await put(port, { a: 1 })).status).toBe(200)
    expect((await put(port, { a: 2 })).status).toBe(200)
    expect((await put(port, null)).status).toBe(422)
    expect((await put(port, { a: 3 }, { token: tokenOf.viewer })).status).toBe(403)
    expect(await kept()).toMatchObject([
      { who: 'token operator', status: 422, detail: 'nothing is no graph', from: '2', to: '2' },
      {
        who: 'token operator',
        what: 'putGraph',
        graph: 'lan',
        from: '1',
        to: '2',
        was: { a: 1 },
        is: { a: 2 },
        status: 200,
      },
      { who: 'token operator', what: 'putGraph', target: '/graphs/lan', to: '1', was: null, is: { a: 1 }, status: 200 },
    ])
    const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'change')
    expect(told.map(({ who, status }) => [who, status])).toEqual([
      ['token operator', 200],
      ['token operator', 200],
      ['token operator', 422],
    ])
  })

  test('of somebody who may not is in the log, and pushes nothing out of the record', async () => {
    audit = await Audit.open(store, { operations: 3, characters: 1_000 })
    let now = 0
    const { port } = await open(() => now)
    await put(port, { a: 1 })
    for (let count = 0; count < 30; count++) await put(port, { a: 2 }, { token: tokenOf.viewer })
    now += 60_000
    await put(port, { a: 2 }, { token: tokenOf.viewer })
    expect(await kept()).toMatchObject([{ who: 'token operator', status: 200 }])
    const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'refused')
    expect(told).toHaveLength(11)
    expect(told[0]).toMatchObject({
      who: 'token viewer',
      what: 'putGraph',
      target: '/graphs/lan',
      status: 403,
      untold: 0,
    })
    expect(told[0].detail).toContain('takes operator')
    expect(told.at(-1)).toMatchObject({ untold: 20 })
  })

  test('is none where nothing is to change, or nobody is known', async () => {
    const { port } = await open()
    await ask(port, { path: '/graphs', token: tokenOf.viewer })
    await put(port, { a: 1 }, { path: '/graphs/lan?dryRun=true' })
    expect((await put(port, { a: 1 }, { token: undefined })).status).toBe(401)
    expect(await kept()).toEqual([])
  })

  test('is not begun where it cannot be recorded', async () => {
    const { port } = await open()
    await store[Symbol.asyncDispose]()
    expect((await put(port, { a: 1 })).status).toBeGreaterThanOrEqual(500)
    expect(graphs.size).toBe(0)
  })
})

test('no secret is in the log, however somebody came to send it', async () => {
  const { port } = await open()
  const { admin: secret } = tokenOf
  await put(port, { token: secret }, { token: secret })
  await put(port, {}, { path: `/graphs/lan?access_token=${secret}`, token: secret })
  await put(port, {}, { path: `/${secret}`, token: secret })
  await ask(port, { method: 'POST', path: '/fail', token: secret, body: '{}' })
  await ask(port, { authorization: 'Basic cm9vdDpodW50ZXIy' })
  await ask(port, { authorization: `Bearer ${secret.slice(0, -1)}` })
  const everything = lines.join('')
  expect(lines.length).toBeGreaterThan(5)
  expect(everything).toContain('it said Bearer tessera_…')
  expect(everything).not.toContain(secret)
  expect(everything).not.toContain(secret.slice('tessera_'.length, -1))
  expect(everything).not.toContain('cm9vdDpodW50ZXIy')
})
