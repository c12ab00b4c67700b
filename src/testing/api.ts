/** The API of a daemon that lives as long as a test: over a machine of the test's, and a store in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Client, openClient } from '../api/client.ts'
import { refuse } from '../api/problem.ts'
import { Audit } from '../daemon/access/audit.ts'
import { LIMITS, type Limits } from '../daemon/access/limits.ts'
import { record } from '../daemon/access/record.ts'
import type { Principal } from '../daemon/access/role.ts'
import type { Host } from '../daemon/host.ts'
import { createServer } from '../daemon/serve/server.ts'
import { EventLog } from '../daemon/service/event-log.ts'
import type { Parts } from '../daemon/service/parts.ts'
import { createHandlers } from '../daemon/service/service.ts'
import { WantedGraphs } from '../daemon/service/wanted-graphs.ts'
import { MemoryStore } from '../store/memory.ts'

export interface ServedApi extends AsyncDisposable {
  readonly app: FastifyInstance
  readonly client: Client
  readonly socket: string
  readonly events: EventLog
}

export interface ServedOptions {
  readonly limits?: Limits
  readonly principal?: Principal
  readonly parts?: Partial<Parts>
}

const ROOT: Principal = { name: 'uid 0', role: 'admin', by: 'socket' }

export async function serveApi(
  host: Host,
  { limits = LIMITS, principal = ROOT, parts = {} }: ServedOptions = {},
): Promise<ServedApi> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-api-'))
  const socket = join(folder, 'api.sock')
  const events = new EventLog({ now: Date.now })
  const store = new MemoryStore()
  const wanted = await WantedGraphs.open({ host, store, folder: '/', tell: (happened) => events.tell(happened) })
  const audit = await Audit.open(store)
  const none = () => Promise.reject(refuse(501, 'cubes stay as they are here'))
  const handlers = createHandlers({
    ...host,
    wanted,
    events,
    audit,
    cubes: { added: async () => new Map(), add: none, upgrade: none, remove: none },
    network: { interfaces: () => [], namespaces: () => [] },
    planes: () => [],
    metrics: async () => '',
    isReady: () => true,
    takeDown: async () => [],
    version: '0.0.0',
    ...parts,
  })
  const app = await createServer({
    handlers,
    limits,
    checked: true,
    prepare: async (app) => {
      app.decorateRequest('principal', undefined)
      app.addHook('onRequest', async (request) => {
        request.principal = principal
      })
      record(app, { audit, revised: (graph) => wanted.get(graph) })
    },
  })
  await app.listen({ path: socket })
  const client = openClient({ socket })
  return {
    app,
    client,
    socket,
    events,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await app.close()
      rmSync(folder, { recursive: true })
    },
  }
}
