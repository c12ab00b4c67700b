import { mkdtempSync, rmSync } from 'node:fs'
import { request as plain } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, openClient, ProblemError, Unreachable } from '../../api/client.ts'
import { refuse } from '../../api/problem.ts'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { Occupied } from '../../kernel/lock.ts'
import { NoRoom } from '../../store/store.ts'
import { LIMITS } from '../access/limits.ts'
import type { Handlers } from '../service/handlers.ts'
import { problemFor } from './refusals.ts'
import { createServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'tessera-serve-'))
const socket = join(folder, 'api.sock')
let app: FastifyInstance
let client: Client
/** What handlers were asked. */
const asked: unknown[] = []
let ended = 0

const handlers: Partial<Handlers> = {
  listGraphs: () => [{ name: 'office', state: 'running', revision: '7', instances: 1, ports: 2 }],
  getGraph: ({ graph }, { revision }) => {
    if (graph === 'none') throw refuse(404, 'there is no graph none')
    revision('7')
    return { graph, instances: {} }
  },
  putGraph: (input, { expected, created, revision }) => {
    asked.push({ ...input, expected })
    if (input.graph === 'wrong') throw refusal('the cube is unknown', 'take another one')
    created()
    revision('8')
    return { graph: input.graph, dryRun: input.dryRun, revision: '8', actions: [], lost: 0, warnings: [] }
  },
  patchGraph: (input) => {
    asked.push(input)
    return { graph: input.graph, dryRun: false, actions: [], lost: 0, warnings: [] }
  },
  getEntry: ({ key }) => ({ id: key, key: {}, value: {} }),
  getCounters: () => {
    throw new Error('the secret of the daemon')
  },
  getMetrics: () => '# HELP x\n',
  captureGraph: async function* () {
    yield Uint8Array.of(1, 2)
    yield Uint8Array.of(3)
  } as unknown as Handlers['captureGraph'],
  watchEvents: (_, { lastEventId, signal }) => events(Number(lastEventId ?? 0), signal),
}

async function* events(after: number, signal: AbortSignal) {
  try {
    for (let id = after + 1; id <= after + 2; id++)
      yield { id: String(id), time: '2026-01-01T00:00:00Z', kind: 'graph.applied' as const, text: 'line\nline' }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  } finally {
    ended++
  }
}

beforeAll(async () => {
  app = await createServer({
    handlers: handlers as Handlers,
    limits: { ...LIMITS, body: 4096 },
    checked: true,
    heartbeat: 10,
    prepare: async (app) => {
      app.decorateRequest('principal', undefined)
      app.addHook('onRequest', async (request) => {
        request.principal = { name: 'test', role: 'admin', by: 'socket' }
      })
    },
  })
  await app.listen({ path: socket })
  client = openClient({ socket })
})

afterAll(async () => {
  client[Symbol.dispose]()
  await app.close()
  rmSync(folder, { recursive: true })
})

interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const ask = ({ method = 'GET', path, headers = {}, body }: Asked) =>
  new Promise<{ status: number | undefined; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const request = plain({ socketPath: socket, method, path, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })

/** The status, and what the problem says. */
async function refused(asked: Asked) {
  const { status, headers, text } = await ask(asked)
  expect(headers['content-type']).toContain('application/problem+json')
  const { detail, errors = [], ...problem } = JSON.parse(text) as Record<string, unknown>
  expect(problem).toMatchObject({ type: 'about:blank', status, instance: asked.path.split('?')[0] })
  return [
    status,
    detail,
    ...(errors as { pointer?: string; parameter?: string }[]).flatMap((e) => e.pointer ?? e.parameter ?? []),
  ]
}

const json = { 'content-type': 'application/json' }
const put = (body: string | Uint8Array, headers: Record<string, string> = json, graph = 'office') => ({
  method: 'PUT',
  path: `/api/v1/graphs/${graph}`,
  headers,
  body,
})
const OFFICE = '{"graph":"office","instances":{}}'

describe('the client', () => {
  test('is answered', async () => {
    expect((await client.listGraphs()).body).toMatchObject([{ name: 'office' }])
    expect(await client.getGraph({ graph: 'office' })).toEqual({
      status: 200,
      revision: '7',
      body: { graph: 'office', instances: {} },
    })
    expect((await client.getMetrics()).body).toBe('# HELP x\n')
  })

  test('says to which revision', async () => {
    const body = { graph: 'office', instances: {} }
    const answer = await client.putGraph({ graph: 'office', dryRun: true, body }, { ifMatch: '7' })
    expect([answer.status, answer.revision]).toEqual([201, '8'])
    expect(asked.pop()).toEqual({ graph: 'office', dryRun: true, body, expected: { revision: '7' } })
    await client.putGraph({ graph: 'office', body }, { ifNoneMatch: '*' })
    expect(asked.pop()).toMatchObject({ dryRun: false, expected: { none: true } })
    await client.patchGraph({ graph: 'office', body: { instances: null } })
    expect(asked.pop()).toMatchObject({ body: { instances: null } })
  })

  test('is refused with the problem', async () => {
    const error = await client
      .putGraph({ graph: 'wrong', body: { graph: 'wrong', instances: {} } })
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({
      problem: { status: 422, detail: 'the cube is unknown', errors: [{ remedy: 'take another one' }] },
    })
  })

  test.each(['a/b', '..%2f', 'ä,ö', '10.0.0.0/8', '{"a":1}', 'x'.repeat(3000)])('names %s in a path', async (key) => {
    const { body } = await client.getEntry({ graph: 'g', instance: 'i', table: 't', key })
    expect(body.id).toBe(key)
  })

  test('hears of events until it has heard enough, and again from there', async () => {
    const before = ended
    const { body } = await client.watchEvents({}, { lastEventId: '4' })
    const seen: string[] = []
    for await (const { id, text } of body) if (seen.push(`${id} ${text}`) === 2) break
    expect(seen).toEqual(['5 line\nline', '6 line\nline'])
    await expect.poll(() => ended).toBe(before + 1)
  })

  test('reads what is a stream of bytes', async () => {
    const { body } = await client.captureGraph({ graph: 'office' })
    const all = []
    for await (const chunk of body) all.push(...chunk)
    expect(all).toEqual([1, 2, 3])
  })

  test('says where nobody answers', async () => {
    using nobody = openClient({ socket: join(folder, 'none') })
    await expect(nobody.listGraphs()).rejects.toThrow(Unreachable)
    await expect(nobody.listGraphs()).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a request is refused', () => {
  test('at a path that is not there', async () => {
    expect(await refused({ path: '/api/v1/grahps' })).toEqual([
      404,
      'there is nothing at this path: GET /api/v1/openapi.json tells what there is',
    ])
    expect(await refused({ path: '/api/v1/graphs/' })).toMatchObject([400, expect.anything(), 'graph'])
    expect((await refused({ path: '/api/v1/graphs/%zz' }))[0]).toBe(400)
  })

  test('by a method that is not for it', async () => {
    for (const body of ['', '{', 'x'.repeat(9000)])
      expect(await refused({ method: 'POST', path: '/api/v1/graphs/office', body })).toEqual([
        405,
        'POST is not for this path',
      ])
    const { headers, status } = await ask({ method: 'OPTIONS', path: '/api/v1/graphs/office' })
    expect([status, headers.allow]).toEqual([204, 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'])
  })

  test.each([
    ['a name', { path: '/api/v1/graphs/Of%2Ffice' }, [400, expect.stringContaining('lower-case'), 'graph']],
    ['a query that is not known', { path: '/api/v1/graphs?dry=1' }, [400, '"dry" is not known here', 'dry']],
    [
      'a query of another type',
      { ...put(OFFICE), path: '/api/v1/graphs/office?dryRun=maybe' },
      [400, 'has to be true or false, and is "maybe"', 'dryRun'],
    ],
    [
      'a query twice',
      { ...put(OFFICE), path: '/api/v1/graphs/office?dryRun=true&dryRun=true' },
      [400, expect.anything(), 'dryRun'],
    ],
    ['no body', put(''), [400, expect.anything()]],
    ['half of a body', put('{"graph":'), [400, expect.stringContaining('no JSON')]],
    [
      'a name twice',
      put('{"graph":"office","graph":"x","instances":{}}'),
      [400, expect.stringContaining('twice'), '/graph'],
    ],
    ['bytes that are no text', put(Uint8Array.of(0x22, 0xff, 0x22)), [400, 'the body is not UTF-8']],
    [
      'a body of another form',
      put('{"graph":5,"instances":{"a":{"cbue":1}}}'),
      [422, '3 things are wrong with it', '/graph', '/instances/a', '/instances/a/cbue'],
    ],
    [
      'a body that is none',
      put('[]'),
      [422, expect.stringContaining('has to be names with values, and is a list'), ''],
    ],
    ['a body that is too large', put(`"${'x'.repeat(5000)}"`), [413, 'the daemon takes 4096 bytes at most']],
    ['a body of another type', put(OFFICE, { 'content-type': 'text/yaml' }), [415, 'the body is text/yaml']],
    [
      'a patch where it is none',
      put(OFFICE, { 'content-type': 'application/merge-patch+json' }),
      [415, expect.anything()],
    ],
    ['another alphabet', put(OFFICE, { 'content-type': 'application/json; charset=latin1' }), [415, expect.anything()]],
    ['a body that is packed', put(OFFICE, { ...json, 'content-encoding': 'gzip' }), [415, expect.anything()]],
    ['a tag that is weak', put(OFFICE, { ...json, 'if-match': 'W/"7"' }), [400, expect.stringContaining('If-Match')]],
    [
      'a wish for another form',
      { path: '/api/v1/graphs', headers: { accept: 'application/yaml, text/*' } },
      [406, expect.anything()],
    ],
  ])('with %s', async (_, asked, says) => expect(await refused(asked)).toEqual(says))

  test('without a word of what failed within', async () => {
    const { status, text } = await ask({ path: '/api/v1/graphs/office/counters' })
    expect(status).toBe(500)
    expect(text).not.toContain('secret')
  })
})

describe('a request is answered', () => {
  test('to HEAD as to GET, without the body', async () => {
    const { status, headers, text } = await ask({ method: 'HEAD', path: '/api/v1/graphs/office' })
    expect([status, headers.etag, headers['content-type'], text]).toEqual([
      200,
      '"7"',
      expect.stringContaining('json'),
      '',
    ])
    const stream = await ask({ method: 'HEAD', path: '/api/v1/events' })
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream'])
  })

  test.each(['*/*', 'application/*;q=0.5, text/html', 'application/json', 'text/html, */*;q=0.1'])(
    'for Accept: %s',
    async (accept) => expect((await ask({ path: '/api/v1/graphs', headers: { accept } })).status).toBe(200),
  )

  test('with nothing where it has not changed', async () => {
    const same = await ask({ path: '/api/v1/graphs/office', headers: { 'if-none-match': '"7"' } })
    expect([same.status, same.text]).toEqual([304, ''])
    expect((await ask({ path: '/api/v1/graphs/office', headers: { 'if-none-match': '"6"' } })).status).toBe(200)
  })
})

test.each([
  [507, NoRoom],
  [409, Occupied],
  [422, Refusal],
])('%i is the status of what was thrown: %o', (status, Thrown) => {
  expect(problemFor(new Thrown([{ message: 'no' }]))).toMatchObject({ status, detail: 'no' })
})
