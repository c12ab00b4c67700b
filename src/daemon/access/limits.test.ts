import { readFileSync } from 'node:fs'
import { request as secureRequest } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import fastify from 'fastify'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ask, authority, closeServed, removeFiles, serve, socket, tokenOf, tokens } from '../../testing/access.ts'
import { authorize } from './authorize.ts'
import { LIMITS } from './limits.ts'
import { addToken, makeToken } from './tokens.ts'

afterEach(closeServed)
afterAll(removeFiles)

describe('limits', () => {
  test('TLS is 1.2 at least', async () => {
    const { port } = await serve()
    const how = (maxVersion: 'TLSv1.1' | 'TLSv1.2') =>
      new Promise<string | null>((resolve) => {
        const old = {
          minVersion: 'TLSv1',
          maxVersion,
          ciphers: 'DEFAULT@SECLEVEL=0',
          rejectUnauthorized: false,
        } as const
        const client = connectTls({ host: '127.0.0.1', port, ...old }, () => {
          resolve(client.getProtocol())
          client.destroy()
        })
        client.once('error', ({ message }) => resolve(message))
      })
    expect(await how('TLSv1.2')).toBe('TLSv1.2')
    expect(await how('TLSv1.1')).toContain('alert protocol version')
  })

  test('plain HTTP is no way in', async () => {
    const { port } = await serve()
    const got = await new Promise<string>((resolve) => {
      let text = ''
      const client = connectPlain(port, '127.0.0.1', () => client.write('GET /admin HTTP/1.1\r\nHost: a\r\n\r\n'))
      client.on('data', (piece) => {
        text += piece
      })
      client.once('close', () => resolve(text))
      client.once('error', () => {})
    })
    expect(got).not.toContain('200')
  })

  test('requests of one principal', async () => {
    const { port } = await serve({ limits: { rate: 3 } })
    const all = await Promise.all(Array.from({ length: 8 }, () => ask(port, { token: tokenOf.viewer })))
    const late = all.filter(({ status }) => status === 429)
    expect(late.length).toBeGreaterThanOrEqual(2)
    expect(all.length - late.length).toBeGreaterThanOrEqual(3)
    expect(late[0]?.headers['retry-after']).toBe('1')
    // Another one is not held up.
    expect((await ask(port, { token: tokenOf.admin })).status).toBe(200)
  })

  test('requests that do not count', async () => {
    const { port } = await serve({ limits: { failures: 3 } })
    const all = await Promise.all(Array.from({ length: 8 }, () => ask(port)))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([401, 429]))
    expect((await ask(port, { token: tokenOf.admin })).status).toBe(200)
  })

  test('bytes of a body', async () => {
    const { port } = await serve({ limits: { body: 100 } })
    const post = (length: number) =>
      ask(port, { method: 'POST', token: tokenOf.viewer, body: JSON.stringify('x'.repeat(length)) })
    expect((await post(90)).status).toBe(200)
    expect((await post(100)).status).toBe(413)
  })

  const reading = (port: number, token: string) =>
    new Promise<{ status: number | undefined; ended: Promise<unknown>; end: () => void }>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` }
      const sent = secureRequest(
        { host: '127.0.0.1', port, path: '/events', headers, agent: false, ca: readFileSync(authority.certificate) },
        (response) => {
          response.once('error', () => {})
          response.resume()
          resolve({
            status: response.statusCode,
            ended: new Promise((ended) => response.once('close', ended)),
            end: () => sent.destroy(),
          })
        },
      )
      sent.once('error', reject)
      sent.end()
    })

  test('what a token reads, when it has expired', async () => {
    let now = Date.now()
    const { token, entry } = makeToken('brief', 'viewer', new Date(now + 3_600_000))
    addToken(tokens, entry)
    const { port } = await serve({ limits: { streamCheck: 10 }, now: () => now })
    const [brief, other] = [await reading(port, token), await reading(port, tokenOf.viewer)]
    expect([brief.status, other.status]).toEqual([200, 200])
    now += 3_600_001
    await brief.ended
    expect((await ask(port, { token })).status).toBe(401)
    expect(await Promise.race([other.ended, 'goes on'])).toBe('goes on')
    other.end()
  })

  test('streams', async () => {
    const { port } = await serve({ limits: { streams: 3, streamsEach: 2 } })
    const begin = (token: string) => reading(port, token)
    const first = await begin(tokenOf.viewer)
    const second = await begin(tokenOf.viewer)
    expect([first.status, second.status, (await begin(tokenOf.viewer)).status]).toEqual([200, 200, 429])
    const third = await begin(tokenOf.admin)
    expect([third.status, (await begin(tokenOf.operator)).status]).toEqual([200, 429])
    first.end()
    await expect.poll(async () => (await begin(tokenOf.operator)).status).toBe(200)
    second.end()
    third.end()
  })

  test('connections', async () => {
    const { port } = await serve({ limits: { connections: 2 } })
    const clients = Array.from({ length: 4 }, () => connectPlain(port, '127.0.0.1'))
    const closed = new Set<number>()
    for (const [index, client] of clients.entries()) {
      client.once('close', () => closed.add(index))
      client.once('error', () => {})
    }
    await expect.poll(() => closed.size).toBe(2)
    for (const client of clients) client.destroy()
  })

  test('header fields that come late', async () => {
    await serve({ options: { socket }, limits: { headerTime: 200 } })
    const got = await new Promise<string>((resolve) => {
      let text = ''
      const client = connectPlain(socket, () => client.write('GET /viewer HTTP/1.1\r\nHost: a\r\nX-Slow: '))
      client.on('data', (piece) => {
        text += piece
      })
      client.once('close', () => resolve(text))
    })
    expect(got).toContain('408')
  })
})

test('a route has to say who may', async () => {
  const app = fastify()
  await authorize(app, { identify: () => ({ is: 'unknown' }), limits: LIMITS })
  expect(() => app.get('/', () => 'open to all')).toThrow('nobody has said who may GET /')
  await app.close()
})
