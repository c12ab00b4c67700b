/** A server that has given up waiting for a request is asked again. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTransport } from './transport.ts'

let folder = ''
let socket = ''
let server: Server
/** What was asked, and what is answered to each of it. */
let asked: string[]
let statuses: number[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-transport-'))
  socket = join(folder, 'socket')
  asked = []
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    asked.push(`${request.method} ${request.url} ${body}`)
    const status = statuses.shift() ?? 200
    // As Node.js does.
    response.writeHead(status, status === 408 ? { connection: 'close' } : {}).end('done')
  }).listen(socket)
  await once(server, 'listening')
})

afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

async function send(): Promise<string> {
  using transport = openTransport({ socket })
  const options = { method: 'PUT', path: '/x', headers: {}, body: 'what is wanted', signal: undefined }
  return (await transport.send(options)).text()
}

test('until it answers, with the same', async () => {
  statuses = [408, 408]
  expect(await send()).toBe('done')
  expect(asked).toEqual(Array(3).fill('PUT /x what is wanted'))
})

test('and not for ever', async () => {
  statuses = Array(10).fill(408)
  await expect(send()).rejects.toMatchObject({ problem: { status: 408 } })
  expect(asked).toHaveLength(4)
})

test.each([500, 503, 429])('what it answers as %i is an answer', async (status) => {
  statuses = [status]
  await expect(send()).rejects.toMatchObject({ problem: { status } })
  expect(asked).toHaveLength(1)
})
